"""`modelfleet.combine`: saved versions become the members of an ensemble, which is a version like any other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.saving import agreement, golden, locks, plans, rows
from modelfleet.saving.card import Ensemble, Scoring, Signature
from modelfleet.saving.estimators import refuse_unfit
from modelfleet.saving.finish import SavedModel, Wish, finish, user
from modelfleet.saving.inputs import Inputs
from modelfleet.saving.plans import Chosen, Plan
from modelfleet_service import members as models
from modelfleet_service.errors import ModelError, RequestError
from modelfleet_service.model import CARD, Model, read
from modelfleet_service.runtimes import Allowed, Answers
from modelfleet_service.runtimes.ensemble import EnsembleRuntime


def combine(
    name: str,
    *,
    members: Sequence[str] = (),
    how: str,
    weights: Sequence[float] = (),
    final: str = "",
    field: str = "",
    routes: Mapping[Any, str] | None = None,
    default: str = "",
    inputs: Any = None,
    targets: Sequence[Any] | None = None,
    trusted_types: Sequence[str] = (),
    python_code: bool = False,
    breaking: str = "",
    store_path: Path | None = None,
    **card: Any,
) -> SavedModel:
    """Save an ensemble of saved versions, such as ``["digits:3", "digits@champion"]``, as the next version of ``name``.

    ``how`` is ``mean``; ``weights``, with a positive number a member; ``vote``, of classifiers, where a tie goes to
    the higher mean probability; ``stacking``, where ``final`` was trained on what `stack` returns; or ``route``, where
    the value of ``field`` in an instance chooses from ``routes``, any other value ``default``, and without one is
    refused as the client's mistake. ``field`` is an input of the members, or one in addition that none of them takes.
    ``inputs`` are example rows as in `modelfleet.save`; if not given, the members' golden instances. ``card`` has the
    other fields of the card. A member's types and code are trusted as a fleet has to: ``trusted_types``,
    ``python_code``. Raises Failure, with nothing saved, where the members don't agree or something is missing.
    """
    plan = Plan(how, tuple(members), tuple(weights), final, field, dict(routes or {}), default)
    wish = Wish(name, store_path, trusted_types, breaking)
    return save_ensemble(plan, inputs, card, wish, python_code, targets)


def stack(
    members: Sequence[str],
    inputs: Any,
    *,
    trusted_types: Sequence[str] = (),
    python_code: bool = False,
    store_path: Path | None = None,
) -> NDArray[np.float64]:
    """Return what a stacking ensemble's final model is trained on: an array of shape (rows, width).

    It has the members' answers side by side, member by member: probabilities in the order of the first member's
    classes, or values. Raises Failure where the members don't agree or the inputs don't fit them.
    """
    found = plans.find(members, store_path)
    if not found:
        raise Failure("members", "are missing", "name two or more")
    common = agreement.of_members(found)
    chosen = [Chosen(model, plans.entry(model)) for model in found]
    runtime, _ = _runtime("mean", "", chosen, common, Allowed(tuple(trusted_types), python_code), store_path)
    with _scoring_examples():
        return runtime.stack(rows.fitted(inputs, common).batch)


def save_ensemble(
    plan: Plan,
    inputs: Any,
    card: Mapping[str, Any],
    wish: Wish,
    python_code: bool = False,
    targets: Sequence[Any] | None = None,
) -> SavedModel:
    """Save the ensemble that a plan describes; ``card`` has the card's fields. Raises Failure, with nothing saved."""
    chosen = plans.chosen(plan, wish.store_path)
    signature = agreement.signature(plan, chosen)
    if plan.how == "route":
        chosen = agreement.routed(plan, chosen, signature)
    examples = rows.fitted(inputs, signature) if inputs is not None else rows.golden(plan, chosen, signature)
    allowed = Allowed(tuple(wish.trusted_types), python_code)
    runtime, held = _runtime(plan.how, plan.field, chosen, signature, allowed, wish.store_path)
    head = examples.head(golden.ROWS)
    answers = _answers(runtime, head)
    with store.incoming(wish.name, wish.store_path) as folder:
        scoring = _scoring(chosen)
        golden.write(folder, head, answers, signature.classes, scoring.tolerance)
        if targets is not None:
            golden.write_evaluation(folder, examples, targets)
        locks.union(folder, [one.model for one in chosen])
        document = _document(plan, chosen) | {"author": user()} | dict(card)
        ours = {"signature": signature, "scoring": scoring, "ensemble": _ensemble(plan.how, plan.field, chosen)}
        return finish(folder, document | ours, wish, _proof(held, python_code))


def told(saved: SavedModel) -> dict[str, Any]:
    """Say what was saved, and of which members, in plain values."""
    card = read(saved.path).card
    members = [{key: one[key] for key in ("name", "version", "digest", "role")} for one in card["ensemble"]["members"]]
    return saved.said() | {"members": members}


def _document(plan: Plan, chosen: Sequence[Chosen]) -> dict[str, Any]:
    """Say what an ensemble is, for the fields that are not given."""
    libraries: dict[str, str] = {}
    for one in chosen:
        libraries |= one.model.card["libraries"]
    names = ", ".join(one.model.reference for one in chosen)
    return {"algorithm": f"ensemble ({plan.how}) of {names}", "libraries": libraries}


def _scoring(chosen: Sequence[Chosen]) -> Scoring:
    """Say how an ensemble is scored: as exactly as the least exact of its members."""
    tolerance = max(float(one.model.scoring["tolerance"]) for one in chosen)
    return Scoring(runtime="ensemble", file=CARD, tolerance=tolerance)


def _ensemble(how: Any, field: str, chosen: Sequence[Chosen]) -> Ensemble:
    return Ensemble(combine=how, members=[one.entry for one in chosen], field=field)


def _runtime(
    how: str, field: str, chosen: Sequence[Chosen], signature: Signature, allowed: Allowed, store_path: Path | None
) -> tuple[EnsembleRuntime, dict[str, Model]]:
    """Load an ensemble that is not saved yet; return it and all members by digest, those of members too."""
    document = {"name": "the ensemble", "version": 1, "signature": signature.model_dump()}
    document["ensemble"] = _ensemble(how, field, chosen).model_dump()
    ensemble = Model(Path(), "", (), document)
    try:
        held = models.every(ensemble, _finder(chosen, store_path))
        return EnsembleRuntime(ensemble, allowed, held.__getitem__, {}), held
    except ModelError as error:
        raise Failure(error.where, error.what, _cure(error.what)) from error


def _finder(chosen: Sequence[Chosen], store_path: Path | None) -> Callable[[str], Model]:
    known = {one.model.digest: one.model for one in chosen}
    return lambda digest: known[digest] if digest in known else store.by_digest(digest, store_path)


def _cure(what: str) -> str:
    if "skops_trusted_types" in what:
        return "if you trust them: --trust TYPE for each (trusted_types in Python)"
    if "python_code" in what:
        return "if you trust it: --python-code (python_code=True in Python)"
    return "combine versions that can be loaded here"


def _answers(runtime: EnsembleRuntime, head: Inputs) -> Answers:
    with _scoring_examples():
        answers = runtime.score(head.batch)
    refuse_unfit("the ensemble", answers, len(head))
    return answers


@contextlib.contextmanager
def _scoring_examples() -> Iterator[None]:
    """Say in one line why members can't score the examples."""
    try:
        yield
    except RequestError as error:
        where = f"inputs.{error.field}" if error.field else "inputs"
        raise Failure(where, error.message, "mend the examples, or name a default") from error
    except Failure:
        raise
    except Exception as error:  # a member's own code, or a library that runs it, may raise anything
        what = f"a member can't score them ({type(error).__name__}: {error})"
        raise Failure("inputs", what, "give examples that every member can score, or leave it out") from error


def _proof(held: Mapping[str, Model], python_code: bool) -> list[str]:
    """Tell the proving process where the members are."""
    return [*(f"--member={digest}={one.path}" for digest, one in held.items()), *(["--code"] if python_code else [])]

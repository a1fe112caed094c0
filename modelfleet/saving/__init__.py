"""`modelfleet.save`: a trained estimator becomes the next version of a name, or nothing is saved."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.saving import card as cards
from modelfleet.saving import estimators, golden, locks, trial
from modelfleet.saving.card import Card, Conversion, Measure, Scoring, TrainingData
from modelfleet.saving.finish import SavedModel, Wish, finish
from modelfleet.saving.formats import boosters, code, onnx, skops
from modelfleet.saving.inputs import LABEL, Inputs
from modelfleet.saving.parity import Apart
from modelfleet.store.disk import who
from modelfleet_service.runtimes import Answers

FORMATS = ("auto", "onnx", "skops", "xgboost", "lightgbm")


def save(
    estimator: Any,
    name: str,
    *,
    inputs: Any,
    targets: Sequence[Any] | None = None,
    feature_names: Sequence[str] | None = None,
    input_name: str = LABEL,
    nullable: Sequence[str] = (),
    about_inputs: Mapping[str, Mapping[str, str]] | None = None,
    format: str = "auto",
    evaluation: Sequence[Mapping[str, Any]] = (),
    training_data: Mapping[str, Any] | None = None,
    description: str = "",
    intended_use: str = "",
    limits: str = "",
    license: str = "",
    languages: Sequence[str] = (),
    author: str | None = None,
    lineage: Mapping[str, str] | None = None,
    tags: Sequence[str] = (),
    trusted_types: Sequence[str] = (),
    breaking: str = "",
    store_path: Path | None = None,
) -> SavedModel:
    """Save a fitted estimator or pipeline of scikit-learn, XGBoost or LightGBM as the next version of ``name``.

    ``inputs`` are example rows, best the evaluation data: an array of shape (n, ...), whose instances are lists of
    numbers; a data frame (or an array with ``feature_names``), whose instances are objects; or a list of texts. They
    fix the signature; a column in which a value may be missing though none is here is named in ``nullable``, and
    ``about_inputs`` has the ``unit`` and ``description`` of inputs by name. The answers to the first rows become the
    golden set, and a conversion's parity is measured on all of them. With ``targets``, the true answers, the first
    1,000 rows are kept for comparisons with later versions.
    ``format`` is ``onnx``, ``skops``, ``xgboost``, ``lightgbm``, or ``auto``: a booster as it is, ONNX where its
    answers equal the estimator's, skops otherwise. ``evaluation`` is a list of ``{"metric", "data_set", "value"}``;
    ``training_data`` has ``name``, ``location``, ``rows``, ``digest``. ``breaking`` says why a signature that is not
    the last version's is meant. Raises Failure, with nothing saved, where something of this is missing or wrong.
    """
    card = {
        "evaluation": _plain(evaluation),
        "training_data": _plain(training_data) or None,
        "description": description,
        "intended_use": intended_use,
        "limits": limits,
        "license": license,
        "languages": languages,
        "author": author or _user(),
        "lineage": _plain(lineage or {}),
        "tags": tags,
    }
    besides = {"feature_names": _names(feature_names), "nullable": _names(nullable)}
    cards.examined({**card, **besides, "about_inputs": _plain(about_inputs or {})})
    examples = Inputs.of(inputs, feature_names, input_name, nullable).described(about_inputs or {})
    wish = Wish(name, store_path, tuple(trusted_types), breaking)
    return save_estimator(estimator, examples, card, wish, format, targets)


def save_estimator(
    estimator: Any,
    examples: Inputs,
    card: Mapping[str, Any],
    wish: Wish,
    format: str = "auto",
    targets: Sequence[Any] | None = None,
) -> SavedModel:
    """Save a fitted estimator; ``card`` has the card's fields. Raises Failure, with nothing saved."""
    if format not in FORMATS:
        raise Failure("format", f"{format!r} is none", f"use one of {', '.join(FORMATS)}")
    head = examples.head(golden.ROWS)
    answers, classes = estimators.own_answers(estimator, head), estimators.classes_of(estimator)
    with store.incoming(wish.name, wish.store_path) as folder:
        scoring, needs = _artefact(estimator, examples, folder, format, wish.trusted_types)
        golden.write(folder, head, answers, classes)
        if targets is not None:
            golden.write_evaluation(folder, examples, targets)
        locks.write(folder, needs)
        document = {
            "algorithm": estimators.algorithm(estimator),
            "libraries": _libraries(needs),
            "parameters": estimators.parameters(estimator),
            **card,
            "signature": golden.signature(examples, answers, classes),
            "scoring": scoring,
        }
        return finish(folder, document, wish)


def save_onnx(file: Path, inputs: Inputs, card: Mapping[str, Any], wish: Wish) -> SavedModel:
    """Save an ONNX file from anywhere; what it answers now is its golden set.

    ``card`` has the card's fields, and for a classifier ``classes``, its labels in the order of its probabilities,
    and ``activation`` where the graph's scores are no probabilities yet. Raises Failure, with nothing saved.
    """
    document = dict(card)
    classes, activation = list(document.pop("classes", [])), document.pop("activation", None)
    head = inputs.head(golden.ROWS)
    with store.incoming(wish.name, wish.store_path) as folder:
        scoring, answers = onnx.take(file, folder, head, classes, activation)
        return _taken(folder, head, answers, classes, scoring, onnx.NEEDS, {"algorithm": "ONNX", **document}, wish)


def save_booster(file: Path, inputs: Inputs, card: Mapping[str, Any], wish: Wish) -> SavedModel:
    """Save an XGBoost .ubj or a LightGBM .txt file; for a classifier ``card`` has ``classes``.

    Raises Failure, with nothing saved, where it can't be scored or the card is wrong.
    """
    document, kind = dict(card), "xgboost" if file.suffix == ".ubj" else "lightgbm"
    classes, head = list(document.pop("classes", [])), inputs.head(golden.ROWS)
    with store.incoming(wish.name, wish.store_path) as folder:
        scoring, answers = boosters.take(file, kind, folder, head, classes)
        said = {"algorithm": f"{kind} booster", **document}
        return _taken(folder, head, answers, classes, scoring, boosters.NEEDS[kind], said, wish)


def save_code(folder: Path, entry: str, inputs: Inputs, card: Mapping[str, Any], wish: Wish) -> SavedModel:
    """Save a folder of Python code whose class ``entry`` (``module:Class``) scores; a fleet has to allow it.

    The class is made with the folder's path and has ``predict(batch)``, which takes arrays of shape (n, ...) by input
    name and returns arrays by output name; for a classifier, ``card`` has ``classes`` and it returns
    ``probabilities``. A requirements.txt in the folder is locked with hashes, and the code has to answer alike in an
    environment that has nothing else. Raises Failure, with nothing saved.
    """
    document = dict(card)
    classes, head = list(document.pop("classes", [])), inputs.head(golden.ROWS)
    with store.incoming(wish.name, wish.store_path) as incoming:
        scoring, answers, needs = code.take(folder, entry, incoming, head, classes)
        said = {"algorithm": entry, **document}
        try:
            return _taken(incoming, head, answers, classes, scoring, needs, said, wish, ["--code"])
        except Failure as failure:
            raise code.explained(failure, folder) from failure


def save_skops(file: Path, inputs: Inputs, card: Mapping[str, Any], wish: Wish) -> SavedModel:
    """Save a skops file; loads it with the types that skops and ``wish`` trust.

    Raises Failure, with nothing saved, where it holds other types or the card is wrong.
    """
    return save_estimator(skops.read(file, wish.trusted_types), inputs, card, wish, "skops")


def _taken(
    folder: Path,
    head: Inputs,
    answers: Answers,
    classes: list[Any],
    scoring: Scoring,
    needs: Sequence[str],
    document: Mapping[str, Any],
    wish: Wish,
    proof: Sequence[str] = (),
) -> SavedModel:
    """Finish a model that was taken over as a file: what it answers now is what it has to answer for ever."""
    golden.write(folder, head, answers, classes)
    locks.write(folder, needs)
    said = {"libraries": _libraries(needs), "author": _user(), **document}
    said |= {"signature": golden.signature(head, answers, classes), "scoring": scoring}
    if scoring.runtime != "code":
        return finish(folder, said, wish, proof)
    with trial.python(folder) as python:
        return finish(folder, said, wish, proof, python)


def _artefact(
    estimator: Any, examples: Inputs, folder: Path, wanted: str, trusted: Sequence[str]
) -> tuple[Scoring, Sequence[str]]:
    kind = estimators.family(estimator) if wanted == "auto" else wanted
    if kind in boosters.FILES:
        return boosters.write(estimator, kind, examples, folder), boosters.NEEDS[kind]
    refused = []
    if wanted in ("auto", "onnx"):
        try:
            return onnx.convert(estimator, examples, folder), onnx.NEEDS
        except Failure as failure:
            if wanted == "onnx":
                raise
            (folder / onnx.FILE).unlink(missing_ok=True)
            gap = failure.parity if isinstance(failure, Apart) else None
            refused.append(Conversion(format="onnx", refused=failure.what, parity=gap))
    scoring, needs = skops.write(estimator, examples, folder, trusted)
    return scoring.model_copy(update={"refused": refused}), needs


def _plain(said: Any) -> Any:
    """Make a card's dicts and lists of mappings and tuples; what is neither is for the card to refuse."""
    if isinstance(said, Mapping):
        return {name: _plain(value) for name, value in said.items()}
    return [_plain(value) for value in said] if isinstance(said, list | tuple) else said


def _names(said: Any) -> Any:
    """Make a list of an array or an index of names; a text is for the card to refuse."""
    return [str(name) for name in said] if isinstance(said, Iterable) and not isinstance(said, str) else said


def _user() -> str:
    return who().rpartition("@")[0]


def _libraries(needs: Sequence[str]) -> dict[str, str]:
    return locks.versions((*needs, "scikit-learn", "skl2onnx")) | {"python": sys.version.split()[0]}


__all__ = [
    "Card",
    "Inputs",
    "Measure",
    "SavedModel",
    "TrainingData",
    "Wish",
    "save",
    "save_booster",
    "save_code",
    "save_onnx",
    "save_skops",
]

"""The evaluation set: instances with their true answers, from a file or as a saved version kept them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelfleet.errors import Failure
from modelfleet.saving import examples
from modelfleet.saving.golden import EVALUATION
from modelfleet.saving.inputs import Inputs
from modelfleet_service.model import Model, sha256_of
from modelfleet_service.signature import Signature

TARGET, INPUTS = "target", "inputs"


@dataclass(frozen=True)
class Rows:
    """Instances as a request has them, as many true answers, and where they are from.

    ``notes`` say what the set can't show, each in a line.
    """

    instances: Sequence[Any]
    targets: Sequence[Any]
    source: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.instances)


def of_file(path: Path, target: str, first: Model, second: Model) -> Rows:
    """Read a .csv, .json or .parquet file with a column of true answers, an .npz file, or a kept .jsonl file.

    An .npz file has one array an input, or the array ``inputs`` where instances are no objects, and the true answers
    in the array ``target``. Raises Failure where it can't be read, has no such column, or a true answer is missing.
    """
    if path.suffix == ".jsonl":
        return Rows(*_kept(path), str(path), _notes(path, first, second))
    found = examples.load(path)
    columns = list(found) if isinstance(found, Mapping) else [str(one) for one in getattr(found, "columns", ())]
    if target not in columns:
        known = f"it has {', '.join(columns[:12])}" if columns else "use .csv, .json with objects, .parquet or .npz"
        raise Failure(str(path), f"has no column {target!r} of true answers", f"name it with --target; {known}")
    targets = found[target].tolist()
    rest = {name: found[name] for name in columns if name != target} if isinstance(found, Mapping) else None
    given = rest if rest is not None else found.drop(columns=[target])
    instances = _instances(given, Signature.of(second.card))
    return Rows(instances, _complete(str(path), targets, len(instances)), str(path), _notes(path, first, second))


def kept(first: Model, second: Model) -> Rows:
    """Return the evaluation set that the second version kept, or else the first.

    Raises Failure, which says how to get one, where neither did.
    """
    for model, other in ((second, first), (first, second)):
        file = model.path / EVALUATION
        if file.is_file():
            note = f"whether {other.reference} was trained on some of these rows is not known"
            return Rows(*_kept(file), f"the evaluation set that {model.reference} kept", (note,))
    what = "neither kept an evaluation set"
    cure = "give one with --data FILE --target COLUMN, or save the next version with targets=, the true answers"
    raise Failure(f"{first.reference} and {second.reference}", what, cure)


def _kept(file: Path) -> tuple[list[Any], list[Any]]:
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
        instances, targets = [line["instance"] for line in lines], [line["target"] for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"not an evaluation set ({type(error).__name__}: {error})"
        raise Failure(str(file), what, 'give lines of {"instance": ..., "target": ...}') from error
    return instances, _complete(str(file), targets, len(instances))


def _instances(given: Any, signature: Signature) -> list[Any]:
    """Give a file's columns the form of requests: objects by name, or the one input's values."""
    if signature.named:
        return Inputs.of(given).instances()
    if isinstance(given, Mapping):
        only = given[INPUTS] if INPUTS in given else next(iter(given.values()), [])
        return list(only.tolist())
    if given.shape[1] == 1 and not signature.inputs[0].shape:
        return list(given.iloc[:, 0].tolist())
    return list(given.to_numpy().tolist())


def _complete(where: str, targets: list[Any], instances: int) -> list[Any]:
    if not targets or len(targets) != instances:
        what = f"has {len(targets)} true answers for {instances} instances"
        raise Failure(where, what, "give one true answer an instance")
    for number, target in enumerate(targets):
        if target is None or target != target:
            raise Failure(where, f"row {number}, counted from 0, has no true answer", "leave such rows out")
    return targets


def _notes(path: Path, first: Model, second: Model) -> tuple[str, ...]:
    """Say which of the two learned from this very file, by the digest in its card; else that it can't be known."""
    digest = sha256_of(path)
    learned = [
        model.reference
        for model in (first, second)
        if ((model.card.get("training_data") or {}).get("digest") or "").endswith(digest)
    ]
    if learned:
        return (f"{' and '.join(learned)} learned from this very file, so these figures flatter it",)
    return (f"whether {first.reference} or {second.reference} was trained on some of these rows is not known",)

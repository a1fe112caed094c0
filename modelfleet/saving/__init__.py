"""`modelfleet.save`: a trained estimator becomes the next version of a name, or nothing is saved."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.saving import artefacts, locks
from modelfleet.saving.card import Card, Measure, Scoring, Signature, Tensor, TrainingData, page
from modelfleet.saving.inputs import Inputs
from modelfleet_service import golden, model

GOLDEN_ROWS = 24
LABEL_DTYPES = {bool: "bool", int: "int64", float: "float64", str: "string"}
TRAINING_LIBRARIES = {
    "onnx": ("scikit-learn", "skl2onnx", "onnxruntime", "numpy"),
    "skops": ("scikit-learn", "skops", "numpy"),
}


@dataclass(frozen=True)
class SavedModel:
    """What was saved: its reference, such as ``digits:3``, its digest, and where it is."""

    reference: str
    digest: str
    path: Path


def save(
    estimator: Any,
    name: str,
    *,
    inputs: Any,
    feature_names: Sequence[str] | None = None,
    input_name: str = "features",
    format: str = "auto",
    evaluation: Sequence[Mapping[str, Any]] = (),
    training_data: Mapping[str, Any] | None = None,
    intended_use: str = "",
    limits: str = "",
    author: str | None = None,
    lineage: Mapping[str, str] | None = None,
    tags: Sequence[str] = (),
    trusted_types: Sequence[str] = (),
    store_path: Path | None = None,
) -> SavedModel:
    """Save a fitted scikit-learn estimator as the next version of ``name``.

    ``inputs`` are example rows of shape (n, width), best the evaluation data: a 2-D array, whose instances are lists
    of numbers, or a data frame (or an array with ``feature_names``), whose instances are objects. The answers to its
    first rows become the golden set, and the parity of the conversion is measured on all of it. ``format`` is
    ``onnx``, ``skops``, or ``auto``: ONNX where its answers equal the estimator's, skops otherwise. ``evaluation`` is
    a list of ``{"metric", "data_set", "value"}``; ``training_data`` has ``name``, ``location``, ``rows``, ``digest``.
    Raises Failure, with nothing saved, where something of this is missing or wrong.
    """
    card = {
        "evaluation": [dict(measure) for measure in evaluation],
        "training_data": dict(training_data) if training_data else None,
        "intended_use": intended_use,
        "limits": limits,
        "author": author or getpass.getuser(),
        "lineage": dict(lineage or {}),
        "tags": list(tags),
    }
    examples = Inputs.of(inputs, feature_names, input_name)
    return _save(estimator, name, examples, card, format, trusted_types, store_path)


def save_onnx(
    file: Path, name: str, *, inputs: Inputs, card: Mapping[str, Any], store_path: Path | None = None
) -> SavedModel:
    """Save an ONNX file from anywhere as the next version of ``name``; what it answers now is its golden set.

    ``card`` has the card's fields, and ``classes`` for a classifier, whose outputs are labels of shape (n,) and
    probabilities of shape (n, classes). Raises Failure, with nothing saved, where the file or the card is wrong.
    """
    document = dict(card)
    classes = list(document.pop("classes", []))
    with store.incoming(name, store_path) as folder:
        answers = artefacts.take_onnx(file, folder / "model.onnx", inputs.rows[:GOLDEN_ROWS], classes)
        golden.write(folder / golden.FILE, _golden(inputs, classes, *answers))
        locks.write(folder, "onnx")
        document = {"algorithm": "ONNX", "libraries": locks.versions(("onnxruntime", "numpy")), **document}
        document["signature"] = _signature(inputs, classes)
        document["scoring"] = Scoring(runtime="onnx", file="model.onnx", tolerance=artefacts.TOLERANCE)
        return finish(folder, name, document, (), store_path)


def save_skops(
    file: Path,
    name: str,
    *,
    inputs: Inputs,
    card: Mapping[str, Any],
    trusted_types: Sequence[str] = (),
    store_path: Path | None = None,
) -> SavedModel:
    """Save a skops file as the next version of ``name``; loads it with the types that skops and the caller trust.

    Raises Failure, with nothing saved, where it holds other types or the card is wrong.
    """
    estimator = artefacts.read_skops(file, trusted_types)
    return _save(estimator, name, inputs, card, "skops", trusted_types, store_path)


def _save(
    estimator: Any,
    name: str,
    examples: Inputs,
    card: Mapping[str, Any],
    wanted: str,
    trusted_types: Sequence[str],
    store_path: Path | None,
) -> SavedModel:
    answers = artefacts.own_answers(estimator, examples.rows[:GOLDEN_ROWS])
    classes = [_plain(value) for value in getattr(estimator, "classes_", [])]
    with store.incoming(name, store_path) as folder:
        scoring = _artefact(estimator, examples, folder, wanted, classes, trusted_types)
        golden.write(folder / golden.FILE, _golden(examples, classes, *answers))
        locks.write(folder, scoring.runtime)
        document = {
            "algorithm": _algorithm(estimator),
            "libraries": locks.versions(TRAINING_LIBRARIES[scoring.runtime]) | {"python": sys.version.split()[0]},
            "parameters": _parameters(estimator),
            **card,
            "signature": _signature(examples, classes),
            "scoring": scoring,
        }
        return finish(folder, name, document, trusted_types, store_path)


def finish(
    folder: Path, name: str, document: dict[str, Any], trusted_types: Sequence[str], store_path: Path | None
) -> SavedModel:
    """Add the card and the manifest, prove that a fresh process scores the golden set, and publish."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    with store.next_version(name, store_path) as version:
        card = checked(document | {"name": name, "version": version, "created": created})
        _write(folder, card)
        card.scoring.memory_bytes = _prove(folder, trusted_types)
        _write(folder, card)
        place = store.publish(folder, name, version, store_path)
    saved = model.read(place)
    return SavedModel(saved.reference, saved.digest, place)


def checked(document: Mapping[str, Any]) -> Card:
    """Read a card; raise Failure that names the field which is unknown, missing or of the wrong type."""
    try:
        return Card.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = "card." + ".".join(str(part) for part in first["loc"])
        raise Failure(where, first["msg"].lower(), "mend the card; nothing was saved") from error


def _artefact(
    estimator: Any, examples: Inputs, folder: Path, wanted: str, classes: list[Any], trusted: Sequence[str]
) -> Scoring:
    if wanted not in ("auto", "onnx", "skops"):
        raise Failure("format", f"{wanted!r} is none", "use auto, onnx or skops")
    if wanted in ("auto", "onnx"):
        path = folder / "model.onnx"
        try:
            parity = artefacts.write_onnx(estimator, examples.rows, path, classes)
            return Scoring(runtime="onnx", file=path.name, tolerance=artefacts.TOLERANCE, parity=parity)
        except Failure:
            path.unlink(missing_ok=True)
            if wanted == "onnx":
                raise
    path = folder / "model.skops"
    parity = artefacts.write_skops(estimator, examples.rows, path, classes, trusted)
    return Scoring(runtime="skops", file=path.name, tolerance=artefacts.TOLERANCE, parity=parity)


def _golden(
    examples: Inputs, classes: list[Any], answers: NDArray[Any], shares: NDArray[Any] | None
) -> list[golden.Row]:
    """Make the golden set of the first rows and the answers to them, as the trainer saw them."""
    if shares is None:
        predictions: list[dict[str, Any]] = [{"value": float(value)} for value in answers]
    else:
        names = [str(value) for value in classes]
        predictions = [
            {"label": _plain(label), "probabilities": dict(zip(names, map(float, share), strict=True))}
            for label, share in zip(answers, shares, strict=True)
        ]
    pairs = zip(examples.instances(GOLDEN_ROWS), predictions, strict=True)
    return [golden.Row(instance, prediction, _tolerance(prediction)) for instance, prediction in pairs]


def _tolerance(prediction: Mapping[str, Any]) -> float:
    return artefacts.TOLERANCE * max(1.0, abs(float(prediction.get("value", 0.0))))


def _signature(examples: Inputs, classes: list[Any]) -> Signature:
    if not classes:
        return Signature(inputs=examples.tensors(), outputs=[Tensor(name="value", dtype="float64")])
    label = Tensor(name="label", dtype=LABEL_DTYPES[type(classes[0])])
    shares = Tensor(name="probabilities", dtype="float64", shape=[len(classes)])
    return Signature(inputs=examples.tensors(), outputs=[label, shares], classes=classes)


def _parameters(estimator: Any) -> dict[str, Any]:
    """Return the estimator's parameters as plain values; a part of a pipeline is said by its name."""
    given = estimator.get_params() if hasattr(estimator, "get_params") else {}
    plain = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, plain) else repr(value)[:200] for name, value in sorted(given.items())}


def _algorithm(estimator: Any) -> str:
    """Name an estimator's class; a pipeline is named by its steps."""
    steps = [step for _, step in getattr(estimator, "steps", [])]
    return ", ".join(type(step).__name__ for step in steps) or type(estimator).__name__


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _write(folder: Path, card: Card) -> None:
    content = card.model_dump(exclude_none=True)
    (folder / "model.yaml").write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    (folder / "MODEL_CARD.md").write_text(page(card))
    (folder / model.MANIFEST).write_text(model.manifest_of(folder))


def _prove(folder: Path, trusted_types: Sequence[str]) -> int:
    """Load and score the files in a fresh process, as a host will; return its peak memory in bytes."""
    command = [sys.executable, "-m", "modelfleet_service.verify", str(folder), *trusted_types]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise Failure(
            "the saved files", f"do not answer as the trainer saw ({reason})", "nothing was saved; mend the model"
        )
    return int(json.loads(done.stdout)["memory_bytes"])


__all__ = ["Card", "Measure", "SavedModel", "TrainingData", "save"]

"""Fitted estimators, as they are in a training script or in a skops file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.saving import estimators, golden, locks
from modelfleet.saving.card import Conversion, Scoring
from modelfleet.saving.finish import SavedModel, Wish, finish
from modelfleet.saving.formats import boosters, onnx, skops
from modelfleet.saving.inputs import Inputs
from modelfleet.saving.parity import Apart

FORMATS = ("auto", "onnx", "skops", "xgboost", "lightgbm")


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
            "libraries": locks.libraries(needs),
            "parameters": estimators.parameters(estimator),
            **card,
            "signature": golden.signature(examples, answers, classes),
            "scoring": scoring,
        }
        return finish(folder, document, wish)


def save_skops(
    file: Path, inputs: Inputs, card: Mapping[str, Any], wish: Wish, targets: Sequence[Any] | None = None
) -> SavedModel:
    """Save a skops file; loads it with the types that skops and ``wish`` trust.

    Raises Failure, with nothing saved, where it holds other types or the card is wrong.
    """
    return save_estimator(skops.read(file, wish.trusted_types), inputs, card, wish, "skops", targets)


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

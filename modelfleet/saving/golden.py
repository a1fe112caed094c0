"""The rows that a model keeps: its golden set, and the evaluation set with the true answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelfleet.errors import Failure
from modelfleet.saving.card import Signature, Tensor
from modelfleet.saving.inputs import Inputs
from modelfleet.saving.parity import TOLERANCE
from modelfleet_service import golden
from modelfleet_service.runtimes import Answers
from modelfleet_service.scorer import predictions

ROWS = 24
EVALUATION = "evaluation.jsonl"
EVALUATION_ROWS = 1000
ANSWER_DTYPES: dict[str, Any] = {"O": "string", "U": "string", "b": "bool"}
LABEL_DTYPES: dict[type, Any] = {bool: "bool", int: "int64", float: "float64", str: "string"}


def write(folder: Path, inputs: Inputs, answers: Answers, classes: Sequence[Any], tolerance: float = TOLERANCE) -> None:
    """Write the golden set: the first instances, and the answers to them as the trainer saw them."""
    rows = zip(inputs.instances(), predictions(answers, classes), strict=True)
    golden.write(folder / golden.FILE, [golden.Row(one, said, tolerance * _size(said)) for one, said in rows])


def write_evaluation(folder: Path, inputs: Inputs, targets: Sequence[Any]) -> None:
    """Keep the first evaluation rows with their true answers, so that later versions can be scored on the same ones.

    Raises Failure where there are not as many targets as inputs, or one is no label or number.
    """
    listed = np.asarray(targets).tolist()
    if len(listed) != len(inputs):
        raise Failure("targets", f"{len(listed)} for {len(inputs)} inputs", "give the true answer of each input")
    kept = inputs.head(EVALUATION_ROWS)
    rows = zip(kept.instances(), listed[: len(kept)], strict=True)
    try:
        lines = [
            json.dumps({"instance": one, "target": target}, allow_nan=False, ensure_ascii=False) for one, target in rows
        ]
    except (ValueError, TypeError) as error:
        raise Failure("targets", f"holds no label or number ({error})", "give plain labels or numbers") from error
    (folder / EVALUATION).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def signature(inputs: Inputs, answers: Answers, classes: list[Any]) -> Signature:
    """Say what goes in and what comes out."""
    if classes:
        label = Tensor(name="label", dtype=LABEL_DTYPES[type(classes[0])])
        outputs = [label, Tensor(name="probabilities", dtype="float64", shape=[len(classes)])]
    else:
        outputs = [
            Tensor(name=name, dtype=ANSWER_DTYPES.get(value.dtype.kind, "float64"), shape=list(value.shape[1:]))
            for name, value in answers.values.items()
        ]
    instance: Any = "object" if inputs.named else "value"
    return Signature(inputs=list(inputs.tensors), outputs=outputs, classes=classes, instance=instance)


def _size(prediction: Any) -> float:
    """Return what a difference is in relation to: an answer's largest number, or 1, as probabilities are."""
    if "label" in prediction:
        return 1.0
    numbers = [np.abs(value).max() for value in map(np.asarray, prediction.values()) if value.dtype.kind in "fiu"]
    return max(1.0, *(float(number) for number in numbers), 1.0)

"""ONNX artefacts, scored by onnxruntime with one thread: the session is made before Gunicorn forks its workers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from modelfleet_service.errors import ModelError
from modelfleet_service.runtimes import Answers
from modelfleet_service.runtimes.activation import probabilities
from modelfleet_service.signature import Batch, matrix

ERRORS_ONLY = 3
ELEMENT_TYPES: dict[str, Any] = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
    "tensor(string)": object,
}
ort.disable_telemetry_events()


class OnnxRuntime:
    """A graph; its inputs are the signature's by name, or one matrix of all columns.

    A classifier's outputs are labels and probabilities, or one array of shape (n, classes), or of shape (n,) for the
    second of two classes, to which ``activation`` (softmax, sigmoid, none) is applied. Any other graph's outputs
    are values.
    """

    def __init__(self, path: Path, classes: Sequence[Any], outputs: Sequence[str], activation: str = "none") -> None:
        self._classes, self._outputs, self._activation = list(classes), list(outputs), activation
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = ERRORS_ONLY
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own, without a common base
            raise ModelError(str(path), f"onnxruntime can't load it ({' '.join(str(error).split())})") from error
        self._inputs = self._session.get_inputs()

    def score(self, batch: Batch) -> Answers:
        """Score a batch."""
        answers = [np.asarray(answer) for answer in self._session.run(None, self._feeds(batch))]
        if not self._classes:
            return Answers(values=self._values(answers, len(next(iter(batch.values())))))
        if len(answers) > 1 and answers[0].ndim == 1:
            labels = answers[0].astype(np.asarray(self._classes).dtype)
            return Answers(labels=labels, probabilities=answers[1])
        shares = probabilities(answers[0], self._activation)
        return Answers(labels=np.asarray(self._classes)[shares.argmax(axis=1)], probabilities=shares)

    def _values(self, answers: list[NDArray[Any]], count: int) -> dict[str, NDArray[Any]]:
        named = dict(zip(self._outputs, answers, strict=False))
        return {name: answer.reshape(count) if answer.size == count else answer for name, answer in named.items()}

    def _feeds(self, batch: Batch) -> dict[str, NDArray[Any]]:
        if len(self._inputs) == 1:
            (only,) = self._inputs
            whole = next(iter(batch.values())) if len(batch) == 1 else matrix(batch)
            return {only.name: _fitted(whole, only)}
        return {entry.name: _fitted(batch[entry.name], entry) for entry in self._inputs}


def _fitted(array: NDArray[Any], entry: Any) -> NDArray[Any]:
    """Give an array the element type of a graph's input, and a column a second axis where the graph has one."""
    typed = array.astype(ELEMENT_TYPES[entry.type])
    return typed.reshape(-1, 1) if typed.ndim == 1 and len(entry.shape) == 2 else typed

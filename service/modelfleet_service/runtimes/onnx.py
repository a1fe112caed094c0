"""ONNX artefacts, scored by onnxruntime with one thread: the session is made before Gunicorn forks its workers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

from modelfleet_service.errors import ModelError, RequestError
from modelfleet_service.runtimes import Answers
from modelfleet_service.runtimes.activation import probabilities
from modelfleet_service.signature import Batch, matrix

FATAL_ONLY = 4  # an error is an exception, too
ELEMENT_TYPES: dict[str, Any] = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(bool)": np.bool_,
    "tensor(string)": object,
}
NARROW = {"tensor(float16)", *(name for name in ELEMENT_TYPES if "int" in name and name != "tensor(int64)")}
NOISE = re.compile(r"\[ONNXRuntimeError\] : \d+ : |(Load model from \S+ failed:)?\S+\.(cc|h):\d+ [^(]*\([^)]*\) ")
ort.disable_telemetry_events()  # where the caller imported it before this package could switch it off


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
        options.log_severity_level = FATAL_ONLY
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own, without a common base
            raise ModelError(str(path), f"onnxruntime can't load it ({reason(error)})") from error
        self._inputs = self._session.get_inputs()

    def score(self, batch: Batch) -> Answers:
        """Score a batch; raises RequestError where the graph does not take one of its values, such as an index."""
        try:
            answers = [np.asarray(answer) for answer in self._session.run(None, self._feeds(batch))]
        except InvalidArgument as error:
            message = f"the model does not take these values: {reason(error)}"
            raise RequestError(422, "not_taken", message, "instances") from error
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


def reason(error: Exception) -> str:
    """Say in one line what onnxruntime says, without the place in its source."""
    return NOISE.sub("", " ".join(str(error).split()))


def _fitted(array: NDArray[Any], entry: Any) -> NDArray[Any]:
    """Give an array the element type of a graph's input, and a column a second axis where the graph has one.

    Raises RequestError where a number is beyond that type.
    """
    if entry.type in NARROW:
        _refuse_beyond(array, entry)
    typed = array.astype(ELEMENT_TYPES[entry.type])
    return typed.reshape(-1, 1) if typed.ndim == 1 and len(entry.shape) == 2 else typed


def _refuse_beyond(array: NDArray[Any], entry: Any) -> None:
    kind = np.dtype(ELEMENT_TYPES[entry.type])
    limits: Any = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    beyond = (array < limits.min) | (array > limits.max)
    if beyond.any():
        row = int(np.argmax(beyond.reshape(len(array), -1).any(axis=1)))
        message = f"expected numbers from {limits.min} to {limits.max} for {entry.name!r}, got {array[beyond][0]}"
        raise RequestError(422, "out_of_range", message, f"instances[{row}]")

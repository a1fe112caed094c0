"""ONNX artefacts, scored by onnxruntime with one thread: the session is made before Gunicorn forks its workers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from modelfleet_service.errors import ModelError
from modelfleet_service.signature import Matrix

ERRORS_ONLY = 3
ort.disable_telemetry_events()


class OnnxRuntime:
    """A graph with one float input of shape (n, width); its outputs are labels and probabilities, or values."""

    def __init__(self, path: Path, classes: Sequence[Any]) -> None:
        self.classes = classes
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = ERRORS_ONLY
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own, without a common base
            raise ModelError(str(path), f"onnxruntime can't load it ({' '.join(str(error).split())})") from error
        (self._input,) = [entry.name for entry in self._session.get_inputs()]

    def score(self, rows: Matrix) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Score rows of shape (n, width)."""
        answers = self._session.run(None, {self._input: rows.astype(np.float32)})
        if not self.classes:
            return np.asarray(answers[0]).reshape(len(rows)), None
        return np.asarray(answers[0]).astype(np.asarray(self.classes).dtype), np.asarray(answers[1])

"""One scorer for the service, the golden set and the offline command: instances in, predictions out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from modelfleet_service import golden
from modelfleet_service.errors import ModelError
from modelfleet_service.model import Model
from modelfleet_service.signature import Matrix, Signature


class Runtime(Protocol):
    """What loads an artefact; ``classes`` is empty for a regressor."""

    classes: Sequence[Any]

    def score(self, rows: Matrix) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Score rows of shape (n, width): labels or values of shape (n,), and probabilities (n, classes) or None."""


@dataclass(frozen=True)
class Scorer:
    """A loaded model."""

    model: Model
    signature: Signature
    runtime: Runtime

    def predict(self, instances: Any, most: int = 2**31) -> list[dict[str, Any]]:
        """Score instances; raises RequestError where one does not fit the signature."""
        return self.score(self.signature.matrix(instances, most))

    def score(self, rows: Matrix) -> list[dict[str, Any]]:
        """Score rows of shape (n, width); a classifier answers label and probabilities, a regressor value."""
        answers, probabilities = self.runtime.score(rows)
        plain = answers.tolist()
        if probabilities is None:
            return [{"value": float(value)} for value in plain]
        names = [str(name) for name in self.runtime.classes]
        shares = probabilities.astype(np.float64).tolist()
        return [
            {"label": label, "probabilities": dict(zip(names, share, strict=True))}
            for label, share in zip(plain, shares, strict=True)
        ]

    def check_golden(self) -> None:
        """Score the golden set; raise ModelError, with what was got and expected, where an answer differs."""
        rows = self.model.golden
        wrong = golden.differences(rows, self.predict([row.instance for row in rows]))
        if wrong:
            raise ModelError(self.model.reference, f"{wrong[0]} ({len(wrong)} differences in {len(rows)} rows)")


def load(model: Model, trusted_types: Sequence[str] = ()) -> Scorer:
    """Load a verified model's artefact; ``trusted_types`` are the deployer's, for skops.

    Raises ModelError where the artefact can't be loaded or holds a type that nobody trusts.
    """
    kind, path = model.scoring["runtime"], model.path / model.scoring["file"]
    classes = list(model.signature.get("classes") or [])
    if kind == "onnx":
        from modelfleet_service.onnx_runtime import OnnxRuntime

        return Scorer(model, Signature.of(model.card), OnnxRuntime(path, classes))
    if kind == "skops":
        from modelfleet_service.skops_runtime import SkopsRuntime

        return Scorer(model, Signature.of(model.card), SkopsRuntime(path, classes, trusted_types))
    raise ModelError(model.reference, f"no runtime is called {json.dumps(kind)}")

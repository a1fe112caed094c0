"""One scorer for the service, the golden set and the offline command: instances in, predictions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelfleet_service import golden
from modelfleet_service.errors import ModelError
from modelfleet_service.model import Model
from modelfleet_service.runtimes import Allowed, Answers, Members, Runtime, no_members, open_runtime
from modelfleet_service.signature import Batch, Signature


@dataclass(frozen=True)
class Scorer:
    """A loaded model."""

    model: Model
    signature: Signature
    runtime: Runtime

    def predict(self, instances: Any, most: int = 2**31) -> list[dict[str, Any]]:
        """Score instances; raises RequestError where one does not fit the signature."""
        return self.score(self.signature.batch(instances, most))

    def score(self, batch: Batch) -> list[dict[str, Any]]:
        """Score a batch; a classifier answers label and probabilities, anything else its outputs by name."""
        return predictions(self.runtime.score(batch), self.model.signature.get("classes") or ())

    def check_golden(self) -> None:
        """Score the golden set; raise ModelError, with what was got and expected, where an answer differs."""
        rows = self.model.golden
        wrong = golden.differences(rows, self.predict([row.instance for row in rows]))
        if wrong:
            raise ModelError(self.model.reference, f"{wrong[0]} ({len(wrong)} differences in {len(rows)} rows)")


def load(model: Model, allowed: Allowed = Allowed(), members: Members = no_members) -> Scorer:  # noqa: B008 - frozen
    """Load a verified model; ``members`` finds an ensemble's.

    Raises ModelError where the artefact can't be loaded or holds what the deployer does not allow.
    """
    return Scorer(model, Signature.of(model.card), open_runtime(model, allowed, members))


def predictions(answers: Answers, classes: Sequence[Any]) -> list[dict[str, Any]]:
    """Give answers the shapes of the HTTP API: an object an instance."""
    if answers.labels is None or answers.probabilities is None:
        listed = {name: _plain(array) for name, array in answers.values.items()}
        return [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]
    names = [str(name) for name in classes]
    shares = answers.probabilities.astype(np.float64).tolist()
    return [
        {"label": label, "probabilities": dict(zip(names, share, strict=True))}
        for label, share in zip(answers.labels.tolist(), shares, strict=True)
    ]


def _plain(array: Any) -> list[Any]:
    numbers = array.dtype.kind in "fiu"
    return list((array.astype(np.float64) if numbers else array).tolist())

"""How far a saved artefact's answers are from the trainer's own."""

from __future__ import annotations

import numpy as np

from modelfleet.errors import Failure
from modelfleet_service.runtimes import Answers

TOLERANCE = 1e-5
HALF = 2.0**-8
"""For what computes in float16: four of its units in the last place, as kernels of other processors round otherwise."""


class Apart(Failure):
    """Answers that differ by more than the tolerance; ``parity`` is the largest difference, None where labels do."""

    def __init__(self, where: str, what: str, parity: float | None) -> None:
        super().__init__(where, what, "save it with format='skops'")
        self.parity = parity


def measure(where: str, expected: Answers, got: Answers) -> float:
    """Return the largest difference of a probability, or of a value in relation to its size (at least 1).

    Raises Apart where a label differs or the difference is above the tolerance.
    """
    gap = _gap(expected, got)
    if expected.labels is not None and got.labels is not None:
        differ = int((np.asarray(got.labels) != np.asarray(expected.labels)).sum())
        if differ:
            raise Apart(where, f"{differ} of {len(expected.labels)} labels differ after conversion", gap)
    if not gap <= TOLERANCE:
        raise Apart(where, f"answers differ by {gap:.2g} after conversion, more than {TOLERANCE:.0e}", gap)
    return gap


def _gap(expected: Answers, got: Answers) -> float:
    if expected.probabilities is not None and got.probabilities is not None:
        return float(np.abs(got.probabilities - expected.probabilities).max())
    gaps = [
        np.abs(np.asarray(got.values[name]) - value) / np.maximum(1.0, np.abs(value))
        for name, value in expected.values.items()
    ]
    return max(float(gap.max()) for gap in gaps)

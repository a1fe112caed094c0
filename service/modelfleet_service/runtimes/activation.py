"""From a model's raw scores to probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def probabilities(scores: NDArray[Any], activation: str = "none") -> NDArray[np.float64]:
    """Turn scores of shape (n, classes), or of shape (n,) for the second of two classes, into probabilities."""
    scores = scores.reshape(len(scores), -1).astype(np.float64)
    if activation == "softmax":
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if activation == "sigmoid":
        scores = 1.0 / (1.0 + np.exp(-scores))
    return np.hstack([1.0 - scores, scores]) if scores.shape[1] == 1 else scores

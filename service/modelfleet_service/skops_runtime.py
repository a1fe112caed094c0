"""skops artefacts: scikit-learn estimators rebuilt from a list of types, never unpickled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from numpy.typing import NDArray

from modelfleet_service.errors import ModelError
from modelfleet_service.signature import Matrix


class SkopsRuntime:
    """An estimator with predict, and predict_proba if it is a classifier."""

    def __init__(self, path: Path, classes: Sequence[Any], trusted_types: Sequence[str]) -> None:
        self.classes = classes
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted_types))
        if unknown:
            listed = ", ".join(unknown)
            raise ModelError(str(path), f"holds types that the fleet's skops_trusted_types do not list: {listed}")
        self._estimator = skops.io.load(path, trusted=list(trusted_types))

    def score(self, rows: Matrix) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Score rows of shape (n, width)."""
        if not self.classes:
            return np.asarray(self._estimator.predict(rows)), None
        probabilities = np.asarray(self._estimator.predict_proba(rows))
        return np.asarray(self.classes)[probabilities.argmax(axis=1)], probabilities

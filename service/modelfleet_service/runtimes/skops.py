"""skops artefacts: scikit-learn estimators rebuilt from a list of types, never unpickled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

from modelfleet_service.errors import ModelError
from modelfleet_service.runtimes import Answers
from modelfleet_service.signature import Batch, matrix

HARMLESS = ("numpy.dtype",)
"""Types that skops does not trust by itself and that can do nothing; imputers and encoders hold them."""


class SkopsRuntime:
    """An estimator with predict, and predict_proba if it is a classifier.

    ``takes`` says what it was fitted on: a ``matrix``, a data ``frame`` of pandas, or a list of ``texts``.
    """

    def __init__(self, path: Path, classes: Sequence[Any], trusted_types: Sequence[str], takes: str = "matrix") -> None:
        self._classes, self._takes = list(classes), takes
        trusted = [*HARMLESS, *trusted_types]
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted))
        if unknown:
            listed = ", ".join(unknown)
            raise ModelError(str(path), f"holds types that the fleet's skops_trusted_types do not list: {listed}")
        self._estimator = skops.io.load(path, trusted=trusted)

    def score(self, batch: Batch) -> Answers:
        """Score a batch."""
        rows = native(batch, self._takes)
        if not self._classes:
            return Answers(values={"value": np.asarray(self._estimator.predict(rows))})
        shares = np.asarray(self._estimator.predict_proba(rows))
        return Answers(labels=np.asarray(self._classes)[shares.argmax(axis=1)], probabilities=shares)


def native(batch: Batch, takes: str) -> Any:
    """Give a batch the form that an estimator takes."""
    if takes == "texts":
        return next(iter(batch.values())).tolist()
    if takes == "frame":
        import pandas as pd

        return pd.DataFrame({name: _series(array) for name, array in batch.items()})
    return matrix(batch)


def _series(array: Any) -> Any:
    """Texts as a list, so that pandas chooses its own type for them; a missing one is NaN."""
    return [np.nan if value is None else value for value in array] if array.dtype == object else array

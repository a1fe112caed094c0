"""XGBoost artefacts: a booster in UBJSON, scored with one thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from modelfleet_service.errors import ModelError
from modelfleet_service.runtimes import Answers
from modelfleet_service.runtimes.activation import probabilities
from modelfleet_service.signature import Batch, matrix


class XgboostRuntime:
    """A booster whose objective gives probabilities if it is a classifier; NaN stands for a missing value."""

    def __init__(self, path: Path, classes: Sequence[Any]) -> None:
        self._classes = list(classes)
        self._booster = xgboost.Booster({"nthread": 1})
        try:
            self._booster.load_model(path)
        except (xgboost.core.XGBoostError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(str(path), f"XGBoost can't load it ({reason})") from error
        self.columns = int(self._booster.num_features())
        best = self._booster.attr("best_iteration")
        self._rounds = (0, int(best) + 1) if best is not None else (0, 0)

    def score(self, batch: Batch) -> Answers:
        """Score a batch."""
        answers = np.asarray(
            self._booster.inplace_predict(matrix(batch), iteration_range=self._rounds, validate_features=False)
        )
        if not self._classes:
            return Answers(values={"value": answers})
        shares = probabilities(answers)
        return Answers(labels=np.asarray(self._classes)[shares.argmax(axis=1)], probabilities=shares)

"""LightGBM artefacts: a booster in LightGBM's text format, scored with one thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from modelfleet_service.errors import ModelError
from modelfleet_service.runtimes import Answers
from modelfleet_service.runtimes.activation import probabilities
from modelfleet_service.signature import Batch, matrix


class LightgbmRuntime:
    """A booster whose objective gives probabilities if it is a classifier; NaN stands for a missing value."""

    def __init__(self, path: Path, classes: Sequence[Any]) -> None:
        self._classes = list(classes)
        try:
            self._booster = lightgbm.Booster(model_file=str(path))
        except (lightgbm.basic.LightGBMError, ValueError) as error:  # ValueError: its last line, which is JSON
            reason = " ".join(str(error).split())[:200]
            raise ModelError(str(path), f"LightGBM can't load it ({reason})") from error
        self.columns = int(self._booster.num_feature())

    def score(self, batch: Batch) -> Answers:
        """Score a batch."""
        answers = np.asarray(self._booster.predict(matrix(batch), num_threads=1))
        if not self._classes:
            return Answers(values={"value": answers})
        shares = probabilities(answers)
        return Answers(labels=np.asarray(self._classes)[shares.argmax(axis=1)], probabilities=shares)

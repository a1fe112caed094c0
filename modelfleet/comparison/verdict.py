"""Whether the second version is better, worse, or not shown to differ: a paired test on the same rows.

Classifiers: the exact McNemar test, a two-sided binomial test on the rows that only one of them has right.
Regressors: the two-sided Wilcoxon signed-rank test on their absolute errors, ties left out.
Both as in Japkowicz and Shah, Evaluating Learning Algorithms, 2011, chapter 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelfleet.comparison.scoring import Labels, Values
from modelfleet.needs import library
from modelfleet.saving.parity import TOLERANCE

ALPHA = 0.05
FEWEST = 6  # two-sided, even six of six give p = 0.03 and five of five only 0.06
BETTER, WORSE, NOT_SHOWN = "better", "worse", "no difference shown"
MCNEMAR, WILCOXON = "exact McNemar", "Wilcoxon signed-rank"


@dataclass(frozen=True)
class Verdict:
    """The verdict on the second version, and what it rests on.

    ``counts`` are numbers of rows: for classifiers both_right, only_first_right, only_second_right, neither_right;
    for regressors first_nearer, second_nearer, equally_near. ``agreement`` is the share of rows, from 0 to 1, that
    both answer the same.
    """

    verdict: str
    test: str
    p_value: float
    counts: Mapping[str, int]
    agreement: float
    alpha: float = ALPHA

    @property
    def decisive(self) -> int:
        """In how many rows one version was better than the other."""
        names = ("only_first_right", "only_second_right", "first_nearer", "second_nearer")
        return sum(self.counts.get(name, 0) for name in names)

    @property
    def can_t_tell(self) -> bool:
        """Whether no difference was shown, and more rows could show that the second version is worse."""
        lost = sum(self.counts.get(name, 0) for name in ("only_first_right", "first_nearer"))
        return self.verdict == NOT_SHOWN and lost > 0 and (self.decisive < FEWEST or 2 * lost > self.decisive)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say where there are too few rows for any difference to be shown."""
        if self.decisive >= FEWEST:
            return ()
        return (f"rows that tell the two apart: {self.decisive}; with fewer than {FEWEST} no difference can be shown",)


def of_labels(scored: Labels) -> Verdict:
    """Judge two classifiers by the rows that only one of them has right."""
    first, second = scored.first == scored.targets, scored.second == scored.targets
    counts = {
        "both_right": int((first & second).sum()),
        "only_first_right": int((first & ~second).sum()),
        "only_second_right": int((~first & second).sum()),
        "neither_right": int((~first & ~second).sum()),
    }
    lost, won = counts["only_first_right"], counts["only_second_right"]
    p_value = float(library("scipy.stats", "compare").binomtest(won, won + lost, 0.5).pvalue) if won + lost else 1.0
    agreement = float((scored.first == scored.second).mean())
    return Verdict(_verdict(p_value, won - lost), MCNEMAR, p_value, counts, agreement)


def of_values(scored: Values) -> Verdict:
    """Judge two regressors by their absolute errors; answers that are equal but for rounding are ties."""
    same = _same(scored.first, scored.second)
    first, second = scored.errors()
    gains = np.where(same, 0.0, first - second)
    counts = {
        "first_nearer": int((gains < 0).sum()),
        "second_nearer": int((gains > 0).sum()),
        "equally_near": int((gains == 0).sum()),
    }
    p_value, direction = _signed_ranks(gains[gains != 0])
    return Verdict(_verdict(p_value, direction), WILCOXON, p_value, counts, float(same.mean()))


def _same(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which rows get the same answer, within what a conversion may change."""
    near = np.abs(first - second) <= TOLERANCE * np.maximum(1.0, np.abs(second))
    return np.asarray(near.all(axis=1))


def _signed_ranks(gains: NDArray[np.float64]) -> tuple[float, float]:
    """Return p and the sum of the signed ranks, which is above 0 where the second version's errors are smaller."""
    if not len(gains):
        return 1.0, 0.0
    stats = library("scipy.stats", "compare")
    direction = float(np.sign(gains) @ stats.rankdata(np.abs(gains)))
    return float(stats.wilcoxon(gains).pvalue), direction


def _verdict(p_value: float, direction: float) -> str:
    if p_value >= ALPHA:
        return NOT_SHOWN
    return BETTER if direction > 0 else WORSE

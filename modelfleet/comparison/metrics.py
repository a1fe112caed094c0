"""The metrics of two versions on the same rows, each as scikit-learn computes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from modelfleet.comparison.scoring import Labels, Values
from modelfleet.needs import library

SHARE, PART = 0.05, 0.1
OF_PROBABILITIES = frozenset({"log_loss", "roc_auc"})


@dataclass(frozen=True)
class Metric:
    """A metric of both versions; ``higher_is_better`` says in which direction it counts."""

    metric: str
    first: float
    second: float
    higher_is_better: bool

    @property
    def change(self) -> float:
        """The second version's value less the first's."""
        return self.second - self.first

    @property
    def is_much_worse(self) -> bool:
        """Whether the second version lost 0.05 of what is 1 at best, or has a tenth more of an error or a loss."""
        return -self.change >= SHARE if self.higher_is_better else self.change > PART * self.first


@dataclass(frozen=True)
class ClassScore:
    """The F1 of one class, and how many rows truly are of it."""

    label: str
    rows: int
    first: float
    second: float


def of_labels(scored: Labels) -> list[Metric]:
    """Return accuracy, macro F1 and log loss; for two classes that both occur also the area under the ROC curve.

    Macro F1 is the mean over the classes that occur among the true answers or the answers of either version.
    """
    found = [
        _metric("accuracy", _accuracies(scored), True),
        _metric("macro_f1", _macro(scored), True),
        _metric("log_loss", _losses(scored), False),
    ]
    if len(scored.classes) == 2 and len(set(scored.targets.tolist())) == 2:
        sklearn = library("sklearn.metrics", "compare")
        first, second = (float(sklearn.roc_auc_score(scored.targets, share[:, 1])) for share in scored.shares)
        found.append(Metric("roc_auc", first, second, True))
    return found


def of_values(scored: Values) -> list[Metric]:
    """Return MAE and RMSE, in the unit of the answers, and, for two rows or more, R2; means over several outputs."""
    sklearn = library("sklearn.metrics", "compare")
    sides = (scored.first, scored.second)
    mae = [float(sklearn.mean_absolute_error(scored.targets, one)) for one in sides]
    rmse = [float(sklearn.root_mean_squared_error(scored.targets, one)) for one in sides]
    found = [_metric("mae", mae, False), _metric("rmse", rmse, False)]
    if len(scored.targets) > 1:
        found.append(_metric("r2", (float(sklearn.r2_score(scored.targets, one)) for one in sides), True))
    return found


def of_classes(scored: Labels) -> list[ClassScore]:
    """Return the F1 of each class that truly occurs, in the order of the classes."""
    present = sorted(set(scored.targets.tolist()))
    sides = [_f1(scored, one, present) for one in (scored.first, scored.second)]
    counts = np.bincount(scored.targets, minlength=len(scored.classes))
    return [
        ClassScore(str(scored.classes[label]), int(counts[label]), first, second)
        for label, first, second in zip(present, *sides, strict=True)
    ]


def _metric(name: str, sides: Iterable[float], higher_is_better: bool) -> Metric:
    first, second = sides
    return Metric(name, first, second, higher_is_better)


def _accuracies(scored: Labels) -> Iterator[float]:
    sklearn = library("sklearn.metrics", "compare")
    return (float(sklearn.accuracy_score(scored.targets, one)) for one in (scored.first, scored.second))


def _macro(scored: Labels) -> Iterator[float]:
    present = sorted({*scored.targets.tolist(), *scored.first.tolist(), *scored.second.tolist()})
    return (float(np.mean(_f1(scored, one, present))) for one in (scored.first, scored.second))


def _losses(scored: Labels) -> Iterator[float]:
    sklearn = library("sklearn.metrics", "compare")
    labels = list(range(len(scored.classes)))
    return (float(sklearn.log_loss(scored.targets, share, labels=labels)) for share in scored.shares)


def _f1(scored: Labels, answers: object, labels: list[int]) -> list[float]:
    sklearn = library("sklearn.metrics", "compare")
    found = sklearn.f1_score(scored.targets, answers, labels=labels, average=None, zero_division=0)
    return [float(one) for one in found]

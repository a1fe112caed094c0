"""Comparing two saved versions: what their cards say differently, and which one is better on the same rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelfleet import store
from modelfleet.comparison import metrics, rows, scoring, verdict
from modelfleet.comparison.differences import Difference, differences
from modelfleet.comparison.metrics import OF_PROBABILITIES, ClassScore, Metric
from modelfleet.comparison.scoring import CLASSIFICATION, REGRESSION, Labels, Values
from modelfleet.comparison.verdict import Verdict
from modelfleet.progress import Progress
from modelfleet_service.model import Model
from modelfleet_service.runtimes import Allowed


@dataclass(frozen=True)
class Comparison:
    """Two versions on one evaluation set, which is ``source`` and has ``rows`` rows; ``scored`` has every answer."""

    first: Model
    second: Model
    differences: list[Difference]
    source: str
    rows: int
    scored: Labels | Values
    metrics: list[Metric]
    classes: list[ClassScore]
    verdict: Verdict
    notes: tuple[str, ...]

    @property
    def task(self) -> str:
        """What both versions do: classification or regression."""
        return CLASSIFICATION if isinstance(self.scored, Labels) else REGRESSION

    @property
    def is_worse(self) -> bool:
        """Whether the second version is worse."""
        return self.verdict.verdict == verdict.WORSE

    def said(self) -> dict[str, Any]:
        """Return what `modelfleet model compare --json` prints."""
        judged = self.verdict
        return {
            "first": self.first.named(),
            "second": self.second.named(),
            "verdict": judged.verdict,
            "test": {"name": judged.test, "p_value": judged.p_value, "alpha": judged.alpha, **judged.counts},
            "agreement": judged.agreement,
            "task": self.task,
            "data": {"source": self.source, "rows": self.rows},
            "metrics": [asdict(one) | {"change": one.change} for one in self.metrics],
            "classes": [asdict(one) for one in self.classes],
            "differences": [asdict(one) for one in self.differences],
            "notes": list(self.notes),
        }


def compare(
    first: str,
    second: str,
    *,
    data: Path | None = None,
    target: str = rows.TARGET,
    allowed: Allowed = Allowed(),  # noqa: B008 - frozen
    store_path: Path | None = None,
) -> Comparison:
    """Compare two references, such as digits:3 and digits:4, the second of which is judged.

    ``data`` is a file of rows with the true answers in the column ``target``; without it the evaluation set is the
    one that the second version kept, or else the first. Raises Failure where a version can't be found, loaded within
    what is allowed, or scored on that set.
    """
    with Progress(f"verifying {first} and {second}") as progress:
        one, other = store.find(first, store_path), store.find(second, store_path)
        found = rows.of_file(data, target, one, other) if data else rows.kept(one, other)
        members = _members(store_path)
        scored = scoring.score(one, other, found, allowed, members, progress)
        progress.doing = "measuring"
        return _judged(one, other, found, scored)


def _members(store_path: Path | None) -> Any:
    return lambda digest: store.by_digest(digest, store_path)


def _judged(first: Model, second: Model, found: rows.Rows, scored: Labels | Values) -> Comparison:
    if isinstance(scored, Labels):
        measured, classes, judged = metrics.of_labels(scored), metrics.of_classes(scored), verdict.of_labels(scored)
    else:
        measured, classes, judged = metrics.of_values(scored), [], verdict.of_values(scored)
    return Comparison(
        first=first,
        second=second,
        differences=differences(first.card, second.card),
        source=found.source,
        rows=len(found),
        scored=scored,
        metrics=measured,
        classes=classes,
        verdict=judged,
        notes=(*judged.notes, *_doubts(measured, judged, second), *found.notes),
    )


def _doubts(measured: list[Metric], judged: Verdict, second: Model) -> tuple[str, ...]:
    """Say which metrics are much worse though the test, which knows nothing of probabilities, shows no difference."""
    judged_by = [one for one in measured if one.metric not in OF_PROBABILITIES]
    worse = [f"{one.metric} by {abs(one.change):.2g}" for one in judged_by if one.is_much_worse]
    if not worse or not judged.can_t_tell:
        return ()
    return (f"{second.reference} is worse in {', '.join(worse)}, which the test does not show: too few rows to tell",)

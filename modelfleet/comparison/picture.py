"""A comparison as one picture: the metrics, the rows on which the two differ, and where: by class, or by error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from modelfleet.comparison import Comparison, report
from modelfleet.comparison.scoring import Values
from modelfleet.errors import Failure
from modelfleet.needs import library

SUFFIXES = (".png", ".svg")
INCHES, DOTS_PER_INCH = (12.8, 7.2), 100
FIRST, SECOND, NEITHER = "#8c96a3", "#2a6fb0", "#d5d9de"
MOST_CLASSES = 12
LONGEST = 18
NAMES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "roc_auc": "ROC AUC",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
}


def check(path: Path) -> None:
    """Raise Failure where a path can't become a picture, before anything is scored."""
    if path.suffix not in SUFFIXES:
        raise Failure(str(path), "not a picture that can be drawn", f"name it with {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise Failure(str(path), "its folder is not there", "make it, or choose another")
    library("matplotlib", "compare")


def draw(found: Comparison, path: Path) -> None:
    """Write the picture, 1280 x 720 pixels as PNG; raise Failure where the file can't be written."""
    library("matplotlib", "compare").use("Agg")
    figure = library("matplotlib.figure", "compare").Figure(figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.08)
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.25], hspace=0.06)
    headline = report.headline(found)
    figure.suptitle(headline, fontsize=min(17.0, 1200 / len(headline)), fontweight="bold")
    below = f"{found.rows} rows of {_tail(found.source, 70)}; {report.basis(found.verdict)}"
    top.suptitle(below, fontsize=11, color="#444444")
    _metrics(top, found)
    left, right = bottom.subplots(1, 2, width_ratios=[1, 1.5])
    _counts(left, found)
    if isinstance(found.scored, Values):
        _errors(right, found, found.scored)
    else:
        _classes(right, found)
    try:
        figure.savefig(path)
    except OSError as error:
        raise Failure(str(path), f"can't be written ({error.strerror})", "choose another file") from error


def _metrics(figure: Any, found: Comparison) -> None:
    """Draw a pair of bars a metric, each metric on its own scale."""
    longest = 56 // len(found.metrics)
    panels = np.atleast_1d(figure.subplots(1, len(found.metrics)))
    for panel, metric in zip(panels, found.metrics, strict=True):
        bars = panel.bar([0, 1], [metric.first, metric.second], width=0.62, color=[FIRST, SECOND])
        panel.bar_label(bars, fmt="{:.4g}", padding=2, fontsize=10)
        better = "higher" if metric.higher_is_better else "lower"
        panel.set_title(f"{NAMES[metric.metric]} ({better} is better)", fontsize=11)
        panel.set_xticks([0, 1], [_tail(one.reference, longest) for one in (found.first, found.second)])
        panel.set_xlim(-0.6, 1.6)
        panel.margins(y=0.18)
        _plain(panel)


def _counts(panel: Any, found: Comparison) -> None:
    """Draw in how many rows which of the two was right, or nearer."""
    names, first, second = list(found.verdict.counts)[::-1], found.first.reference, found.second.reference
    colours = [FIRST if "first" in name else SECOND if "second" in name else NEITHER for name in names]
    numbers = [found.verdict.counts[name] for name in names]
    labels = [report.COUNTS[name].format(first=_tail(first), second=_tail(second)) for name in names]
    bars = panel.barh(labels, numbers, height=0.62, color=colours)
    panel.bar_label(bars, padding=3, fontsize=10)
    panel.margins(x=0.14)
    panel.set_title(f"rows; the same answer to {found.verdict.agreement:.1%}", fontsize=11)
    _plain(panel)


def _classes(panel: Any, found: Comparison) -> None:
    """Draw F1 by class; of many classes those where it changed the most."""
    classes = sorted(found.classes, key=lambda one: abs(one.second - one.first), reverse=True)[:MOST_CLASSES]
    shown = [one for one in found.classes if one in classes]
    places = np.arange(len(shown))
    for side, colour, model in ((-0.2, FIRST, found.first), (0.2, SECOND, found.second)):
        scores = [one.first if model is found.first else one.second for one in shown]
        panel.barh(places + side, scores, height=0.38, color=colour, label=_tail(model.reference, 30))
    panel.set_yticks(places, [_head(one.label, 20) for one in shown])
    panel.invert_yaxis()
    panel.set_xlim(0, 1.02)
    some = f", the {len(shown)} of {len(found.classes)} that changed most" if len(shown) < len(found.classes) else ""
    panel.set_title(f"F1 by class{some}", fontsize=11)
    _legend(panel)


def _errors(panel: Any, found: Comparison, scored: Values) -> None:
    """Draw for each size of error the share of rows within it; the upper line is the better one."""
    sides, largest = scored.errors(), float(np.max(scored.errors())) * 1.02 or 1.0
    shares = np.array([0.0, *np.arange(1, found.rows + 1) / found.rows, 1.0])
    for errors, model, colour in zip(sides, (found.first, found.second), (FIRST, SECOND), strict=True):
        steps, label = [0.0, *np.sort(errors), largest], _tail(model.reference, 30)
        panel.step(steps, shares, where="post", color=colour, linewidth=2.2, label=label)
    panel.set_xlabel("absolute error", fontsize=10)
    panel.set_xlim(0, largest)
    panel.set_ylim(0, 1.02)
    panel.set_title("share of rows within an error (higher is better)", fontsize=11)
    _legend(panel)


def _legend(panel: Any) -> None:
    """Put the legend below, where it hides nothing."""
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False, fontsize=10)
    _plain(panel)


def _plain(panel: Any) -> None:
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=10, length=0)


def _tail(text: str, most: int = LONGEST) -> str:
    """Keep the end of a reference or a path, which tells it from others."""
    return text if len(text) <= most else f"…{text[1 - most :]}"


def _head(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

"""A comparison as lines and tables for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from modelfleet.comparison import Comparison
from modelfleet.comparison.verdict import NOT_SHOWN, Verdict
from modelfleet.tables import short, table

MOST = 12
COUNTS = {
    "both_right": "both right",
    "only_first_right": "only {first} right",
    "only_second_right": "only {second} right",
    "neither_right": "neither right",
    "first_nearer": "{first} nearer",
    "second_nearer": "{second} nearer",
    "equally_near": "equally near",
}


def parts(found: Comparison) -> Iterator[Table | str]:
    """Return the tables and lines, in order; the verdict comes first, what it rests on after it."""
    first, second = found.first.reference, found.second.reference
    yield f"{headline(found)}, on {found.rows} rows of {found.source}"
    yield basis(found.verdict)
    yield ""
    rows = [[one.metric, f"{one.first:.4g}", f"{one.second:.4g}", f"{one.change:+.3g}"] for one in found.metrics]
    yield table(["", first, second, "change"], rows, right=(1, 2, 3))
    yield ""
    yield table(
        ["rows", ""], [[number, counted(name, found)] for name, number in found.verdict.counts.items()], right=(0,)
    )
    yield f"The same answer to {found.verdict.agreement:.1%} of the rows."
    yield ""
    yield from _differences(found)
    for note in found.notes:
        yield f"Note: {note}."


def headline(found: Comparison) -> str:
    """Say the verdict in one line."""
    first, second = found.first.reference, found.second.reference
    if found.verdict.verdict == NOT_SHOWN:
        return f"no difference shown between {first} and {second}"
    return f"{second} is {found.verdict.verdict} than {first}"


def basis(verdict: Verdict) -> str:
    """Say what the verdict rests on."""
    sign = "<" if verdict.p_value < verdict.alpha else ">="
    return f"{verdict.test} test, two-sided: p = {verdict.p_value:.2g} {sign} {verdict.alpha}"


def counted(name: str, found: Comparison) -> str:
    """Say what a count of rows counts, with the references."""
    return COUNTS[name].format(first=found.first.reference, second=found.second.reference)


def _differences(found: Comparison) -> Iterator[Table | str]:
    if not found.differences:
        yield "Their cards say the same."
        return
    shown = found.differences[:MOST]
    rows = [[f"{one.section}.{one.field}", short(one.first), short(one.second)] for one in shown]
    yield table(["cards differ in", found.first.reference, found.second.reference], rows)
    if len(found.differences) > MOST:
        yield f"... and {len(found.differences) - MOST} more; --json has all."
    yield ""

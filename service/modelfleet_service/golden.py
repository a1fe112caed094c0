"""The golden set: example instances with the predictions that the trainer saw, and the comparison with them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelfleet_service.errors import ModelError

FILE = "golden.jsonl"


@dataclass(frozen=True)
class Row:
    """One line of golden.jsonl, in the shapes that the HTTP API takes and answers.

    ``tolerance`` is the largest absolute difference of a number that still counts as equal.
    """

    instance: Any
    prediction: dict[str, Any]
    tolerance: float


@dataclass(frozen=True)
class Difference:
    """Where an answer differs: the row's number from 0, the field, and both values."""

    row: int
    field: str
    got: Any
    expected: Any

    def __str__(self) -> str:
        return f"golden row {self.row}: {self.field}: expected {self.expected!r}, got {self.got!r}"


def read(path: Path) -> tuple[Row, ...]:
    """Read a golden set; raise ModelError where a line can't be read or there is none."""
    try:
        rows = tuple(Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").split("\n") if line)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(str(path), f"not a golden set ({error})") from error
    if not rows:
        raise ModelError(str(path), "holds no row")
    return rows


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write a golden set, a JSON object a line; NaN is refused with ValueError."""
    path.write_text(
        "".join(json.dumps(vars(row), allow_nan=False, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )


def differences(rows: Sequence[Row], predictions: Sequence[dict[str, Any]]) -> list[Difference]:
    """Compare predictions with a golden set, row by row; empty if all are equal within the tolerance."""
    if len(rows) != len(predictions):
        return [Difference(0, "rows", len(predictions), len(rows))]
    pairs = zip(rows, predictions, strict=True)
    return [
        Difference(number, field, got, expected)
        for number, (row, prediction) in enumerate(pairs)
        for field, got, expected in _compare("", prediction, row.prediction, row.tolerance)
    ]


def _compare(field: str, got: Any, expected: Any, tolerance: float) -> Iterable[tuple[str, Any, Any]]:
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in sorted({*expected, *got}):
            inner = f"{field}.{name}" if field else name
            yield from _compare(inner, got.get(name), expected.get(name), tolerance)
    elif isinstance(expected, list) and isinstance(got, list) and len(got) == len(expected):
        for number, (one, other) in enumerate(zip(got, expected, strict=True)):
            yield from _compare(f"{field}[{number}]", one, other, tolerance)
    elif not _equal(got, expected, tolerance):
        yield field, got, expected


def _equal(got: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, float) and isinstance(got, int | float) and not isinstance(got, bool):
        return math.isclose(got, expected, rel_tol=0.0, abs_tol=tolerance)
    return type(got) is type(expected) and bool(got == expected)

"""Tables and lines for people: with colours on a terminal, plain text elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 160


def show(*parts: Table | str) -> None:
    """Print tables and lines to stdout; nothing in them is taken for markup."""
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else PLAIN_WIDTH, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str))
    for line in captured.get().splitlines():
        print(line if terminal else line.rstrip(), flush=True)


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[int] = ()) -> Table:
    """Make a table without lines; ``right`` are the columns, from 0, whose values are numbers."""
    made = Table(box=None, pad_edge=False, show_header=any(headings), header_style="bold")
    for number, heading in enumerate(headings):
        made.add_column(heading, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(str(value) for value in row))
    return made


def size(count: int) -> str:
    """Say a number of bytes for a person, such as 1.2 MB."""
    amount, units = float(count), ["bytes", "kB", "MB", "GB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{count} bytes" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"


def short(value: Any, most: int = 48) -> str:
    """Say a value in few characters; a dash stands for nothing."""
    if value is None or value == "":
        return "-"
    text = f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."

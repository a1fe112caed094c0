"""How long `modelfleet model list` takes in a store of 10,000 versions, as text and as JSON, with and without an index.

`make bench-listing` runs it: a store of its own, real folders of 100 names with 100 versions each.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from modelfleet.fleet import BIN
from modelfleet.store import index
from tests.store import tiny

NAMES, VERSIONS = 100, 100
ROUNDS = 5
LIMIT_SECONDS = 1.0


def main() -> None:
    """Make the store, measure, print a table."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        print(f"making {NAMES * VERSIONS} versions ...", file=sys.stderr, flush=True)
        for number in range(NAMES * VERSIONS):
            make(store / f"model-{number % NAMES}" / str(number // NAMES + 1))
        row("cold, no index, text", [listed(store)], "the index is made")
        row("warm, text", [listed(store) for _ in range(ROUNDS)], f"at most {LIMIT_SECONDS:.0f} s")
        row("warm, JSON", [listed(store, "--json") for _ in range(ROUNDS)], f"at most {LIMIT_SECONDS:.0f} s")
        row("warm, one name", [listed(store, "model-7") for _ in range(ROUNDS)], f"{VERSIONS} versions")
        size = (store / index.FILE).stat().st_size
        print(f"{'size of the index':<24}{size / 1e6:.1f} MB")


def make(folder: Path) -> None:
    """Write a version's folder as a store has it."""
    folder.mkdir(parents=True)
    tiny.write(folder, folder.parent.name, int(folder.name))


def listed(store: Path, *options: str) -> float:
    """Return the seconds that a list takes, the start of Python included."""
    began = time.perf_counter()
    command = [str(BIN / "modelfleet"), "model", "list", *options, "--store", str(store)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def row(what: str, seconds: list[float], remark: str) -> None:
    """Print a line of the table."""
    spread = f"median {statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}, {len(seconds)})"
    print(f"{what:<24}{spread:<44}{remark}", flush=True)


if __name__ == "__main__":
    main()

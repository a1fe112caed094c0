"""How fast `modelfleet store fsck` verifies a store, beside sha256sum on the same files, in alternating rounds.

`make bench-fsck` runs it: a store of its own of about 1.5 GB, all of it in the page cache before the first round.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from modelfleet.fleet import BIN
from tests.store import tiny

SIZES = [2**16] * 30 + [2**20] * 30 + [2**24] * 20 + [2**28] * 4
ROUNDS = 5
LEAST = 0.70


def main() -> None:
    """Make the store, measure, print a table."""
    with tempfile.TemporaryDirectory() as folder:
        store, dice = Path(folder), random.Random(0)  # noqa: S311 - no secret
        print("making the store ...", file=sys.stderr, flush=True)
        for size in SIZES:
            tiny.publish(store, f"model-{dice.randrange(10)}", size=size)
        files = [str(path) for path in store.glob("*/[0-9]*/*")]
        ours, theirs = [], []
        for _ in range(ROUNDS + 1):
            theirs.append(seconds(["sha256sum", *files]))
            ours.append(seconds([str(BIN / "modelfleet"), "store", "fsck", "--store", folder]))
        size = sum(Path(file).stat().st_size for file in files)
        row("sha256sum", theirs[1:], size)
        row("store fsck", ours[1:], size)
        ratios = [their / our for their, our in zip(theirs[1:], ours[1:], strict=True)]
        spread = f"median {statistics.median(ratios):.0%} ({min(ratios):.0%} to {max(ratios):.0%})"
        print(f"{'of its speed':<14}{spread:<44}at least {LEAST:.0%}; {len(files)} files, {os.cpu_count()} CPUs")


def seconds(command: list[str]) -> float:
    """Return the seconds that a command takes, its start included."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def row(what: str, measured: list[float], size: int) -> None:
    """Print a line of the table."""
    spread = f"median {statistics.median(measured):.2f} s ({min(measured):.2f} to {max(measured):.2f})"
    print(f"{what:<14}{spread:<44}{size / 1e6 / statistics.median(measured):.0f} MB/s")


if __name__ == "__main__":
    main()

"""What `modelfleet check` finds wrong with a fleet file before any host is contacted."""

from __future__ import annotations

from pathlib import Path

from modelfleet import fleet
from modelfleet.check import meaning, shape
from modelfleet.errors import Failure


def failures(path: Path, store_path: Path | None = None) -> list[Failure]:
    """Return all that is wrong with a fleet file, the plain mistakes first; empty if it can be deployed.

    Raises Failure where the file can't be read at all.
    """
    resolved = fleet.listing(path)
    wrong = list(shape.failures(path, resolved))
    return wrong or list(meaning.failures(path, fleet.resolve(path, resolved), store_path))

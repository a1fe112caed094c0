"""A store of tiny versions, and a folder that holds copies of it at a URL."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelfleet.copies import replicate
from modelfleet.copies.targets import Target
from tests.store.tiny import publish


@dataclass(frozen=True)
class Kept:
    """A store with many:1, many:2 and few:1, and the folder and URL of its copies."""

    store: Path
    away: Path

    @property
    def url(self) -> str:
        """Where the copies are."""
        return f"file://{self.away}"

    @property
    def option(self) -> tuple[str, str]:
        """What names the store on a command line."""
        return "--store", str(self.store)


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what a command said on standard error, without what it was doing where that took long."""
    return [line for line in done.stderr.splitlines() if not line.endswith(" ...")]


@pytest.fixture
def bare(tmp_path: Path) -> Kept:
    """A store without copies."""
    for name in ("many", "many", "few"):
        publish(tmp_path / "store", name)
    return Kept(tmp_path / "store", tmp_path / "away")


@pytest.fixture
def kept(bare: Kept) -> Kept:
    """The store with its copies."""
    assert replicate.run(Target(bare.url), bare.store).is_complete
    return bare

"""Mend what a killed command left behind: nothing that it does can lose a byte of a version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelfleet.store import disk, fsck, place, settling, writing
from modelfleet_service.model import SIGNATURES


def mend(store: Path | None = None) -> list[str]:
    """Remove leftovers of dead saves, note in the ledgers what was done, make versions read-only again.

    Returns a line for each thing that was done; raises Failure where the store can't be written.
    """
    folder = place.opened(store)
    if not folder.is_dir():
        return []
    with disk.changing(folder):
        swept = _sweep(folder)
    return [*swept, *(line for name in place.all_names(folder) for line in _of_name(folder, name))]


def _of_name(folder: Path, name: str) -> list[str]:
    home = folder / name
    with disk.changing(home, make=True):
        done = [f"{one}: removed, left of a save that was killed" for one in writing.sweep(home)]
        done += [f"{name}:{one.version}: noted that it was {one.event}" for one in settling.settle(name, folder)]
        done += [f"{one}: made read-only" for version in fsck.versions(folder, name) for one in _seal(version.folder)]
        done += _sweep(home)
    return done


def _sweep(folder: Path) -> list[str]:
    """Remove files that were to replace others; the caller holds the lock under which they are written."""
    left = [entry for entry in sorted(folder.iterdir()) if disk.is_beside(entry.name)]
    for entry in left:
        entry.unlink(missing_ok=True)
    return [f"{entry}: removed, left of a command that was killed" for entry in left]


def _seal(folder: Path) -> Iterator[Path]:
    if folder.is_symlink():
        return
    for entry in (*sorted(folder.rglob("*")), folder):
        writable = not entry.is_symlink() and entry.name != SIGNATURES and entry.stat().st_mode & 0o222
        if writable:
            entry.chmod(entry.stat().st_mode & 0o555)
            yield entry

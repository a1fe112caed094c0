"""Mend what a killed command left behind: nothing that it does can lose a byte of a version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelfleet.store import alias, disk, fsck, place, settling, writing
from modelfleet_service.model import SIGNATURES


def mend(store: Path | None = None) -> list[str]:
    """Remove leftovers of dead saves, note in the ledgers what was done, make versions read-only again.

    Returns a line for each thing that was done; raises Failure where the store can't be written.
    """
    folder = place.opened(store)
    names = sorted({*place.homes(folder), *place.homes(folder / place.TRASH)})
    return [line for name in names for line in _of_name(folder, name)]


def _of_name(folder: Path, name: str) -> list[str]:
    home = folder / name
    home.mkdir(exist_ok=True)
    with disk.changing(home):
        done = [f"{one}: removed, left of a save that was killed" for one in writing.sweep(home)]
        done += [f"{name}:{one.version}: noted that it was {one.event}" for one in settling.settle(name, folder)]
        done += [f"{one}: made read-only" for version in fsck.versions(folder, name) for one in _seal(version.folder)]
        beside = home / f".{alias.FILE}{disk.BESIDE}"
        if beside.exists():
            beside.unlink()
            done.append(f"{beside}: removed, left of a command that was killed")
    return done


def _seal(folder: Path) -> Iterator[Path]:
    if folder.is_symlink():
        return
    for entry in (*sorted(folder.rglob("*")), folder):
        writable = not entry.is_symlink() and entry.name != SIGNATURES and entry.stat().st_mode & 0o222
        if writable:
            entry.chmod(entry.stat().st_mode & 0o555)
            yield entry

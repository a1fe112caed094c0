"""Everything that is wrong with a store: its versions byte by byte, its ledgers, its aliases, and what lies around.

Reads only. Other places that hold copies are checked elsewhere and give `Finding`s of the same shape.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from modelfleet.errors import Failure
from modelfleet.store import (
    alias,
    audit,
    cards,
    disk,
    index,
    ledger,
    place,
    records,
    settling,
    signed,
    verifying,
    writing,
)
from modelfleet.store.verifying import Count, Finding, Version

OF_NAMES = {disk.LOCK, ledger.FILE, ledger.HIGHEST, alias.FILE}
OF_STORE = {disk.LOCK, place.TRASH, audit.FILE, place.COPIES}
HEAL_LOG = f"{verifying.HEAL}, which takes it from a copy"
MEND = "the next save, or `modelfleet store heal`, sees to it"


def check(store: Path | None = None, count: Count | None = None) -> list[Finding]:
    """Return all that is wrong with a store, in order; empty if every byte is as it was saved.

    ``count`` is told how many of how many versions are verified. Raises Failure where the store can't be read.
    """
    folder = place.opened(store)
    found = list(_of_store(folder))
    names, log = place.all_names(folder), alias.told(audit.read(folder))
    found += [finding for name in names for finding in _of_name(folder, name, log)]
    found += _of_members(folder)
    every = [one for name in names for one in versions(folder, name)]
    return [*found, *verifying.check(every, count), *signed.check(every, folder)]


def versions(folder: Path, name: str) -> list[Version]:
    """Return every version of a name that has a folder, those in the trash too, with the ledger's digests."""
    digests = ledger.read(folder / name).digests
    homes = (folder / name, folder / place.TRASH / name)
    return [
        Version(name, number, home / str(number), digests.get(number)) for home in homes for number in _numbers(home)
    ]


def _of_store(folder: Path) -> Iterator[Finding]:
    for entry in _entries(folder):
        known = entry.name in OF_STORE or entry.name.startswith(index.FILE)
        if entry.is_symlink():
            yield Finding(entry.path, "link", "is a symbolic link", "put what it points to there itself")
        elif disk.is_beside(entry.name):
            yield Finding(entry.path, "leftover", "is left of a command that was killed", MEND)
        elif not known and not (entry.is_dir() and place.NAME.fullmatch(entry.name)):
            yield Finding(entry.path, "unknown", "does not belong to a store", "move it elsewhere")
    for number in _altered(folder / audit.FILE):
        yield Finding(f"{folder / audit.FILE}:{number}", "log", "the line was altered", HEAL_LOG)


def _of_name(folder: Path, name: str, log: alias.Told) -> Iterator[Finding]:
    home = folder / name
    yield from _around(home, name)
    yield from _around(folder / place.TRASH / name, name)
    for number in ledger.read(home).altered:
        yield Finding(f"{home / ledger.FILE}:{number}", "ledger", "the line was altered", HEAL_LOG, name)
    yield from _of_ledger(folder, name)
    yield from _of_aliases(folder, name, log)
    for left in writing.leftovers(home):
        yield Finding(str(left), "leftover", "is left of a save that was killed", MEND, name)


def _around(home: Path, name: str) -> Iterator[Finding]:
    """Return what lies beside the versions of a name and should not."""
    for entry in _entries(home):
        if disk.is_beside(entry.name):
            yield Finding(entry.path, "leftover", "is left of a command that was killed", MEND, name)
        elif place.VERSION.fullmatch(entry.name):
            if not entry.is_dir(follow_symlinks=False) and not entry.is_symlink():
                yield Finding(entry.path, "unknown", "is no folder", "move it elsewhere", name)
        elif entry.name not in OF_NAMES and not entry.name.startswith(writing.INCOMING):
            yield Finding(entry.path, "unknown", "does not belong to a store", "move it elsewhere", name)


def _of_ledger(folder: Path, name: str) -> Iterator[Finding]:
    for one in settling.unnoted(name, folder):
        where, what = f"{folder / name / ledger.FILE}", f"does not say yet that version {one.version} was {one.event}"
        yield Finding(where, "unnoted", what, MEND, name, one.version)
    for version, state in ledger.read(folder / name).states.items():
        if state in settling.HERE and not _is_somewhere(folder, name, version):
            where, what = str(folder / name / str(version)), "is lost: the ledger says that it was saved"
            yield Finding(where, "lost", what, verifying.FROM_COPY, name, version)


def _is_somewhere(folder: Path, name: str, version: int) -> bool:
    """Tell whether a version is in its place or in the trash; it may be on its way from the one to the other."""
    here, trash = folder / name / str(version), place.trashed(name, version, folder)
    return any(path.is_symlink() or path.is_dir() for path in (here, trash, here))


def _of_aliases(folder: Path, name: str, log: alias.Told) -> Iterator[Finding]:
    try:
        found = alias.read(name, folder)
    except Failure as failure:
        yield Finding(failure.where, "alias", failure.what, failure.cure, name)
        return
    here = set(place.versions(name, folder))
    for one, own in found.items():
        if own.version not in here:
            what = f"points to {name}:{own.version}, which is not there"
            cure = f"move it: `modelfleet model alias {name}`"
            yield Finding(f"{name}@{one}", "alias", what, cure, name, own.version)
    for one, entry, last in alias.differing(found, log.get(name, {})):
        is_now = f"points to {name}:{entry.version}" if entry else "is lost"
        was = f"was moved to {name}:{last.version} on {last.since}" if last else "was dropped"
        again = f"{one} {last.version}" if last else f"{one} --delete"
        what, cure = f"{is_now}, and by the log it {was}", f"do it again: `modelfleet model alias {name} {again}`"
        yield Finding(f"{name}@{one}", "alias", what, cure, name, last.version if last else 0)


def _of_members(folder: Path) -> Iterator[Finding]:
    """Return the members of ensembles that no version of the store is; one in the trash is none."""
    entries = index.entries(None, folder)
    known = {entry.digest for entry in entries}
    for entry in entries:
        place_of = folder / entry.name / str(entry.version)
        for digest in (one for one in entry.members if one not in known):
            what = f"its member {_member(place_of, digest)} is no version of the store"
            yield Finding(str(place_of), "member", what, f"restore it, or {verifying.HEAL}", entry.name, entry.version)


def _member(ensemble: Path, digest: str) -> str:
    """Say which member of an ensemble a digest is, as its card names it."""
    named = cards.members_of(ensemble).get(digest, "")
    return f"{named} ({digest[:19]})" if named else digest[:19]


def _altered(file: Path) -> tuple[int, ...]:
    with disk.reading(file):
        return records.read(file).altered


def _numbers(home: Path) -> list[int]:
    """Return the numbers that have a folder, or a link in a folder's place."""
    return sorted(
        int(entry.name)
        for entry in _entries(home)
        if place.VERSION.fullmatch(entry.name) and (entry.is_symlink() or entry.is_dir())
    )


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    return sorted(place.scan(folder), key=lambda entry: entry.name)


__all__ = ["Finding", "Version", "check", "versions"]

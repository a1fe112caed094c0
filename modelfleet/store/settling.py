"""Bring the ledger of a name up to what a killed command did and could not note: where a folder lies is the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelfleet.store import audit, disk, ledger, place

HERE = {ledger.SAVED, ledger.RESTORED}
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Unnoted:
    """What happened to a version and is not in the ledger: ``saved``, ``deleted`` or ``restored``."""

    version: int
    event: str
    digest: str


def unnoted(name: str, store: Path | None = None) -> Iterator[Unnoted]:
    """Return what the ledger does not say yet; versions from before there was a ledger are none of it."""
    read = ledger.read(place.home(name, store))
    here = set(place.versions(name, store))
    trashed = set(place.versions_in(place.path(store) / place.TRASH / name))
    for version, state in sorted(read.states.items()):
        if version in here and state not in HERE:
            event = ledger.SAVED if state == ledger.ALLOCATED else ledger.RESTORED
            yield Unnoted(version, event, read.digests[version])
        elif version not in here and version in trashed and state != ledger.DELETED:
            yield Unnoted(version, ledger.DELETED, read.digests[version])


def settle(name: str, store: Path | None = None) -> list[Unnoted]:
    """Note it in the ledger and the audit log, under the lock that the caller holds; return what was noted.

    The log says who noted it, not who did it, whom nobody knows any more. The folder's mode is mended too, which a
    kill may have left writable. Raises OSError where the disk refuses it.
    """
    found = list(unnoted(name, store))
    for one in found:
        trash, here = place.trashed(name, one.version, store), place.home(name, store) / str(one.version)
        (trash if one.event == ledger.DELETED else here).chmod(0o555)
        ledger.append(place.home(name, store), one.event, one.version, one.digest)
        said = {"by": UNKNOWN, "noted_by": disk.who(), "reference": f"{name}:{one.version}", "digest": one.digest}
        audit.record(one.event, store, **said)
    return found

"""The ledger of a name: which versions were ever given, with their digests, kept outside of their folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelfleet.store import disk, records
from modelfleet_service.model import MANIFEST, identity

FILE = "ledger.jsonl"
HIGHEST = ".highest"  # what the store kept before it had a ledger
ALLOCATED, SAVED, DELETED, RESTORED = "allocated", "saved", "deleted", "restored"


@dataclass(frozen=True)
class Ledger:
    """What became of each version: its manifest's digest, its last event, and the lines that were altered."""

    digests: Mapping[int, str]
    states: Mapping[int, str]
    altered: tuple[int, ...]
    floor: int

    @property
    def highest(self) -> int:
        """The highest number ever given; 0 if none was."""
        return max([self.floor, *self.digests])

    def digest_of(self, folder: Path) -> str:
        """Return the digest of a version's folder, in its place or in the trash: the ledger's, or its manifest's.

        Raises OSError where the ledger has none and the manifest can't be read.
        """
        return self.digests.get(int(folder.name)) or identity((folder / MANIFEST).read_bytes())


def read(home: Path) -> Ledger:
    """Read the ledger of a name's folder; empty where a name has none yet."""
    with disk.reading(home / FILE):
        read = records.read(home / FILE)
        floor = _floor(home / HIGHEST)
    events = [(int(event["version"]), event) for event in read.found]
    digests = {version: str(event["digest"]) for version, event in reversed(events)}
    return Ledger(digests, {version: str(event["event"]) for version, event in events}, read.altered, floor)


def digest_of(home: Path, folder: Path) -> str:
    """Return what `Ledger.digest_of` does; empty where neither says it."""
    try:
        return read(home).digest_of(folder)
    except OSError:
        return ""


def append(home: Path, event: str, version: int, digest: str) -> None:
    """Add an event that lasts; the caller holds the lock of the name. Raises OSError where the disk refuses it."""
    record = {"version": version, "event": event, "digest": digest, "time": disk.now(), "by": disk.who()}
    fresh = not (home / FILE).exists()
    records.append(home / FILE, record)
    if fresh:
        disk.sync(home)


def _floor(file: Path) -> int:
    said = file.read_text().strip() if file.exists() else ""
    return int(said) if said.isdecimal() else 0

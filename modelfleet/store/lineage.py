"""Where versions come from: the ensembles that hold an older version of a member than the newest there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from modelfleet.store import index
from modelfleet.store.index import Entry


@dataclass(frozen=True)
class Behind:
    """An ensemble that holds ``member`` where ``newest`` is the newest version of that name; all are references."""

    ensemble: str
    member: str
    newest: str


def behind(store: Path | None = None) -> list[Behind]:
    """Return the members, of all ensembles, that are not the newest version of their names.

    In the order of the ensembles; a member that was deleted is not among them, nor one whose newest version is a
    member, too. Raises Failure as `index.entries` does.
    """
    return list(_behind(index.entries(None, store)))


def _behind(entries: Iterable[Entry]) -> Iterator[Behind]:
    """``entries`` are in the order of their versions."""
    known = list(entries)
    by_digest = {entry.digest: entry for entry in known if entry.digest}
    newest = {entry.name: entry for entry in known}
    for entry in known:
        for digest in entry.members:
            member = by_digest.get(digest)
            if member and newest[member.name].digest not in entry.members:
                yield Behind(entry.reference, member.reference, newest[member.name].reference)

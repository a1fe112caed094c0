"""What in a store refers to a version, and so forbids to delete it: aliases, ensembles, and what may be one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from modelfleet.errors import Failure, Failures
from modelfleet.store import alias, finding, index, ledger, place
from modelfleet.store.index import Entry
from modelfleet.store.verifying import HEAL


def refuse(reference: str, store: Path | None) -> None:
    """Raise Failures, one for each thing of the store that refers to the version ``name:version``."""
    found = list(inside(reference, store))
    if found:
        raise Failures(found)


def inside(reference: str, store: Path | None) -> Iterator[Failure]:
    """Return the aliases and ensembles of the store that refer to a version."""
    name, version = finding.split(reference)
    yield from of_aliases(reference, version, alias.aliases(name, store))
    entries = index.entries(None, store)
    yield from of_ensembles(reference, digest(reference, store), entries)
    yield from of_unreadable(reference, entries)


def of_aliases(reference: str, version: int, aliases: Mapping[str, int]) -> Iterator[Failure]:
    """Return the aliases that point to a version."""
    name = reference.partition(":")[0]
    for one in sorted(one for one, points_to in aliases.items() if points_to == version):
        cure = f"move it, or drop it with `modelfleet model alias {name} {one} --delete`"
        yield Failure(reference, f"the alias {name}@{one} points to it", cure)


def of_ensembles(reference: str, digest: str, entries: Iterable[Entry]) -> Iterator[Failure]:
    """Return the ensembles that have a version, by its digest, as a member."""
    for entry in entries:
        if digest in entry.members:
            yield Failure(reference, f"the ensemble {entry.reference} has it as a member", "delete the ensemble first")


def of_unreadable(reference: str, entries: Sequence[Entry]) -> Iterator[Failure]:
    """Return the versions that can't be read, and so may be ensembles that have a version as a member.

    None where that can't be read itself: it is good for no ensemble, and two of them would keep each other.
    """
    broken = {entry.reference: entry.broken for entry in entries if entry.broken}
    for one, why in broken.items() if reference not in broken else ():
        cure = f"{HEAL}, or delete {one} first"
        yield Failure(reference, f"can't tell whether {one} has it as a member ({why})", cure)


def digest(reference: str, store: Path | None) -> str:
    """Return the digest of a version."""
    name, version = finding.split(reference)
    home = place.home(name, store)
    return ledger.digest_of(home, home / str(version))

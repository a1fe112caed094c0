"""Recover: rebuild a lost store from copies, and from the models that releases on servers still hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from modelfleet.copies import contents, documents, heal, signatures, targets, versions
from modelfleet.copies.holders.holding import Copy, Holder
from modelfleet.copies.targets import Holders, Target
from modelfleet.errors import Failure, Failures
from modelfleet.progress import Progress
from modelfleet.store import disk, place
from modelfleet_service.model import CARD, MANIFEST, identity

RECOVERED, THERE, REFUSED, LOST = "recovered", "there", "refused", "lost"


@dataclass(frozen=True)
class Row:
    """What became of one version: ``recovered``, ``there``, ``refused`` or ``lost``, and where it came from.

    A version that a holder has and that could not be put into the store is refused, too; ``what`` says why.
    """

    name: str
    version: int
    digest: str
    state: str
    source: str = ""
    what: str = ""

    @property
    def reference(self) -> str:
        """Name and version, such as ``digits:3``."""
        return f"{self.name}:{self.version}"


@dataclass(frozen=True)
class Report:
    """What became of each version, which documents were brought back, and what failed or was refused."""

    versions: tuple[Row, ...]
    documents: tuple[str, ...]
    failed: tuple[Failure, ...]

    @property
    def is_complete(self) -> bool:
        """Tell whether every version that is known is there, and nothing was refused."""
        return not self.failed and all(row.state in (RECOVERED, THERE) for row in self.versions)


def run(one: Target, store: Path | None = None) -> Report:
    """Bring every version back that the holders of a target have; what is there is never overwritten.

    Goes on without holders that can't be reached and says which. Raises Failures where none can be.
    """
    with disk.told(place.path(store)):
        place.make(store)
    looking = Progress(f"verifying what is at {one.target}")
    with targets.alone(store), looking as progress, targets.opened(one, releases=True) as holders:
        if not holders.reached:
            raise Failures(list(holders.failed.values()))
        lines, refused = documents.bring(holders, store)
        rows = list(_versions(holders, store, progress))
        brought, unsigned = signatures.bring(holders, store)
        rows += _lost(store, {(row.name, row.version) for row in rows})
        if one.target not in {known.target for known in targets.remembered(store)} and _has_copies(holders):
            targets.remember(one, store)
    rows.sort(key=lambda row: (row.name, row.version, row.digest))
    return Report(tuple(rows), (*lines, *brought), (*holders.failed.values(), *refused, *unsigned))


def _versions(holders: Holders, store: Path | None, progress: Progress) -> Iterator[Row]:
    damaged, known = set(heal.broken(store)), contents.digests(store)
    seen: set[tuple[str, int, str]] = set()
    for holder, copy in _found(holders):
        key = _key(holder, copy)
        if key is None or (*key, copy.digest) in seen:
            continue
        seen.add((*key, copy.digest))
        progress.doing = f"bringing {key[0]}:{key[1]} back"
        row = _recovered(holders, key, copy.digest, store, known.get(key), key in damaged)
        if row.state == RECOVERED:
            known[key] = copy.digest
        yield row


def _found(holders: Holders) -> Iterator[tuple[Holder, Copy]]:
    """Return whole copies first, then the models of releases."""
    for kind in ("copies", "releases"):
        for name, look in holders.looks.items():
            yield from ((holders.reached[name], copy) for copy in getattr(look, kind) if copy.is_whole)


def _key(holder: Holder, copy: Copy) -> tuple[str, int] | None:
    """Return name and version of a copy; those of a release's model are what its card says."""
    if copy.name:
        name, version = copy.name, copy.version
    else:
        try:
            card: dict[str, Any] = yaml.safe_load(holder.read(f"{copy.where}/{CARD}"))
            name, version = str(card["name"]), int(card["version"])
        except (yaml.YAMLError, KeyError, TypeError, ValueError):
            return None
    return (name, version) if place.NAME.fullmatch(name) and version > 0 else None


def _recovered(
    holders: Holders, key: tuple[str, int], digest: str, store: Path | None, known: str | None, is_damaged: bool
) -> Row:
    if known not in (None, digest):
        return Row(*key, digest, REFUSED, what=f"the store has it with the digest {known}")
    if _is_there(key, digest, store) and not is_damaged:
        return Row(*key, digest, THERE)
    said = ""
    for holder, copy in heal.sources_of(holders, key, digest):
        try:
            versions.bring(holder, copy, *key, store, RECOVERED)
            return Row(*key, digest, RECOVERED, f"{holder.base}/{copy.where}")
        except Failure as failure:
            said = str(failure)
    return Row(*key, digest, REFUSED if said else LOST, what=said)


def _is_there(key: tuple[str, int], digest: str, store: Path | None) -> bool:
    name, version = key
    for folder in (place.home(name, store) / str(version), place.trashed(name, version, store)):
        manifest = folder / MANIFEST
        if manifest.is_file() and identity(manifest.read_bytes()) == digest:
            return True
    return False


def _lost(store: Path | None, seen: set[tuple[str, int]]) -> list[Row]:
    """Return the versions that the ledgers know and nobody has, and those that only the store has."""
    damaged = set(heal.broken(store))
    return [
        Row(*key, digest, LOST if key in damaged else THERE, what="nobody has a good copy" if key in damaged else "")
        for key, digest in contents.digests(store).items()
        if key not in seen
    ]


def _has_copies(holders: Holders) -> bool:
    return any(look.copies for look in holders.looks.values())

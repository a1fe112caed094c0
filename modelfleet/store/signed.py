"""The signatures of versions in a store: how their file comes in, and which the audit log says that there are.

So the store itself notices when one is lost.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from modelfleet.store import audit, disk, place
from modelfleet.store.verifying import HEAL, Finding, Version
from modelfleet_service import model, signing
from modelfleet_service.errors import ModelError
from modelfleet_service.model import MANIFEST, SIGNATURES, Model
from modelfleet_service.signing import Signature

Entries = Mapping[tuple[str, str], Mapping[str, Any]]
Recorded = Mapping[str, Entries]
CURE = f"{HEAL}, which takes it from a copy; or have the model signed again, or `model unsign` it"
SIGNED, WITHDRAWN = "signed", "unsigned"


def recorded(store: Path | None = None) -> Recorded:
    """Return the last record of each signature, made or withdrawn, by the version's digest, then by role and key."""
    found: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {}
    for event in audit.read(store):
        if event["act"] in (SIGNED, WITHDRAWN):
            found.setdefault(event["digest"], {})[event["role"], event["key"]] = event
    return found


def check(versions: Iterable[Version], store: Path | None = None) -> Iterator[Finding]:
    """Return a finding for each version that lacks a signature which the log has, or has one that was withdrawn."""
    known = recorded(store)
    for version in versions if known else ():
        yield from findings_of(version, known)


def findings_of(version: Version, known: Recorded) -> Iterator[Finding]:
    """Return a finding where a version lacks a signature, and where it has one that was withdrawn.

    None where its manifest.sig is altered, which is another.
    """
    had, has = _compared(version, known)
    where = f"{version.name}:{version.version}"
    for role, key in sorted(_withdrawn(had) & has):
        what = f"{SIGNATURES} has a signature as {role} (key {key}) that was withdrawn"
        cure = f"`modelfleet model unsign {where} --role {role} --key {key}`"
        first = f"`modelfleet model restore {where}`, then " if place.TRASH in version.folder.parts else ""
        yield Finding(where, "withdrawn", what, first + cure, version.name, version.version, SIGNATURES)
    if lost := _lost(had, has):
        who = " and ".join(f"as {one['role']} by {one['by']} (key {one['key']}) on {one['time']}" for one in lost)
        is_there = (version.folder / SIGNATURES).exists()
        what = f"{SIGNATURES} lacks a signature: it was" if is_there else f"{SIGNATURES} is missing, it was"
        yield Finding(where, "unsigned", f"{what} signed {who}", CURE, version.name, version.version, SIGNATURES)


def lacking(version: Version, known: Recorded) -> list[Mapping[str, Any]]:
    """Return the records of the signatures that a version had and that its manifest.sig has no more."""
    return _lost(*_compared(version, known))


def _lost(had: Entries, has: AbstractSet[tuple[str, str]]) -> list[Mapping[str, Any]]:
    return [record for entry, record in had.items() if record["act"] == SIGNED and entry not in has]


def _compared(version: Version, known: Recorded) -> tuple[Entries, set[tuple[str, str]]]:
    """Return what the log has of a version's signatures, and which its manifest.sig has; nothing if that is altered."""
    try:
        digest = version.digest or model.identity((version.folder / MANIFEST).read_bytes())
        had = known.get(digest, {})
        found = signing.verify_all(Model(version.folder, digest, (), version.said())) if had else ()
    except (ModelError, OSError):
        return {}, set()
    return had, {(entry.role, entry.key) for entry in found}


def standing(signatures: Iterable[Signature], digest: str, known: Recorded) -> list[Signature]:
    """Return those of a version's signatures, its own or a copy's, that were not withdrawn since."""
    withdrawn = _withdrawn(known.get(digest, {}))
    return [one for one in signatures if (one.role, one.key) not in withdrawn]


def _withdrawn(had: Entries) -> set[tuple[str, str]]:
    return {entry for entry, record in had.items() if record["act"] == WITHDRAWN}


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[None]:
    """Let a version's folder take a file for the time of the block; its name's lock is held by the caller."""
    folder.chmod(0o755)
    try:
        yield
    finally:
        folder.chmod(0o555)


def put(folder: Path, signatures: Iterable[Signature]) -> None:
    """Put manifest.sig into an opened version in one step; it is written outside, so that a kill leaves none inside.

    One without signatures stays where all were withdrawn, and takes the place of those that copies have.
    """
    beside = folder.with_name(f".{folder.name}.sig{disk.BESIDE}")
    beside.unlink(missing_ok=True)
    try:
        beside.write_bytes(signing.encode(signatures))
        beside.chmod(0o444)
        disk.sync(beside)
        beside.replace(folder / SIGNATURES)
        disk.sync(folder)
    finally:
        beside.unlink(missing_ok=True)

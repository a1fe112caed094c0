"""The signatures of versions: sent only where each is valid, and taken from a copy where the store's are not."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from modelfleet.copies import contents, placing
from modelfleet.copies.holding import Copy, Holder
from modelfleet.copies.targets import Holders
from modelfleet.errors import Failure
from modelfleet.store import audit, disk, place, writing
from modelfleet.store.verifying import Version
from modelfleet_service import model
from modelfleet_service.errors import ModelError
from modelfleet_service.model import MANIFEST, SIGNATURES, Model

SIGN = "remove it and have the model signed again"


def bring(holders: Holders, store: Path | None = None) -> tuple[list[str], list[Failure]]:
    """Give versions whose signatures are missing or not valid those of a copy; return what was and was not done.

    A file that is not valid is kept in the trash, and stays where it is if no copy has a valid one.
    """
    done: list[str] = []
    failed: list[Failure] = []
    for version in contents.versions(store):
        read = _read(version)
        if read is None or contents.are_valid(read):
            continue
        try:
            done += _brought(holders, version, read, store)
        except Failure as failure:
            failed.append(failure)
    return done, failed


def _read(version: Version) -> Model | None:
    """Return a version whose manifest is the ledger's; None where it is not."""
    with contextlib.suppress(ModelError, OSError):
        original = contents.original(version)
        manifest = version.folder / MANIFEST
        return Model(version.folder, original.digest, model.listed(manifest, manifest.read_bytes()), version.said())
    return None


def _brought(holders: Holders, version: Version, read: Model, store: Path | None) -> list[str]:
    for holder, copy in _sources(holders, read):
        content = holder.read(f"{copy.where}/{SIGNATURES}")
        if contents.would_be_valid(content, read):
            aside = _put(content, read, store)
            audit.record("healed", store, reference=read.reference, digest=read.digest, source=holder.name)
            kept = f"; the altered one is kept at {aside}" if aside else ""
            return [f"{read.reference}: its signatures were brought back from {holder.base}/{copy.where}{kept}"]
    if os.path.lexists(version.folder / SIGNATURES):
        raise Failure(str(version.folder / SIGNATURES), "no holder has a good copy", SIGN)
    return []


def _sources(holders: Holders, read: Model) -> Iterator[tuple[Holder, Copy]]:
    for name, look in holders.looks.items():
        for copy in (*look.copies, *look.releases):
            fits = (copy.name, copy.version) in ((read.name, read.version), ("", 0))
            if fits and copy.digest == read.digest and copy.signatures:
                yield holders.reached[name], copy


def _put(content: bytes, read: Model, store: Path | None) -> Path | None:
    """Put the file into a read-only version; it is written outside, so that a kill leaves no foreign file inside."""
    target, aside = read.path / SIGNATURES, None
    with writing.incoming(read.name, store) as folder, disk.changing(place.home(read.name, store)):
        (folder / SIGNATURES).write_bytes(content)
        writing.seal(folder)
        read.path.chmod(0o755)
        try:
            if os.path.lexists(target):
                aside = placing.moved_aside(target, f"{read.name}-{read.version}-{SIGNATURES}", store)
            (folder / SIGNATURES).rename(target)
            disk.sync(read.path)
        finally:
            read.path.chmod(0o555)
    return aside

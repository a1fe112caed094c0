"""The signatures of versions: sent only where each is valid, and taken from a copy where the store's are not."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from modelfleet.copies import contents, versions
from modelfleet.copies.holders.holding import Copy, Holder
from modelfleet.copies.targets import Holders
from modelfleet.errors import Failure
from modelfleet.store import audit, disk, place, signed
from modelfleet.store.signed import Recorded
from modelfleet.store.verifying import Version
from modelfleet_service import model, signing
from modelfleet_service.errors import ModelError
from modelfleet_service.model import MANIFEST, SIGNATURES, Model
from modelfleet_service.signing import Signature

SIGN_AGAIN = "have the model signed again"
REMOVE_AND_SIGN = f"remove it and {SIGN_AGAIN}"


def bring(holders: Holders, store: Path | None = None) -> tuple[list[str], list[Failure]]:
    """Give versions whose signatures are missing or not valid those of a copy; return what was and was not done.

    A file that is not valid is kept in the trash, and stays where it is if no copy has a valid one.
    """
    done: list[str] = []
    failed: list[Failure] = []
    known = signed.recorded(store)
    for version in contents.versions(store):
        read = _read(version, known)
        if read is None or (contents.are_valid(read) and not signed.lacking(version, known)):
            continue
        try:
            done += _brought(holders, version, read, store)
            if signed.lacking(version, signed.recorded(store)):
                what = "no holder has all of its signatures"
                failed.append(Failure(str(version.folder / SIGNATURES), what, SIGN_AGAIN))
        except Failure as failure:
            failed.append(failure)
    return done, failed


def _read(version: Version, known: Recorded) -> Model | None:
    """Return a version whose manifest is the ledger's; None where it is not."""
    with contextlib.suppress(ModelError, OSError):
        original = contents.original(version, known)
        manifest = version.folder / MANIFEST
        return Model(version.folder, original.digest, model.listed(manifest, manifest.read_bytes()), version.said())
    return None


def _brought(holders: Holders, version: Version, read: Model, store: Path | None) -> list[str]:
    """Add what copies have to what the version has, until it has a signature and each that the log has now."""
    done: list[str] = []
    for holder, copy in _sources(holders, read):
        theirs = contents.valid(holder.read(f"{copy.where}/{SIGNATURES}"), read)
        added, kept = _joined(read, theirs, store)
        if added:
            audit.record("healed", store, reference=read.reference, digest=read.digest, source=holder.name)
            altered = f"; the altered one is kept at {kept}" if kept else ""
            done.append(f"{read.reference}: its signatures were brought back from {holder.base}/{copy.where}{altered}")
        if done and not signed.lacking(version, signed.recorded(store)):
            return done
    lost, file = signed.lacking(version, signed.recorded(store)), version.folder / SIGNATURES
    if not done and (lost or os.path.lexists(file)):
        raise Failure(str(file), "no holder has a good copy", SIGN_AGAIN if lost else REMOVE_AND_SIGN)
    return done


def _joined(read: Model, theirs: Sequence[Signature] | None, store: Path | None) -> tuple[bool, Path | None]:
    """Add a copy's signatures that stand to those of a version, as both are now; tell whether that changed anything.

    A copy's file that is valid (None where it is not) takes the place of one that is not, also if all were withdrawn.
    Returns where the file went that is replaced because it was altered, too.
    """
    name, file = f"{read.name}-{read.version}-{SIGNATURES}", read.path / SIGNATURES
    with contextlib.ExitStack() as stack:
        stack.enter_context(disk.changing(place.home(read.name, store)))
        own = signing.verify_all(read) if (are_valid := contents.are_valid(read)) else ()
        had = {(one.role, one.key) for one in own}
        standing = signed.standing(theirs or (), read.digest, signed.recorded(store))
        more = [one for one in standing if (one.role, one.key) not in had]
        if not more and (are_valid or theirs is None):
            return False, None
        stack.enter_context(signed.opened(read.path))
        kept = None if are_valid else stack.enter_context(versions.aside(file, name, store))
        signed.put(read.path, [*own, *more])
    return True, kept


def _sources(holders: Holders, read: Model) -> Iterator[tuple[Holder, Copy]]:
    for name, look in holders.looks.items():
        for copy in (*look.copies, *look.releases):
            fits = (copy.name, copy.version) in ((read.name, read.version), ("", 0))
            if fits and copy.digest == read.digest and copy.signatures:
                yield holders.reached[name], copy

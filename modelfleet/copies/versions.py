"""Bring one version back from a copy: fetched beside, verified, and put in its place; what was there is kept."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from modelfleet.copies import contents
from modelfleet.copies.holders.holding import Copy, Holder
from modelfleet.errors import Failure
from modelfleet.store import audit, cards, disk, ledger, place, signed, verifying, writing
from modelfleet.store.signed import Recorded
from modelfleet.store.verifying import Version
from modelfleet_service import model, signing
from modelfleet_service.errors import ModelError
from modelfleet_service.model import MANIFEST, SIGNATURES, File, Model

DAMAGED = ".damaged"


def bring(holder: Holder, copy: Copy, name: str, version: int, store: Path | None, act: str) -> Path | None:
    """Put a holder's copy of a version in its place; return where the damaged folder went that was there.

    Files of it that are whole are kept as they are. A version that was deleted comes to the trash.
    Raises Failure, with nothing changed, where the copy does not arrive as its digest says.
    """
    known = signed.recorded(store)
    with writing.incoming(name, store) as folder:
        there = _place_of(name, version, store)
        old = _fetch(holder, copy, folder, there, {"name": name, "version": version})
        _sign(holder, copy, folder, old, known)
        said = cards.reference_of(folder)
        if said != f"{name}:{version}":
            raise Failure(f"{holder.base}/{copy.where}", f"holds {said or 'no card'}", "move it out of the copies")
        kept = _put(folder, name, version, copy.digest, store)
    audit.record(act, store, reference=f"{name}:{version}", digest=copy.digest, source=holder.name)
    return kept


def _place_of(name: str, version: int, store: Path | None) -> Path:
    here, trash = place.home(name, store) / str(version), place.trashed(name, version, store)
    deleted = ledger.read(place.home(name, store)).states.get(version) == ledger.DELETED
    return trash if deleted and not os.path.lexists(here) else here


def _fetch(holder: Holder, copy: Copy, folder: Path, old: Path, said: dict[str, object]) -> Model:
    """Fetch what the damaged folder lacks; return that folder as the model that it should be."""
    manifest = holder.read(f"{copy.where}/{MANIFEST}")
    where = Path(f"{holder.base}/{copy.where}/{MANIFEST}")
    if model.identity(manifest) != copy.digest:
        raise Failure(str(where), "fails its hash on arrival", "try again; see `modelfleet store fsck`")
    try:
        files = model.listed(where, manifest)
    except ModelError as error:
        raise Failure(error.where, error.what, "move it out of the copies") from error
    wanted = [file for file in files if not _kept(file, old, folder)]
    holder.fetch(copy, wanted, folder)
    (folder / MANIFEST).write_bytes(manifest)
    return Model(old, copy.digest, files, said)


def _sign(holder: Holder, copy: Copy, folder: Path, old: Model, known: Recorded) -> None:
    """Take the signatures of the damaged folder if they are valid, or else those of the copy that stand.

    Where neither are valid, those of the damaged folder stay, and stay a finding.
    """
    if not contents.are_valid(old) and copy.signatures:
        theirs = contents.valid(holder.read(f"{copy.where}/{SIGNATURES}"), old)
        if theirs is not None:
            (folder / SIGNATURES).write_bytes(signing.encode(signed.standing(theirs, copy.digest, known)))
            return
    if not old.path.is_symlink() and (old.path / SIGNATURES).is_file():
        _linked(old.path / SIGNATURES, folder / SIGNATURES)


def _kept(file: File, old: Path, folder: Path) -> bool:
    """Take a file that is whole from the damaged folder."""
    try:
        if old.is_symlink():
            return False
        model.verify_file(old / file.path, file)
    except (ModelError, OSError):
        return False
    return _linked(old / file.path, folder / file.path)


def _linked(source: Path, target: Path) -> bool:
    with contextlib.suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(source)
        return True
    return False


def _put(folder: Path, name: str, version: int, digest: str, store: Path | None) -> Path | None:
    """Put it where the version is to be now: it may have been deleted or restored while it was fetched."""
    home = place.home(name, store)
    writing.seal(folder)
    with disk.changing(home):
        known = ledger.read(home).digests.get(version)
        if known not in (None, digest):
            raise Failure(f"{name}:{version}", "the ledger has another digest", "nothing was changed")
        target = _place_of(name, version, store)
        _see_damaged(Version(name, version, target, digest))
        with aside(target, f"{name}-{version}", store) as kept:
            disk.ensure(target.parent)
            folder.rename(target)
        target.chmod(0o555)
        disk.sync(target.parent)
        if known is None:
            ledger.append(home, ledger.SAVED, version, digest)
    return kept


def _see_damaged(version: Version) -> None:
    """Raise Failure where a version is whole: it came back meanwhile, or what is damaged is its twin in the trash."""
    there = os.path.lexists(version.folder)
    if there and all(one.kind == "writable" or one.file == SIGNATURES for one in verifying.findings_of(version)):
        what = f"is whole at {version.folder}, and was left alone"
        raise Failure(f"{version.name}:{version.version}", what, "see `modelfleet store fsck`")


def free(name: str, store: Path | None) -> Path:
    """Return a path in ``<store>/.trash/.damaged/`` that is free, for something damaged of this name."""
    folder = place.path(store) / place.TRASH / DAMAGED
    disk.ensure(folder)
    return next(path for n in range(1, 1 << 30) if not os.path.lexists(path := folder / f"{name}.{n}"))


@contextlib.contextmanager
def aside(entry: Path, name: str, store: Path | None) -> Iterator[Path | None]:
    """Move something damaged, if it is there, to the damaged ones, and yield its path there.

    The block puts something good in its place; where the disk refuses that, the damaged one is moved back.
    """
    if not os.path.lexists(entry):
        yield None
        return
    kept = free(name, store)
    if entry.is_dir() and not entry.is_symlink():
        entry.chmod(0o755)
    entry.rename(kept)
    try:
        disk.sync(kept.parent)
        yield kept
    except OSError:
        kept.rename(entry)
        raise

"""What a store has to have copies of: every version, also in the trash, and its own documents."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from modelfleet.copies import merging
from modelfleet.copies.holders.holding import Original
from modelfleet.store import alias, audit, disk, fsck, ledger, place, signed, verifying
from modelfleet.store.settling import HERE
from modelfleet.store.signed import Recorded
from modelfleet.store.verifying import HEAL, Finding, Version
from modelfleet_service import model, signing
from modelfleet_service.errors import ModelError
from modelfleet_service.model import MANIFEST, SIGNATURES, File, Model
from modelfleet_service.signing import Signature

OF_NAMES = (ledger.FILE, ledger.HIGHEST, alias.FILE)


def versions(store: Path | None) -> list[Version]:
    """Return every version that has a folder, with the ledger's digest."""
    return [one for name in place.all_names(store) for one in fsck.versions(place.path(store), name)]


def originals(store: Path | None) -> tuple[list[Original], list[Finding]]:
    """Return the versions whose manifest is the ledger's, and a finding for each that can't be copied.

    Signatures that are not valid, not all there, or withdrawn, are a finding, too; their version is copied without.
    """
    found: list[Original] = []
    wrong: list[Finding] = []
    known = signed.recorded(store)
    for version in versions(store):
        try:
            found.append(original(version, known))
            wrong += _unsigned(version, found[-1], known)
        except (ModelError, OSError) as error:
            what = error.what if isinstance(error, ModelError) else f"can't be read ({error.strerror})"
            where = str(version.folder / MANIFEST)
            wrong.append(Finding(where, "altered", what, HEAL, version.name, version.version, MANIFEST))
    return found, wrong


def original(version: Version, known: Recorded) -> Original:
    """Return a version as it is to be copied, with its signatures where they are as the log has them; no more is read.

    Raises ModelError where its manifest is not the one that the ledger knows, OSError where it can't be read.
    """
    manifest = version.folder / MANIFEST
    content = manifest.read_bytes()
    digest = model.identity(content)
    if version.folder.is_symlink() or version.digest not in (None, digest):
        raise ModelError(str(manifest), "was altered: its SHA-256 is not the ledger's")
    if version.digest is None and any(finding.kind == "misplaced" for finding in verifying.findings_of(version)):
        raise ModelError(str(manifest), "is not of the version whose place it is in")
    listed = model.listed(manifest, content)
    read = Model(version.folder, digest, listed, version.said())
    is_signed = are_valid(read) and not list(signed.findings_of(version, known))
    beside = [_file(version.folder, name) for name in (MANIFEST, SIGNATURES)[: 2 if is_signed else 1]]
    signatures = beside[1].sha256 if is_signed else ""
    files = (*listed, *beside)
    return Original(version.name, version.version, digest, version.folder, files, signatures)


def are_valid(read: Model) -> bool:
    """Tell whether a version has a manifest.sig and every signature in it is valid; all may have been withdrawn."""
    try:
        signing.verify_all(read)
    except ModelError:
        return False
    return os.path.lexists(read.path / SIGNATURES)


def valid(content: bytes, read: Model) -> tuple[Signature, ...] | None:
    """Return the signatures in the content of a copy's manifest.sig; None where one is not valid for a version."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(ModelError):
        (Path(folder) / SIGNATURES).write_bytes(content)
        return signing.verify_all(replace(read, path=Path(folder)))
    return None


def damaged(original: Original, paths: set[Path]) -> Finding | None:
    """Return a finding where one of these files, if it is the version's, is not what its manifest says."""
    for file in original.files:
        place_of = original.folder / file.path
        try:
            if place_of in paths:
                model.verify_file(place_of, file)
        except (ModelError, OSError) as error:
            what = error.what if isinstance(error, ModelError) else f"can't be read ({error.strerror})"
            return Finding(str(place_of), "altered", what, HEAL, original.name, original.version, file.path)
    return None


def documents(store: Path | None) -> dict[str, bytes]:
    """Return the store's documents by their path in the store: ledgers, aliases, the audit log.

    Raises Failure where one can't be read.
    """
    folder = place.path(store)
    return {path: document(folder / path) for path in _documents(folder, place.all_names(store))}


def sound_documents(store: Path | None) -> tuple[dict[str, bytes], list[Finding]]:
    """Return the documents that are to be copied, and a finding for each that was altered: good copies are to stay.

    A log with an altered line is among them: its copies have what it lacks, and are not replaced then.
    """
    found = documents(store)
    spoilt = [path for path, content in found.items() if not (merging.is_log(path) or merging.is_sound(path, content))]
    what, cure = "was altered, and is not copied", HEAL
    wrong = [Finding(str(place.path(store) / path), "altered", what, cure) for path in spoilt]
    return {path: content for path, content in found.items() if path not in spoilt}, wrong


def is_document(path: str) -> bool:
    """Tell whether a path that a holder names is one of a store's documents."""
    name, _, file = path.partition("/")
    return path == audit.FILE or (bool(place.NAME.fullmatch(name)) and file in OF_NAMES)


def digests(store: Path | None) -> dict[tuple[str, int], str]:
    """Return the digest of every version that is to be there or in the trash: the ledger's, or its manifest's."""
    found: dict[tuple[str, int], str] = {}
    for name in place.all_names(store):
        read = ledger.read(place.home(name, store))
        found |= {(name, version): read.digests[version] for version, state in read.states.items() if state in HERE}
        for one in fsck.versions(place.path(store), name):
            with contextlib.suppress(OSError):
                found[name, one.version] = read.digest_of(one.folder)
    return found


def _unsigned(version: Version, one: Original, known: Recorded) -> Iterator[Finding]:
    file = version.folder / SIGNATURES
    lost = list(signed.findings_of(version, known))
    yield from lost
    if not one.signatures and not lost and os.path.lexists(file):
        what, cure = "its signatures are not valid, and are not copied", HEAL
        yield Finding(str(file), "altered", what, cure, version.name, version.version, SIGNATURES)


def _documents(folder: Path, found: list[str]) -> Iterator[str]:
    candidates = [audit.FILE, *(f"{name}/{file}" for name in found for file in OF_NAMES)]
    yield from (path for path in candidates if (folder / path).is_file())


def document(file: Path) -> bytes:
    """Return the content of a document, nothing where it is lost; raise Failure where it can't be read."""
    with disk.reading(file):
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return b""


def _file(folder: Path, name: str) -> File:
    path = folder / name
    return File(name, model.sha256_of(path), path.stat().st_size)

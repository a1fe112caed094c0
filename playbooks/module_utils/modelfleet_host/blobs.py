"""Content-addressed files: received once, verified on arrival and again at each use."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from .place import Place, Refused

CHUNK = 1 << 20
Blob = dict[str, Any]


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal; empty if it is not there."""
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def lacking(place: Place, blobs: Iterable[Blob]) -> list[str]:
    """Return the digests, each once, of the blobs that are not here; one that was altered is dropped first."""
    wanted = sorted({str(blob["sha256"]) for blob in blobs})
    missing = [sha256 for sha256 in wanted if digest(place.blobs / sha256) != sha256]
    for sha256 in missing:
        (place.blobs / sha256).unlink(missing_ok=True)
    return missing


def receive(place: Place, archive: Path) -> int:
    """Take the blobs out of a tar file whose members are named by their digests; return their bytes.

    Raises Refused where a member's content is not what its name says; nothing of it is kept.
    """
    place.blobs.mkdir(parents=True, exist_ok=True)
    total = 0
    with tarfile.open(archive) as members:
        for member in members:
            source = members.extractfile(member) if member.isfile() else None
            if source is None or not _is_digest(member.name):
                raise Refused(f"the shipment holds {member.name!r}, which is no blob", "deploy again")
            _take(place, source, member.name)
            total += member.size
    return total


def place_blob(place: Place, blob: Blob, target: Path) -> None:
    """Put a verified blob at ``target`` as a hard link, in one step.

    Raises Refused if it is missing or was altered, and drops it then.
    """
    source = place.blobs / blob["sha256"]
    if digest(source) != blob["sha256"]:
        source.unlink(missing_ok=True)
        raise Refused(f"{blob['name']} was altered on the host", "deploy again: it is sent anew")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.new")
    beside.unlink(missing_ok=True)
    os.link(source, beside)
    beside.replace(target)


def _take(place: Place, source: IO[bytes], sha256: str) -> None:
    beside = place.blobs / f".{sha256}"
    hashed = hashlib.sha256()
    try:
        with beside.open("wb") as stream:
            while chunk := source.read(CHUNK):
                hashed.update(chunk)
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        if hashed.hexdigest() != sha256:
            raise Refused(
                f"a file fails its hash on arrival ({sha256[:12]})",
                "deploy again; if it stays, check the network and the disk",
            )
        beside.chmod(0o444)
        beside.replace(place.blobs / sha256)
    finally:
        beside.unlink(missing_ok=True)


def _is_digest(name: str) -> bool:
    return len(name) == 64 and all(letter in "0123456789abcdef" for letter in name)


def drop_unused(place: Place, used: set[str]) -> None:
    """Remove the blobs that no release refers to."""
    for path in place.blobs.glob("*"):
        if path.name not in used:
            path.unlink()


def remove(folder: Path) -> None:
    """Remove a folder and what is in it, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)

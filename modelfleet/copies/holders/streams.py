"""Bytes on their way: written to a file in pieces, verified on arrival, and counted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from modelfleet.errors import Failure
from modelfleet_service.model import File

CHUNK = 1 << 20


def pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """Read a stream to its end, a megabyte at a time."""
    while chunk := stream.read(CHUNK):
        yield chunk


def written(chunks: Iterable[bytes], target: Path, file: File, where: str) -> None:
    """Write what arrives to a new file that lasts; raise Failure, and keep nothing, where it fails its hash."""
    hashed = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        for chunk in chunks:
            hashed.update(chunk)
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    if hashed.hexdigest() != file.sha256:
        target.unlink()
        raise Failure(where, "fails its hash on arrival", "try again; see `modelfleet store fsck`")


def described(path: str, content: bytes) -> File:
    """Return path, SHA-256 and size of content that is in memory."""
    return File(path, hashlib.sha256(content).hexdigest(), len(content))


def megabytes(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count} bytes"

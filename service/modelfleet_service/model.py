"""A saved model on disk: its manifest, its card, and the proof that no byte differs from what was saved."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import Any

import yaml

from modelfleet_service import golden
from modelfleet_service.errors import ModelError

MANIFEST = "manifest.json"
CARD = "model.yaml"
SIGNATURES = "manifest.sig"
UNLISTED = {MANIFEST, SIGNATURES}
BUFFER_BYTES = 1 << 20
SMALL_BYTES = 1 << 18
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class File:
    """One file of a model: its path below the model's folder, SHA-256 in hexadecimal, size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Model:
    """A saved model; ``digest`` is that of its manifest and so of every byte of it."""

    path: Path
    digest: str
    files: tuple[File, ...]
    card: dict[str, Any]

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.card["name"])

    @property
    def version(self) -> int:
        """The version's number."""
        return int(self.card["version"])

    @property
    def reference(self) -> str:
        """Name and version, such as ``digits:3``."""
        return f"{self.name}:{self.version}"

    def named(self) -> dict[str, Any]:
        """Return ``name``, ``version`` and ``digest``, which say which version it is, in plain values."""
        return {"name": self.name, "version": self.version, "digest": self.digest}

    @property
    def signature(self) -> dict[str, Any]:
        """The card's ``signature``: ``inputs`` and ``outputs``."""
        signature: dict[str, Any] = self.card["signature"]
        return signature

    @property
    def scoring(self) -> dict[str, Any]:
        """The card's ``scoring``: ``runtime``, ``file`` and ``memory_bytes``."""
        scoring: dict[str, Any] = self.card["scoring"]
        return scoring

    @property
    def memory_bytes(self) -> int:
        """Peak memory of one process that loaded the model and scored its golden set, in bytes."""
        return int(self.scoring["memory_bytes"])

    @cached_property
    def golden(self) -> tuple[golden.Row, ...]:
        """The golden set."""
        return golden.read(self.path / golden.FILE)


def read(path: Path) -> Model:
    """Read and verify a model's folder.

    Raises ModelError, which names the file, where one is missing, extra, a link, or not what the manifest says.
    """
    content = _bytes(path / MANIFEST)
    files = listed(path / MANIFEST, content)
    _verify(path, files)
    card = yaml.safe_load((path / CARD).read_text(encoding="utf-8"))
    return Model(path, identity(content), files, card)


def identity(manifest: bytes) -> str:
    """Return the identity of a model, ``sha256:<hexadecimal>``, from the content of its manifest."""
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def listed(manifest: Path, content: bytes) -> tuple[File, ...]:
    """Read the content of a manifest: the files of the model.

    Raises ModelError where it is no manifest, or its list is not one of relative paths in ascending order, each
    once; a path that leads out of the folder is refused.
    """
    try:
        files = tuple(File(**entry) for entry in json.loads(content)["files"])
        wrong = next((file.path for file in files if not _is_plain(file)), None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(str(manifest), f"not a manifest ({error})") from error
    if wrong is not None:
        raise ModelError(str(manifest), f"lists {str(wrong)[:80]!r}, which is not a plain file of the model")
    paths = [file.path for file in files]
    if paths != sorted(set(paths)):
        raise ModelError(str(manifest), "does not list each file once, in ascending order")
    return files


def unlisted(names: Iterable[str], files: tuple[File, ...]) -> list[str]:
    """Return which of the names found in a model's folder are neither in its manifest nor that or its signatures."""
    return sorted(set(names) - {file.path for file in files} - UNLISTED)


def names(path: Path) -> list[str]:
    """Name every file, link and empty folder below a model's folder, in ascending order; links are not followed.

    Raises OSError where a folder can't be read.
    """
    found, folders = [], [""]
    for below in folders:
        with os.scandir(f"{path}/{below}") as entries:
            inside = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        found += [f"{below}{name}" for name, is_folder in inside if not is_folder]
        folders += [f"{below}{name}/" for name, is_folder in inside if is_folder]
        if below and not inside:
            found.append(below.rstrip("/"))
    return sorted(found)


def verify_file(place: Path | str, file: File) -> None:
    """Raise ModelError where a file is missing, no plain file, or not what the manifest says."""
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        whys = {errno.ENOENT: "is missing", errno.ELOOP: "is a symbolic link"}
        raise ModelError(str(place), whys.get(error.errno or 0, f"can't be read ({error.strerror})")) from error
    with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123 - the descriptor that was not a link
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ModelError(str(place), "is no plain file")
        if found.st_size != file.size:
            raise ModelError(str(place), f"has {found.st_size} bytes where the manifest says {file.size}")
        try:
            digest = _sha256(stream, file.size)
        except OSError as error:
            raise ModelError(str(place), f"can't be read ({error.strerror})") from error
        if digest != file.sha256:
            raise ModelError(str(place), "was altered: its SHA-256 is not the manifest's")


def sha256_of(place: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; of any size, in a megabyte of memory. Raises OSError."""
    with place.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256", _bufsize=BUFFER_BYTES).hexdigest()


def _sha256(stream: FileIO, size: int) -> str:
    """Hash a file that is open; a small one at one go, without a buffer of its own."""
    if size < SMALL_BYTES:
        return hashlib.sha256(stream.readall()).hexdigest()
    return hashlib.file_digest(stream, "sha256", _bufsize=BUFFER_BYTES).hexdigest()


def manifest_of(path: Path) -> str:
    """Return the text of the manifest for the files that are in a folder now."""
    files = [
        {"path": name, "sha256": sha256_of(path / name), "size": (path / name).stat().st_size}
        for name in names(path)
        if name not in UNLISTED
    ]
    return json.dumps({"format": 1, "files": files}, indent=1) + "\n"


def _verify(path: Path, files: tuple[File, ...]) -> None:
    try:
        found = names(path)
    except OSError as error:
        raise ModelError(str(error.filename), f"can't be read ({error.strerror})") from error
    for name in unlisted(found, files):
        raise ModelError(str(path / name), "is not in the manifest")
    for file in files:
        verify_file(f"{path}/{file.path}", file)


def _is_plain(file: File) -> bool:
    """Tell whether a manifest's entry names a file in the model's folder or below it, with a digest and a size."""
    if not (isinstance(file.path, str) and isinstance(file.sha256, str) and type(file.size) is int):
        return False
    parts = file.path.split("/")
    odd = file.path in UNLISTED or {"", ".", ".."} & set(parts) or "\\" in file.path or "\0" in file.path
    return not odd and file.size >= 0 and bool(SHA256.fullmatch(file.sha256))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(str(path), error.strerror or "can't be read") from error

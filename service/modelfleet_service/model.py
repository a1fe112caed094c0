"""A saved model on disk: its manifest, its card, and the proof that no byte differs from what was saved."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from modelfleet_service import golden
from modelfleet_service.errors import ModelError

MANIFEST = "manifest.json"
SIGNATURES = "manifest.sig"


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
    manifest = path / MANIFEST
    content = _bytes(manifest)
    try:
        files = tuple(File(**entry) for entry in json.loads(content)["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(str(manifest), f"not a manifest ({error})") from error
    _verify(path, files)
    card = yaml.safe_load((path / "model.yaml").read_text())
    return Model(path, f"sha256:{hashlib.sha256(content).hexdigest()}", files, card)


def manifest_of(path: Path) -> str:
    """Return the text of the manifest for the files that are in a folder now."""
    files = [
        {"path": name, "sha256": _sha256(path / name), "size": (path / name).stat().st_size}
        for name in sorted(_names(path))
        if name not in (MANIFEST, SIGNATURES)
    ]
    return json.dumps({"format": 1, "files": files}, indent=1) + "\n"


def _verify(path: Path, files: tuple[File, ...]) -> None:
    listed = {file.path for file in files}
    for name in sorted(_names(path) - listed - {MANIFEST, SIGNATURES}):
        raise ModelError(str(path / name), "is not in the manifest")
    for file in files:
        _verify_file(path / file.path, file)


def _verify_file(place: Path, file: File) -> None:
    if place.is_symlink():
        raise ModelError(str(place), "is a symbolic link")
    if not place.is_file():
        raise ModelError(str(place), "is missing")
    if place.stat().st_size != file.size:
        raise ModelError(str(place), f"has {place.stat().st_size} bytes where the manifest says {file.size}")
    if _sha256(place) != file.sha256:
        raise ModelError(str(place), "was altered: its SHA-256 is not the manifest's")


def _names(path: Path) -> set[str]:
    return {str(entry.relative_to(path)) for entry in path.rglob("*") if entry.is_symlink() or not entry.is_dir()}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(str(path), error.strerror or "can't be read") from error

"""What a holder of copies has to be able to do, and the data that hosts and URLs both speak in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from modelfleet_service.model import File


@dataclass(frozen=True)
class Original:
    """A version of the store that copies are made of; ``files`` has the manifest and its signatures, too."""

    name: str
    version: int
    digest: str
    folder: Path
    files: tuple[File, ...]
    signatures: str = ""

    @property
    def reference(self) -> str:
        """Name and version, such as ``digits:3``."""
        return f"{self.name}:{self.version}"

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a copy: the file, a kind such as ``altered``, and what it is."""

    file: str
    kind: str
    what: str


@dataclass(frozen=True)
class Copy:
    """A version that a holder has: where, of which digest by its manifest, and what is wrong with it.

    ``signatures`` is the SHA-256 of its manifest.sig, empty if there is none. A release's model has neither name nor
    version here: only its card says them.
    """

    where: str
    digest: str
    name: str = ""
    version: int = 0
    signatures: str = ""
    size: int = 0
    wrong: tuple[Flaw, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Tell whether every byte is what the manifest says; a mode that is too wide harms nothing."""
        return all(flaw.kind == "writable" for flaw in self.wrong)


@dataclass(frozen=True)
class Look:
    """All that a holder has, every byte of it verified; documents by path, with SHA-256 and size."""

    copies: tuple[Copy, ...] = ()
    releases: tuple[Copy, ...] = ()
    documents: dict[str, File] = field(default_factory=dict)
    leftovers: tuple[str, ...] = ()

    def copy_of(self, name: str, version: int) -> Copy | None:
        """Return the copy of a version, whole or not."""
        return next((copy for copy in self.copies if (copy.name, copy.version) == (name, version)), None)

    def has_good(self, name: str, version: int, digest: str) -> bool:
        """Tell whether there is a whole copy of a version."""
        copy = self.copy_of(name, version)
        return bool(copy and copy.is_whole and copy.digest == digest)

    def is_stale(self, path: str, content: bytes) -> bool:
        """Tell whether a document is not there, or is another than this content."""
        there = self.documents.get(path)
        return there is None or there.sha256 != hashlib.sha256(content).hexdigest()


class Holder(Protocol):
    """One place that holds copies. Every method raises Failure where it can't be reached or refuses."""

    name: str
    base: str
    """What its paths are below, as a person would write it: ``server1:/opt/modelfleet``, or the URL."""
    documents_at: str
    """Where the store's documents are, written in the same way."""

    def look(self, *, releases: bool = False, hold: bool = False) -> Look:
        """Verify every byte there; with ``hold``, keep other runs out and remove what a killed one left."""

    def lacks(self, originals: Sequence[Original]) -> tuple[list[Path], int]:
        """Return the files that must be sent, and the bytes free there; a negative number where nobody knows."""

    def put(self, originals: Sequence[Original]) -> int:
        """Put versions in their places, whole; return the bytes that were sent. `lacks` was asked for them before."""

    def write(self, documents: dict[str, bytes]) -> None:
        """Put the store's documents in their places."""

    def read(self, path: str) -> bytes:
        """Return the content of a small file: of a copy, as ``<copy.where>/<name>``."""

    def document(self, path: str) -> bytes:
        """Return the content of one of the store's documents."""

    def fetch(self, copy: Copy, files: Iterable[File], folder: Path) -> None:
        """Write files of a copy into a folder; raise Failure where one is not what its digest says."""

    def close(self) -> None:
        """End it."""

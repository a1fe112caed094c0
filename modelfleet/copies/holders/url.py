"""A URL that holds copies, of any scheme that fsspec knows: s3://, sftp://, file://.

A version is there once its manifest is, which is written last.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from modelfleet.copies.holders.filesystem import BESIDE, FileSystem
from modelfleet.copies.holders.holding import Copy, Flaw, Look, Original
from modelfleet.copies.holders.streams import described, pieces, written
from modelfleet_service import model
from modelfleet_service.errors import ModelError
from modelfleet_service.model import MANIFEST, SIGNATURES, File

VERSION = re.compile(r"models/[^/]+/[^/]+")


class UrlHolder:
    """Copies below a URL; ``options`` go to fsspec's file system."""

    def __init__(self, url: str, **options: Any) -> None:
        self.name = self.base = url
        self.documents_at = f"{url}/store"
        self._files = FileSystem(url, **options)
        self._there: dict[str, str] = {}
        self._extra: list[str] = []

    def look(self, *, releases: bool = False, hold: bool = False) -> Look:  # noqa: ARG002 - a URL has no releases
        """Read every byte there; with ``hold``, remove what a killed run left."""
        with self._files.reached():
            files = self._files.find()
            left = tuple(path for path in files if path.endswith(BESIDE))
            if hold:
                self._files.remove(left)
            folders = sorted({path.rpartition("/")[0] for path in files if path.endswith(f"/{MANIFEST}")})
            copies = tuple(self._copy(folder, files) for folder in folders if VERSION.fullmatch(folder))
            documents = {
                path.removeprefix("store/"): File(path.removeprefix("store/"), *self._files.digest(path))
                for path in files
                if path.startswith("store/") and path not in left
            }
            torn = self._torn(files, folders)
        return Look(copies, (), documents, () if hold else (*left, *torn))

    def lacks(self, originals: Sequence[Original]) -> tuple[list[Path], int]:
        """Return the files that are not there yet; nobody knows the bytes that are free."""
        return [one.folder / file.path for one in originals for file in one.files if self._needs(one, file)], -1

    def put(self, originals: Sequence[Original]) -> int:
        """Write what is missing of versions, the manifest last; return the bytes that were written."""
        sent = 0
        with self._files.reached():
            for one in originals:
                for file in sorted(one.files, key=lambda file: file.path == MANIFEST):
                    if self._needs(one, file):
                        path = f"{_folder(one)}/{file.path}"
                        with (one.folder / file.path).open("rb") as stream:
                            self._files.write(path, pieces(stream), file.sha256)
                        self._there[path] = file.sha256
                        sent += file.size
                self._files.remove([path for path in self._extra if path.startswith(f"{_folder(one)}/")])
        return sent

    def write(self, documents: dict[str, bytes]) -> None:
        """Put the store's documents in their places."""
        with self._files.reached():
            for path, content in documents.items():
                self._files.write(f"store/{path}", [content], described(path, content).sha256)

    def read(self, path: str) -> bytes:
        """Return the content of a small file below the URL."""
        with self._files.reached():
            return self._files.read(path)

    def document(self, path: str) -> bytes:
        """Return the content of one of the store's documents."""
        return self.read(f"store/{path}")

    def fetch(self, copy: Copy, files: Iterable[File], folder: Path) -> None:
        """Write files of a copy into a folder; raise Failure where one is not what its digest says."""
        with self._files.reached():
            for file in files:
                path = f"{copy.where}/{file.path}"
                written(self._files.chunks(path), folder / file.path, file, f"{self.name}/{path}")

    def close(self) -> None:
        """End it; fsspec keeps its own connections."""

    def _copy(self, folder: str, files: dict[str, int]) -> Copy:
        _, name, version = folder.split("/")
        manifest = self.read(f"{folder}/{MANIFEST}")
        self._there[f"{folder}/{MANIFEST}"] = hashlib.sha256(manifest).hexdigest()
        signatures = self._files.digest(f"{folder}/{SIGNATURES}")[0] if f"{folder}/{SIGNATURES}" in files else ""
        self._there[f"{folder}/{SIGNATURES}"] = signatures
        wrong = tuple(self._flaws(folder, manifest, files))
        size = sum(size for path, size in files.items() if path.startswith(f"{folder}/"))
        number = int(version) if version.isdecimal() else 0
        return Copy(folder, model.identity(manifest), name, number, signatures, size, wrong)

    def _flaws(self, folder: str, manifest: bytes, files: dict[str, int]) -> Iterator[Flaw]:
        try:
            listed = model.listed(Path(MANIFEST), manifest)
        except ModelError:
            yield Flaw(MANIFEST, "altered", "was altered: it is no manifest")
            return
        here = {path.removeprefix(f"{folder}/") for path in files if path.startswith(f"{folder}/")}
        for name in sorted(here - {file.path for file in listed} - model.UNLISTED):
            if not name.endswith(BESIDE):
                self._extra.append(f"{folder}/{name}")
                yield Flaw(name, "unlisted", "is not in the manifest")
        for file in listed:
            if file.path not in here:
                yield Flaw(file.path, "missing", "is missing")
                continue
            self._there[f"{folder}/{file.path}"], _ = self._files.digest(f"{folder}/{file.path}")
            if self._there[f"{folder}/{file.path}"] != file.sha256:
                yield Flaw(file.path, "altered", "was altered: its SHA-256 is not the manifest's")

    def _torn(self, files: dict[str, int], folders: list[str]) -> list[str]:
        """Folders of versions whose manifest did not come."""
        begun = {"/".join(path.split("/")[:3]) for path in files if path.startswith("models/")}
        return sorted(begun - set(folders))

    def _needs(self, original: Original, file: File) -> bool:
        return self._there.get(f"{_folder(original)}/{file.path}") != file.sha256


def _folder(original: Original) -> str:
    return f"models/{original.name}/{original.version}"

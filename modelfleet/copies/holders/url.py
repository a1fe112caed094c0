"""A URL that holds copies, of any scheme that fsspec knows: s3://, sftp://, file://.

A version is there once its manifest is, which is written last. Where there is a rename, a file is written beside its
place and renamed; an object store shows an object only when it is complete. What was written is read back.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from modelfleet import needs
from modelfleet.copies.holders.holding import Copy, Flaw, Look, Original
from modelfleet.copies.holders.streams import described, pieces, written
from modelfleet.errors import Failure
from modelfleet_service import model
from modelfleet_service.errors import ModelError
from modelfleet_service.model import MANIFEST, SIGNATURES, File

EXTRAS = {"s3": "s3", "s3a": "s3", "sftp": "sftp", "ssh": "sftp"}
RENAMES = {"file", "local", "sftp", "ssh"}
BESIDE = ".new"


class UrlHolder:
    """Copies below a URL; ``options`` go to fsspec's file system."""

    def __init__(self, url: str, **options: Any) -> None:
        self.name = self.base = url
        self.documents_at = f"{url}/store"
        self._system, self._base = _opened(url, options)
        self._renames = url.partition("://")[0] in RENAMES
        self._there: dict[str, str] = {}
        self._extra: list[str] = []

    def look(self, *, releases: bool = False, hold: bool = False) -> Look:  # noqa: ARG002 - a URL has no releases
        """Read every byte there; with ``hold``, remove what a killed run left."""
        with self._reached():
            files = self._files()
            left = tuple(path for path in files if path.endswith(BESIDE))
            if hold:
                self._remove(left)
            folders = sorted({path.rpartition("/")[0] for path in files if path.endswith(f"/{MANIFEST}")})
            copies = tuple(self._copy(folder, files) for folder in folders if folder.startswith("models/"))
            documents = {
                path.removeprefix("store/"): File(path.removeprefix("store/"), *self._digest(path))
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
        with self._reached():
            for one in originals:
                for file in sorted(one.files, key=lambda file: file.path == MANIFEST):
                    if self._needs(one, file):
                        path = f"{_folder(one)}/{file.path}"
                        with (one.folder / file.path).open("rb") as stream:
                            self._write(path, pieces(stream), file.sha256)
                        sent += file.size
                self._remove([path for path in self._extra if path.startswith(f"{_folder(one)}/")])
        return sent

    def write(self, documents: dict[str, bytes]) -> None:
        """Put the store's documents in their places."""
        with self._reached():
            for path, content in documents.items():
                self._write(f"store/{path}", [content], described(path, content).sha256)

    def read(self, path: str) -> bytes:
        """Return the content of a small file below the URL."""
        with self._reached():
            content: bytes = self._system.cat_file(f"{self._base}/{path}")
        return content

    def document(self, path: str) -> bytes:
        """Return the content of one of the store's documents."""
        return self.read(f"store/{path}")

    def fetch(self, copy: Copy, files: Iterable[File], folder: Path) -> None:
        """Write files of a copy into a folder; raise Failure where one is not what its digest says."""
        with self._reached():
            for file in files:
                path = f"{copy.where}/{file.path}"
                written(self._chunks(path), folder / file.path, file, f"{self.name}/{path}")

    def close(self) -> None:
        """End it; fsspec keeps its own connections."""

    def _copy(self, folder: str, files: dict[str, int]) -> Copy:
        _, name, version = folder.split("/", 2)
        manifest = self.read(f"{folder}/{MANIFEST}")
        self._there[f"{folder}/{MANIFEST}"] = hashlib.sha256(manifest).hexdigest()
        signatures = self._digest(f"{folder}/{SIGNATURES}")[0] if f"{folder}/{SIGNATURES}" in files else ""
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
            self._there[f"{folder}/{file.path}"], _ = self._digest(f"{folder}/{file.path}")
            if self._there[f"{folder}/{file.path}"] != file.sha256:
                yield Flaw(file.path, "altered", "was altered: its SHA-256 is not the manifest's")

    def _torn(self, files: dict[str, int], folders: list[str]) -> list[str]:
        """Folders of versions whose manifest did not come."""
        begun = {"/".join(path.split("/")[:3]) for path in files if path.startswith("models/")}
        return sorted(begun - set(folders))

    def _needs(self, original: Original, file: File) -> bool:
        return self._there.get(f"{_folder(original)}/{file.path}") != file.sha256

    def _remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._system.rm_file(f"{self._base}/{path}")

    def _write(self, path: str, chunks: Iterable[bytes], sha256: str) -> None:
        target = f"{self._base}/{path}"
        beside = target + BESIDE if self._renames else target
        if self._renames:
            self._system.makedirs(beside.rpartition("/")[0], exist_ok=True)
        with self._system.open(beside, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
        if self._digest(beside.removeprefix(f"{self._base}/"))[0] != sha256:
            raise Failure(f"{self.name}/{path}", "is not what was written", "check its disk and the network")
        if self._renames:
            self._system.mv(beside, target)
        self._there[path] = sha256

    def _files(self) -> dict[str, int]:
        """Every file below the URL by its path there, with its size."""
        self._system.invalidate_cache()
        if not self._system.exists(self._base):
            return {}
        found = self._system.find(self._base, detail=True)
        return {
            path.removeprefix(self._base).lstrip("/"): int(entry["size"] or 0) for path, entry in sorted(found.items())
        }

    def _digest(self, path: str) -> tuple[str, int]:
        hashed, size = hashlib.sha256(), 0
        for chunk in self._chunks(path):
            hashed.update(chunk)
            size += len(chunk)
        return hashed.hexdigest(), size

    def _chunks(self, path: str) -> Iterator[bytes]:
        with self._system.open(f"{self._base}/{path}", "rb") as stream:
            yield from pieces(stream)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """Turn what a file system or its client library raises into one line."""
        try:
            yield
        except Failure:
            raise
        except Exception as error:  # each client library has errors of its own
            raise _failed(self.name, error) from error


def _folder(original: Original) -> str:
    return f"models/{original.name}/{original.version}"


def _opened(url: str, options: dict[str, Any]) -> tuple[Any, str]:
    scheme = url.partition("://")[0]
    extra = EXTRAS.get(scheme, "s3")
    try:
        import fsspec

        if extra == "sftp":
            from modelfleet.copies.holders.sftp import OnlyKnown

            options = {"host_key_policy": OnlyKnown(), **options}
        system, base = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        what = f"copies there need a library that is not installed ({error.name or error})"
        raise Failure(url, what, needs.cure(extra)) from error
    except Exception as error:
        raise _failed(url, error) from error
    return system, str(base).rstrip("/")


def _failed(url: str, error: Exception) -> Failure:
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return Failure(url, f"can't be used ({said})", "check the address, the rights and the network")

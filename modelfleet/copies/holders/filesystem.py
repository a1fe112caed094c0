"""The files below a URL of any scheme that fsspec knows.

Where there is a rename, a file is written beside its place and renamed; an object store shows an object only when it
is complete. What was written is read back.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from modelfleet import needs
from modelfleet.copies.holders.streams import pieces
from modelfleet.errors import Failure
from modelfleet.store import disk

EXTRAS = {"s3": "s3", "s3a": "s3", "sftp": "sftp", "ssh": "sftp"}
LOCAL = {"file", "local"}
RENAMES = {*LOCAL, "sftp", "ssh"}
BESIDE = ".new"


class FileSystem:
    """Files by their path below a URL; ``options`` go to fsspec's file system."""

    def __init__(self, url: str, **options: Any) -> None:
        self.url = url
        self._system, self._base = _opened(url, options)
        self._renames = url.partition("://")[0] in RENAMES

    def find(self) -> dict[str, int]:
        """Every file below the URL by its path there, with its size."""
        self._system.invalidate_cache()
        if not self._system.exists(self._base):
            return {}
        found = self._system.find(self._base, detail=True)
        return {
            path.removeprefix(self._base).lstrip("/"): int(entry["size"] or 0) for path, entry in sorted(found.items())
        }

    def read(self, path: str) -> bytes:
        """Return the content of a small file."""
        content: bytes = self._system.cat_file(f"{self._base}/{path}")
        return content

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield the content of a file, a megabyte at a time."""
        with self._system.open(f"{self._base}/{path}", "rb") as stream:
            yield from pieces(stream)

    def digest(self, path: str) -> tuple[str, int]:
        """Return SHA-256 and size of a file."""
        hashed, size = hashlib.sha256(), 0
        for chunk in self.chunks(path):
            hashed.update(chunk)
            size += len(chunk)
        return hashed.hexdigest(), size

    def write(self, path: str, chunks: Iterable[bytes], sha256: str) -> None:
        """Put a file in its place; raise Failure where it can't be read back as it was written."""
        target = f"{self._base}/{path}"
        beside = target + BESIDE if self._renames else target
        if self._renames:
            self._system.makedirs(beside.rpartition("/")[0], exist_ok=True)
        with self._system.open(beside, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
        self._last(beside)
        if self.digest(beside.removeprefix(f"{self._base}/"))[0] != sha256:
            raise Failure(f"{self.url}/{path}", "is not what was written", "check its disk and the network")
        if self._renames:
            self._system.mv(beside, target)
            self._last(target.rpartition("/")[0])

    def _last(self, entry: str) -> None:
        """Wait until what was written is on the disk, where that is one of this machine."""
        if self.url.partition("://")[0] in LOCAL:
            disk.sync(Path(entry))

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files."""
        for path in paths:
            self._system.rm_file(f"{self._base}/{path}")

    @contextlib.contextmanager
    def reached(self) -> Iterator[None]:
        """Turn what a file system or its client library raises into one line."""
        try:
            yield
        except Failure:
            raise
        except Exception as error:  # each client library has errors of its own
            raise _failed(self.url, error) from error


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

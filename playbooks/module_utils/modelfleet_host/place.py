"""Where things are on a host, and the one lock that every change takes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

LOCK_PATIENCE_SECONDS = 120


class Refused(Exception):  # noqa: N818
    """A known refusal: what is wrong, and what to do about it."""

    def __init__(self, what: str, cure: str, log: list[str] | None = None) -> None:
        super().__init__(f"{what}; {cure}")
        self.log = log or []


class Place:
    """The folders of the kit under one root; tests give a temporary one."""

    def __init__(self, root: Path = Path("/opt/modelfleet"), units: Path = Path("/etc/systemd/system")) -> None:
        self.root = root
        self.units = units
        self.blobs = root / "blobs" / "sha256"
        self.environments = root / "environments"
        self.installers = root / "installers"

    def service(self, name: str) -> Path:
        """The folder of one service."""
        return self.root / name

    def release(self, service: str, release: str) -> Path:
        """The folder of one release: complete and verified, or absent."""
        return self.root / service / "releases" / release

    def current(self, service: str) -> str | None:
        """The release of record, or None before the first."""
        link = self.root / service / "current"
        return link.readlink().name if link.is_symlink() else None

    def services(self) -> list[str]:
        """Every service that has a folder here."""
        return sorted(path.parent.name for path in self.root.glob("*/releases"))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the host's lock; the kernel frees it when its holder dies. Raise Refused when it is held too long."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        what = "another deploy is at work on this host"
                        raise Refused(what, "wait for it to end and try again") from None
                    time.sleep(0.2)
            yield


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Write a file so that it is either the old one or the new one, also after a power cut."""
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def point(link: Path, target: str) -> None:
    """Move a symbolic link atomically."""
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
    sync_folder(link.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

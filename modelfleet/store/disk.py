"""What lasts on a disk: locks that the kernel frees, files replaced whole, one known failure for a disk that can't."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import getpass
import os
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from pwd import getpwuid

from modelfleet.errors import Failure

LOCK = ".lock"
BESIDE = ".new"


@contextlib.contextmanager
def lock(home: Path) -> Iterator[None]:
    """Hold the lock of a name's folder, or of the store's; the kernel frees it when the process ends, however it ends.

    Who wants both takes that of the name first.
    """
    descriptor = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def flocked(file: Path, how: int = fcntl.LOCK_EX) -> Iterator[int]:
    """Hold the flock of the file that has this name, made where it is missing; give its descriptor, to append with.

    Another may have removed or replaced the file while the lock was waited for: then that of the new one is taken.
    Raises OSError, BlockingIOError where ``how`` does not wait and another holds it.
    """
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o664)
        try:
            fcntl.flock(descriptor, how)
            if _is_still(file, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_still(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def changing(home: Path, make: bool = False) -> Iterator[None]:
    """Hold the lock of a name's folder, and turn a disk that is full or read-only into one line."""
    with told(home):
        if make:
            ensure(home)
        with lock(home):
            yield


@contextlib.contextmanager
def told(place: Path, so: str = "nothing was changed") -> Iterator[None]:
    """Turn a disk that is full or read-only, or a file of somebody else, into one line; ``so`` says what that means."""
    try:
        yield
    except OSError as error:
        where = Path(error.filename or place)
        cure = _owner_s(where) if error.errno == errno.EPERM else ""
        what = f"can't be written ({error.strerror}); {so}"
        raise Failure(str(where), what, cure or "make it writable, or free some space") from error


def _owner_s(entry: Path) -> str:
    """Return what to do where only the owner of a file or folder may change it; empty where that is who runs this."""
    with contextlib.suppress(OSError):
        owner = entry.stat().st_uid
        if owner != os.geteuid():
            return f"only {_name(owner)}, whose it is, can do it; or let one account keep the store for all"
    return ""


def _name(user: int) -> str:
    """Return the name of a user; its number where it has none here."""
    try:
        return getpwuid(user).pw_name
    except KeyError:
        return f"the user {user}"


@contextlib.contextmanager
def reading(place: Path) -> Iterator[None]:
    """Turn a file or folder that can't be read into one line."""
    try:
        yield
    except OSError as error:
        raise Failure(str(place), f"can't be read ({error.strerror})", "check its mode and its disk") from error


def ensure(folder: Path) -> None:
    """Make a folder, and those above it, where they are missing, so that they last."""
    if not folder.is_dir():
        ensure(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def write(file: Path, content: str | bytes) -> None:
    """Replace a file in one step that lasts; nothing is left beside it where the disk refuses that."""
    beside = file.with_name(f".{file.name}{BESIDE}")
    try:
        beside.write_bytes(content if isinstance(content, bytes) else content.encode())
        sync(beside)
        beside.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    sync(file.parent)


def is_beside(name: str) -> bool:
    """Tell whether a name is that of a file which was to replace another: left there by a kill."""
    return name.startswith(".") and name.endswith(BESIDE)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, read-only folders too; what can't be removed stays."""
    for base, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(base).chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)


def sync(entry: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(entry, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def who() -> str:
    """Return who does it, as ``user@host``."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return f"{os.getuid()}@{socket.gethostname()}"


def machine(by: str) -> str:
    """Return the machine of what `who` returned."""
    return by.rpartition("@")[2]


def now() -> str:
    """Return the time in UTC, to the second, in ISO format."""
    return datetime.now(UTC).isoformat(timespec="seconds")

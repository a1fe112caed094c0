"""How a version comes into a store: written beside, named in the ledger, then renamed to its place in one step."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from modelfleet.errors import Failure
from modelfleet.store import audit, cards, disk, index, ledger, place, settling
from modelfleet_service.model import MANIFEST, identity

INCOMING = ".incoming-"


@contextlib.contextmanager
def incoming(name: str, store: Path | None = None) -> Iterator[Path]:
    """Give a folder beside the versions of a name to write a new one into; it vanishes if it is not published.

    What killed saves left is removed first.
    """
    place.check_name(name)
    home = place.home(name, store)
    with contextlib.ExitStack() as stack:
        try:
            place.make(store)
            disk.ensure(home)
            sweep(home)
            folder = stack.enter_context(_held(home))
        except OSError as error:
            raise Failure(str(home), f"can't be written ({error.strerror})", "choose a store with --store") from error
        try:
            yield folder
        except OSError as error:
            raise Failure(
                str(home), f"can't be written ({error.strerror}); nothing was saved", "free some space"
            ) from error


@contextlib.contextmanager
def next_version(name: str, store: Path | None = None) -> Iterator[int]:
    """Allocate the next version of a name, held until the block ends; a number is never given twice."""
    home = place.home(name, store)
    with disk.lock(home):
        settling.settle(name, store)
        gone = place.numbers_in(place.path(store) / place.TRASH / name)
        yield max([ledger.read(home).highest, *place.numbers_in(home), *gone]) + 1


def publish(folder: Path, name: str, version: int, store: Path | None = None) -> Path:
    """Make a finished folder the version, in one step that lasts, and its files read-only; within `next_version`.

    The ledger has its digest before it is in its place. Raises OSError, with nothing published, where the disk
    refuses it, Failure where a member of it was deleted meanwhile, and Failure where the version is saved and the log
    of it is not.
    """
    seal(folder)
    home = place.home(name, store)
    digest = identity((folder / MANIFEST).read_bytes())
    target = home / str(version)
    with disk.lock(place.path(store)):
        _refuse_deleted(folder, store)
        ledger.append(home, ledger.ALLOCATED, version, digest)
        folder.rename(target)
    _note(name, version, digest, store)
    return target


def leftovers(home: Path) -> list[Path]:
    """Return the folders and locks of saves that are no longer running."""
    return [entry for entry in _begun(home) if _is_dead(entry)]


def sweep(home: Path) -> list[Path]:
    """Remove what killed saves left in a name's folder, and return it; running saves are left alone."""
    removed = []
    for folder in _begun(home):
        with contextlib.suppress(BlockingIOError), disk.flocked(_lock_of(folder), fcntl.LOCK_EX | fcntl.LOCK_NB):
            disk.remove(folder)
            _lock_of(folder).unlink(missing_ok=True)
            removed.append(folder)
    return removed


def _refuse_deleted(folder: Path, store: Path | None) -> None:
    """See that the members of an ensemble are there, while the store's lock keeps them."""
    for digest, reference in cards.members_of(folder).items():
        name, _, version = reference.partition(":")
        if index.entry_of(place.home(name, store) / version).digest != digest:
            cure = f"`modelfleet model restore {reference}` brings it back; then combine again"
            raise Failure(reference, "was deleted while it became a member; nothing was saved", cure)


def _note(name: str, version: int, digest: str, store: Path | None) -> None:
    home, reference = place.home(name, store), f"{name}:{version}"
    try:
        (home / str(version)).chmod(0o555)
        disk.sync(home)
        ledger.append(home, ledger.SAVED, version, digest)
    except OSError as error:
        what = f"was saved, and the ledger can't be written ({error.strerror})"
        raise Failure(reference, what, "free some space; the next save notes it") from error
    audit.record("saved", store, reference=reference, digest=digest)


def seal(folder: Path) -> None:
    """Make the files of a folder last, and read-only; the folder itself can still be moved."""
    for entry in sorted(folder.rglob("*"), reverse=True):
        disk.sync(entry)
        entry.chmod(0o555 if entry.is_dir() else 0o444)
    disk.sync(folder)


@contextlib.contextmanager
def _held(home: Path) -> Iterator[Path]:
    """Make a folder whose lock is held beside it; only the holder of the lock makes or removes the folder."""
    folder = home / f"{INCOMING}{os.getpid()}-{os.urandom(4).hex()}"
    with disk.flocked(_lock_of(folder), fcntl.LOCK_EX):
        folder.mkdir()
        try:
            yield folder
        finally:
            disk.remove(folder)
            with contextlib.suppress(OSError):
                _lock_of(folder).unlink()


def _begun(home: Path) -> list[Path]:
    found = {entry.with_name(entry.name.removesuffix(disk.LOCK)) for entry in home.glob(f"{INCOMING}*")}
    return sorted(found)


def _is_dead(folder: Path) -> bool:
    """Tell whether nobody holds the lock of a folder; reads only."""
    try:
        descriptor = os.open(_lock_of(folder), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return folder.exists()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{disk.LOCK}")

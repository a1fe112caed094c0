"""The store: where saved models are kept, each version once and for ever."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import platformdirs
from filelock import FileLock

from modelfleet.errors import Failure
from modelfleet_service.errors import ModelError
from modelfleet_service.model import Model, read

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
HIGHEST = ".highest"


def path(option: Path | None = None) -> Path:
    """Find the store: ``--store``, then MODELFLEET_STORE, then the user's data folder."""
    chosen = option or os.environ.get("MODELFLEET_STORE")
    return Path(chosen) if chosen else platformdirs.user_data_path("modelfleet") / "store"


def use(option: Path | None) -> None:
    """Make ``--store`` the store of this command and of those that it starts, in whatever folder they run."""
    os.environ["MODELFLEET_STORE"] = str(path(option).resolve())


def find(reference: str, store: Path | None = None) -> Model:
    """Return a verified version, such as that of ``digits:3``.

    Raises Failure where the reference can't be read, the store lacks it, or a byte of it was altered.
    """
    name, _, version = reference.partition(":")
    if not version.isdecimal() or not NAME.fullmatch(name):
        raise Failure(reference, "not a reference to a saved version", "write it as name:version, such as digits:3")
    folder = path(store) / name / version
    if not folder.is_dir():
        raise Failure(reference, f"the store {path(store)} lacks it", _known(name, path(store)))
    try:
        model = read(folder)
    except ModelError as error:
        raise Failure(error.where, error.what, "take this version from a backup, or save the model again") from error
    if (model.name, model.version) != (name, int(version)):
        raise Failure(str(folder), f"holds {model.reference}", "put the folder back to where it was saved")
    return model


def versions(name: str, store: Path | None = None) -> list[int]:
    """Return the versions of a name, in ascending order."""
    folder = path(store) / name
    found = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(int(entry.name) for entry in found if entry.name.isdecimal())


def names(store: Path | None = None) -> list[str]:
    """Return the names that have a version."""
    folder = path(store)
    found = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(entry.name for entry in found if NAME.fullmatch(entry.name) and versions(entry.name, store))


def latest(name: str, store: Path | None = None) -> str:
    """Return the newest version of a name as a reference; raise Failure if there is none."""
    found = versions(name, store)
    if not found:
        raise Failure(name, f"the store {path(store)} has no model of this name", _known(name, path(store)))
    return f"{name}:{found[-1]}"


def check_name(name: str) -> None:
    """Raise Failure unless the name can be a model's."""
    if not NAME.fullmatch(name):
        said = name if len(name) <= 40 else f"{name[:37]}..."
        raise Failure(repr(said), "not a model name", "use up to 63 lower-case letters, digits and hyphens")


@contextlib.contextmanager
def incoming(name: str, store: Path | None = None) -> Iterator[Path]:
    """Give a folder beside the versions of a name to write a new one into; it vanishes if it is not published."""
    check_name(name)
    home = path(store) / name
    folder = home / f".incoming-{os.getpid()}-{os.urandom(4).hex()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise Failure(str(home), f"can't be written ({error.strerror})", "choose a store with --store") from error
    try:
        yield folder
    except OSError as error:
        raise Failure(
            str(home), f"can't be written ({error.strerror}); nothing was saved", "free some space"
        ) from error
    finally:
        if folder.exists():
            shutil.rmtree(folder)


@contextlib.contextmanager
def next_version(name: str, store: Path | None = None) -> Iterator[int]:
    """Allocate the next version of a name, held until the block ends; a number is never given twice."""
    home = path(store) / name
    with FileLock(home / ".lock"):
        highest = home / HIGHEST
        last = int(highest.read_text()) if highest.exists() else 0
        version = max([last, *versions(name, store)]) + 1
        _write(highest, f"{version}\n")
        yield version


def publish(folder: Path, name: str, version: int, store: Path | None = None) -> Path:
    """Make a finished folder the version, in one step that lasts, and its files read-only."""
    for entry in sorted(folder.rglob("*"), reverse=True):
        _sync(entry)
        entry.chmod(0o555 if entry.is_dir() else 0o444)
    _sync(folder)
    place = path(store) / name / str(version)
    folder.rename(place)
    place.chmod(0o555)
    _sync(place.parent)
    return place


def _known(name: str, store: Path) -> str:
    known = names(store)
    if name in known:
        return f"it has {', '.join(f'{name}:{version}' for version in versions(name, store))}"
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {latest(close[0], store)}?"
    return f"it has {', '.join(known)}" if known else "save a model first: `modelfleet model save --help`"


def _write(file: Path, text: str) -> None:
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(text)
    _sync(beside)
    beside.replace(file)


def _sync(entry: Path) -> None:
    descriptor = os.open(entry, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

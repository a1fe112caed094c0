"""Where things lie in a store: ``<store>/<name>/<version>/``, what is beside it, and what a name may be."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from modelfleet.errors import Failure
from modelfleet.store import disk

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
VERSION = re.compile(r"[1-9][0-9]{0,17}")
TRASH = ".trash"
COPIES = "copies.json"
"""What those who keep copies of a store remember in it; nothing in this package reads it."""


def path(option: Path | None = None) -> Path:
    """Find the store: ``--store``, then MODELFLEET_STORE, then the user's data folder."""
    chosen = option or os.environ.get("MODELFLEET_STORE")
    return Path(chosen) if chosen else _default()


def use(option: Path | None) -> None:
    """Make ``--store`` the store of this command and of those that it starts, in whatever folder they run."""
    os.environ["MODELFLEET_STORE"] = str(path(option).resolve())


def opened(option: Path | None = None) -> Path:
    """Find the store for reading; raise Failure where one was asked for by name and is not there, or can't be read."""
    place = path(option)
    with disk.reading(place):
        if place.is_dir() or (place == _default() and not place.exists()):
            return place
        what = "not a folder" if place.exists() else "there is no such store"
    raise Failure(str(place), what, "check the path, and that the disk it is on is mounted")


def make(option: Path | None = None) -> Path:
    """Make the store's folder where it is missing, and return it; raise Failure where one named has no parent folder.

    What is missing then may be the disk that the store is on: a new store there would give old numbers again.
    """
    place = path(option)
    if place != _default() and not place.resolve().parent.is_dir():
        what = "the folder it is to be in is not there"
        raise Failure(str(place), what, "mount it, or make the folder")
    disk.ensure(place)
    return place


def home(name: str, store: Path | None = None) -> Path:
    """Return the folder of a name."""
    return path(store) / name


def trashed(name: str, version: int, store: Path | None = None) -> Path:
    """Return where a version lies, or would lie, after it was deleted."""
    return path(store) / TRASH / name / str(version)


def versions(name: str, store: Path | None = None) -> list[int]:
    """Return the versions of a name, in ascending order."""
    return versions_in(home(name, store))


def versions_in(folder: Path) -> list[int]:
    """Return the numbers of the version folders in a name's folder, in ascending order; links are none."""
    return sorted(int(entry.name) for entry in scan(folder) if VERSION.fullmatch(entry.name) and _is_folder(entry))


def numbers_in(folder: Path) -> list[int]:
    """Return every number that an entry of a name's folder has, whatever the entry is."""
    return [int(entry.name) for entry in scan(folder) if VERSION.fullmatch(entry.name)]


def names(store: Path | None = None) -> list[str]:
    """Return the names that have a version."""
    return [name for name in homes(path(store)) if versions(name, store)]


def all_names(store: Path | None = None) -> list[str]:
    """Return the names that have a folder in the store or in its trash, in order."""
    folder = path(store)
    return sorted({*homes(folder), *homes(folder / TRASH)})


def homes(folder: Path) -> list[str]:
    """Return the names that have a folder in the store or in its trash, with or without a version."""
    return sorted(entry.name for entry in scan(folder) if NAME.fullmatch(entry.name) and _is_folder(entry))


def check_name(name: str) -> None:
    """Raise Failure unless the name can be a model's."""
    if not NAME.fullmatch(name):
        said = name if len(name) <= 40 else f"{name[:37]}..."
        raise Failure(repr(said), "not a model name", "use up to 63 lower-case letters, digits and hyphens")


def scan(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Return what is in a folder; nothing where there is none. Raises Failure where it can't be read."""
    missing = contextlib.suppress(FileNotFoundError, NotADirectoryError)
    with disk.reading(folder), missing, os.scandir(folder) as found:
        yield from found


def _default() -> Path:
    return platformdirs.user_data_path("modelfleet") / "store"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)

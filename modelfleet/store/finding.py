"""From a reference to a version: ``digits:3`` by its number, ``digits@champion`` by an alias, or by a digest."""

from __future__ import annotations

import difflib
from pathlib import Path

from modelfleet.errors import Failure
from modelfleet.store import alias, index, ledger, place
from modelfleet_service.errors import ModelError
from modelfleet_service.members import every
from modelfleet_service.model import MANIFEST, Model, identity, read

CURE = "`modelfleet store heal` takes this version from a copy; else save the model again"


def find(reference: str, store: Path | None = None) -> Model:
    """Return a verified version, such as that of ``digits:3`` or ``digits@champion``.

    Raises Failure where the reference can't be read, the store lacks it, or a byte of it was altered: the digest of
    its manifest has to be the ledger's. A version from before there was a ledger is taken at its manifest's word.
    """
    name, version = split(resolve(reference, store))
    folder = place.home(name, store) / str(version)
    try:
        _see_anchored(folder, ledger.read(folder.parent).digests.get(version))
        model = read(folder)
    except ModelError as error:
        raise Failure(error.where, error.what, CURE) from error
    if (model.name, model.version) != (name, version):
        raise Failure(str(folder), f"holds {model.reference}", "put the folder back to where it was saved")
    return model


def resolve(reference: str, store: Path | None = None) -> str:
    """Return the reference by number, ``digits:3``, of a version that is there; nothing of it is read.

    Raises Failure where the reference can't be read or leads nowhere; it says which versions and aliases there are.
    """
    name, mark, rest = _parted(reference)
    folder = place.opened(store) / name
    number = rest if mark == ":" else str(alias.version_of(name, rest, store) or "")
    place_of = folder / number
    if folder.is_symlink() or place_of.is_symlink():
        linked = folder if folder.is_symlink() else place_of
        raise Failure(str(linked), "is a symbolic link", "put the folder itself there")
    if not number or not place_of.is_dir():
        raise Failure(reference, f"the store {place.path(store)} lacks it", _instead(name, number, store))
    return f"{name}:{number}"


def by_digest(digest: str, store: Path | None = None) -> Model:
    """Return the verified version whose manifest has this digest, ``sha256:<hexadecimal>``.

    Raises Failure where no version of the store has it, or it was altered.
    """
    found = [entry for entry in index.entries(None, store) if entry.digest == digest]
    if not found:
        cure = "restore the version if it was deleted, or run `modelfleet store heal`"
        raise Failure(digest[:19], f"no version in the store {place.path(store)} has this digest", cure)
    return find(f"{found[0].name}:{found[0].version}", store)


def members(model: Model, store: Path | None = None) -> list[Model]:
    """Return the verified members of an ensemble, those of members too, each once; none of any other model.

    Raises Failure where the store lacks one or it was altered.
    """
    try:
        return list(every(model, lambda digest: by_digest(digest, store)).values())
    except ModelError as error:
        raise Failure(error.where, error.what, CURE) from error


def latest(name: str, store: Path | None = None) -> str:
    """Return the newest version of a name as a reference; raise Failure if there is none."""
    place.opened(store)
    found = place.versions(name, store)
    if not found:
        what = f"the store {place.path(store)} has no model of this name"
        raise Failure(name, what, known(name, store))
    return f"{name}:{found[-1]}"


def split(reference: str) -> tuple[str, int]:
    """Return name and number of a reference by number."""
    name, _, version = reference.partition(":")
    return name, int(version)


def known(name: str, store: Path | None = None) -> str:
    """Say what there is instead: the versions and aliases of the name, a similar name, or all names."""
    names = place.names(store)
    if name in names:
        numbers = [f"{name}:{version}" for version in place.versions(name, store)]
        return f"it has {_some([*numbers, *(f'{name}@{one}' for one in alias.aliases(name, store))])}"
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {latest(close[0], store)}?"
    return f"it has {_some(names)}" if names else "save a model first: `modelfleet model save --help`"


def _instead(name: str, number: str, store: Path | None) -> str:
    if number and place.trashed(name, int(number), store).is_dir():
        return f"it was deleted: `modelfleet model restore {name}:{number}`"
    return known(name, store)


def _some(words: list[str]) -> str:
    """Join words; the last twenty where there are more."""
    return ("..., " if len(words) > 20 else "") + ", ".join(words[-20:])


def _parted(reference: str) -> tuple[str, str, str]:
    mark = "@" if "@" in reference else ":"
    name, _, rest = reference.partition(mark)
    fits = alias.is_alias(rest) if mark == "@" else place.VERSION.fullmatch(rest)
    if not fits or not place.NAME.fullmatch(name):
        cure = "write it as name:version or name@alias, such as digits:3"
        raise Failure(reference, "not a reference to a saved version", cure)
    return name, mark, rest


def _see_anchored(folder: Path, digest: str | None) -> None:
    """Raise ModelError where the manifest is not the one whose digest the ledger has."""
    manifest = folder / MANIFEST
    if digest is None:
        return
    try:
        found = identity(manifest.read_bytes())
    except OSError as error:
        raise ModelError(str(manifest), error.strerror or "can't be read") from error
    if found != digest:
        raise ModelError(str(manifest), "was altered: its SHA-256 is not the ledger's")

"""Delete and restore: a version moves to ``<store>/.trash/<name>/<version>`` and back, in one rename."""

from __future__ import annotations

from pathlib import Path

from modelfleet.errors import Failure
from modelfleet.store import audit, cards, disk, finding, index, ledger, place, references, settling
from modelfleet.store.verifying import HEAL


def delete(reference: str, store: Path | None = None) -> str:
    """Move a version to the trash, from where `restore` brings it back; return its reference by number.

    Raises Failures, with nothing changed, while an alias or an ensemble refers to the version; what was deployed is
    not looked at: `modelfleet.deployments.delete` does.
    """
    resolved = finding.resolve(reference, store)
    name, version = finding.split(resolved)
    home = place.home(name, store)
    with disk.changing(home):
        settling.settle(name, store)
        digest = ledger.digest_of(home, home / str(version))
        with disk.lock(place.path(store)):  # no ensemble takes it for a member meanwhile
            references.refuse(resolved, store)
            _move(home / str(version), place.trashed(name, version, store))
        _note(home, ledger.DELETED, place.trashed(name, version, store), digest)
    audit.record("deleted", store, reference=resolved, digest=digest)
    return resolved


def restore(reference: str, store: Path | None = None) -> str:
    """Bring a deleted version back from the trash, by its number; return its reference.

    Raises Failure where the trash lacks it or its place is taken. An ensemble comes back without its `members`.
    """
    name, version = _numbered(reference)
    home, lies = place.opened(store) / name, place.trashed(name, version, store)
    if not lies.is_dir() or lies.is_symlink():
        raise Failure(reference, "the trash lacks it", _in_trash(name, store))
    with disk.changing(home, make=True):
        settling.settle(name, store)
        if (home / str(version)).exists():
            raise Failure(reference, "is in the store already", "see `modelfleet store fsck`")
        digest = ledger.digest_of(home, lies)
        if not digest:
            raise Failure(reference, "its manifest is lost, and the ledger lacks its digest", HEAL)
        _move(lies, home / str(version))
        _note(home, ledger.RESTORED, home / str(version), digest)
    audit.record("restored", store, reference=reference, digest=digest)
    return reference


def members(reference: str, store: Path | None = None) -> list[str]:
    """Return the members of an ensemble, by their references, that lie in the trash; none if it is no ensemble."""
    name, version = _numbered(reference)
    named = cards.members_of(place.home(name, store) / str(version))
    return [one for digest, one in named.items() if _is_trashed(one, digest, store)]


def _is_trashed(reference: str, digest: str, store: Path | None) -> bool:
    name, version = _numbered(reference)
    lies = place.trashed(name, version, store)
    return not (place.home(name, store) / str(version)).exists() and index.entry_of(lies).digest == digest


def _move(source: Path, target: Path) -> None:
    """Move a read-only folder: who is not root may only move one that he can write to."""
    disk.ensure(target.parent)
    source.chmod(0o755)
    try:
        source.rename(target)
    except OSError:
        source.chmod(0o555)
        raise


def _note(home: Path, event: str, moved: Path, digest: str) -> None:
    """Make a move last, and note it in the ledger; raise Failure, which says what was done, where it can't be."""
    try:
        moved.chmod(0o555)
        disk.sync(moved.parent)
        disk.sync(home)
        ledger.append(home, event, int(moved.name), digest)
    except OSError as error:
        what = f"was {event}, and the ledger can't be written ({error.strerror})"
        cure = "free some space; the next command that changes the name notes it"
        raise Failure(f"{home.name}:{moved.name}", what, cure) from error


def _numbered(reference: str) -> tuple[str, int]:
    name, _, version = reference.partition(":")
    if not place.NAME.fullmatch(name) or not place.VERSION.fullmatch(version):
        raise Failure(reference, "not a version", "write it as name:version, such as digits:3")
    return name, int(version)


def _in_trash(name: str, store: Path | None) -> str:
    found = place.versions_in(place.path(store) / place.TRASH / name)
    return f"it has {', '.join(f'{name}:{version}' for version in found)}" if found else f"it has nothing of {name}"

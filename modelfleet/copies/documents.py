"""Bring the store's documents back from copies: records that it lacks, lines that were altered, lost aliases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from modelfleet.copies import contents, merging, versions
from modelfleet.copies.targets import Holders
from modelfleet.errors import Failure
from modelfleet.store import audit, disk, ledger, place


def bring(holders: Holders, store: Path | None = None) -> tuple[list[str], list[Failure]]:
    """Merge what holders have into the store's documents; return what was done, and what was refused.

    A ledger that gives a version another digest than the store's is refused. A damaged document is kept in the trash.
    """
    done: list[str] = []
    refused: list[Failure] = []
    gathered = _gathered(holders)
    for path in sorted(gathered, key=lambda path: (path != audit.FILE, path)):  # aliases follow the log
        try:
            done += _brought(path, gathered[path], store)
        except Failure as failure:
            refused.append(failure)
    return done, refused


def _gathered(holders: Holders) -> dict[str, list[bytes]]:
    """Return each document as the holders have it."""
    found: dict[str, list[bytes]] = {}
    for name, look in holders.looks.items():
        for path in filter(contents.is_document, look.documents):
            found.setdefault(path, []).append(holders.reached[name].document(path))
    return found


def _brought(path: str, theirs: list[bytes], store: Path | None) -> list[str]:
    """Merge one document, which another command may change at the same time: it is read again under its lock."""
    file = place.path(store) / path

    def joined() -> tuple[bytes, bytes]:
        ours = contents.document(file)
        if all(content == ours for content in theirs):
            return ours, ours
        _see_one_store(path, [ours, *theirs])
        return ours, merging.joined(path, ours, theirs, lambda: audit.read(store))

    ours, content = joined()
    if content == ours:
        return []
    with _locked(path, file):
        ours, content = joined()
        if content != ours:
            _replace(file, path, ours, content, store)
    return [f"{file}: {_said(path, ours, content)}"]


def _see_one_store(path: str, copies: Iterable[bytes]) -> None:
    number = merging.clash(copies) if path.endswith(ledger.FILE) else None
    if number is not None:
        what = "has different digests in the ledgers here and there"
        cure = f"nothing of {path} was changed; keep the two stores apart"
        raise Failure(f"{path.partition('/')[0]}:{number}", what, cure)


@contextlib.contextmanager
def _locked(path: str, file: Path) -> Iterator[None]:
    """Keep out who else writes a document: the log is its own lock, what is of a name has that name's."""
    if path == audit.FILE:
        with disk.told(file), disk.flocked(file):
            yield
    else:
        with disk.changing(file.parent, make=True):
            yield


def _replace(file: Path, path: str, before: bytes, content: bytes, store: Path | None) -> None:
    """Replace a document in one step; one that was altered is copied to the damaged ones first."""
    if before and not merging.is_sound(path, before):
        disk.write(versions.free(path.replace("/", "-"), store), before)
    disk.write(file, content)


def _said(path: str, before: bytes, content: bytes) -> str:
    if not merging.is_log(path):
        return "brought back"
    return f"{merging.count(content) - merging.count(before)} records brought back"

"""Bring the store's documents back from copies: records that it lacks, lines that were altered, lost aliases."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from modelfleet.copies import contents, merging, versions
from modelfleet.copies.targets import Holders
from modelfleet.errors import Failure
from modelfleet.store import audit, disk, ledger, place
from modelfleet.store.alias import FILE as ALIASES


def bring(holders: Holders, store: Path | None = None) -> tuple[list[str], list[Failure]]:
    """Merge what holders have into the store's documents; return what was done, and what was refused.

    A ledger that gives a version another digest than the store's is refused. Damaged documents are kept in the trash.
    """
    ours = contents.documents(store)
    theirs = _gathered(holders)
    done: list[str] = []
    refused: list[Failure] = []
    for path in sorted(path for path in {*ours, *theirs} if path in theirs):
        number = merging.clash([ours.get(path, b""), *theirs[path].values()]) if path.endswith(ledger.FILE) else None
        if number is not None:
            reference = f"{path.partition('/')[0]}:{number}"
            what = "has different digests in the ledgers here and there"
            refused.append(Failure(reference, what, f"nothing of {path} was changed; keep the two stores apart"))
            continue
        content = _content(path, ours.get(path, b""), theirs)
        if content != ours.get(path, b""):
            _write(path, ours.get(path), content, store)
            done.append(f"{place.path(store) / path}: {_said(path, ours.get(path, b''), content)}")
    return done, refused


def _gathered(holders: Holders) -> dict[str, dict[str, bytes]]:
    """Return each document as each holder has it."""
    found: dict[str, dict[str, bytes]] = {}
    for name, look in holders.looks.items():
        for path in filter(contents.is_document, look.documents):
            found.setdefault(path, {})[name] = holders.reached[name].document(path)
    return found


def _content(path: str, ours: bytes, theirs: Mapping[str, Mapping[str, bytes]]) -> bytes:
    copies = theirs[path]
    if merging.is_log(path):
        gains = any(merging.lacking(path, ours, content) for content in copies.values())
        return merging.merged([ours, *copies.values()]) if gains else ours
    sound = {name: content for name, content in copies.items() if merging.is_sound(path, content)}
    if path.endswith(ALIASES):
        if ours and merging.is_sound(path, ours):
            return ours
        ages = {name: merging.count(theirs.get(audit.FILE, {}).get(name, b"")) for name in sound}
        return merging.freshest((ages[name], content) for name, content in sound.items()) or ours
    return max((ours, *sound.values()), key=lambda content: int(content.strip() or 0) if _is_number(content) else -1)


def _is_number(content: bytes) -> bool:
    return not content.strip() or content.strip().isdigit()


def _write(path: str, before: bytes | None, content: bytes, store: Path | None) -> None:
    file = place.path(store) / path
    if path == audit.FILE:
        with disk.told(file), disk.flocked(file):
            now = file.read_bytes()
            _replace(file, path, before and now, merging.merged([now, content]), store)
        return
    with disk.changing(file.parent, make=True):
        _replace(file, path, before, content, store)


def _replace(file: Path, path: str, before: bytes | None, content: bytes, store: Path | None) -> None:
    with contextlib.ExitStack() as stack:
        if before is not None and not merging.is_sound(path, before):
            stack.enter_context(versions.aside(file, path.replace("/", "-"), store))
        disk.write(file, content.decode())


def _said(path: str, before: bytes, content: bytes) -> str:
    if not merging.is_log(path):
        return "brought back"
    return f"{merging.count(content) - merging.count(before)} records brought back"

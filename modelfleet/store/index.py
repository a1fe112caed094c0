"""The index: one row a version in ``<store>/.index.sqlite``, so that a list of ten thousand takes no second.

It is a cache and nothing else: a row counts only while the version's manifest and signature are the files that it was
made of, by inode and time; a row that is missing or stale is made anew, one whose version is gone is dropped, and a
file that can't be read or written is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import yaml

from modelfleet.errors import Failure
from modelfleet.progress import QUIET_SECONDS, say
from modelfleet.store import alias, cards, place
from modelfleet_service.model import CARD, MANIFEST, SIGNATURES, identity

FILE = ".index.sqlite"
FORMAT = 1
SCHEMA = """CREATE TABLE IF NOT EXISTS version (name TEXT, version INTEGER, stamp TEXT, entry TEXT,
    PRIMARY KEY (name, version)) WITHOUT ROWID"""
Key = tuple[str, int]
Rows = dict[Key, tuple[str, str]]


@dataclass(frozen=True)
class Entry:
    """What a list says of a version, as its card has it; that is the manifest's, and nothing else was verified.

    ``signature_digest`` is the SHA-256 of the card's signature, ``metrics`` the evaluation, ``members`` the digests
    of an ensemble's members, ``signed`` the roles of those who signed. ``broken`` says why its files can't be read:
    of what they say only the manifest's ``digest`` is known then.
    """

    name: str
    version: int
    digest: str = ""
    created: str = ""
    runtime: str = ""
    size_bytes: int = 0
    signature_digest: str = ""
    metrics: tuple[dict[str, Any], ...] = ()
    members: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    aliases: tuple[str, ...] = field(default=())
    broken: str = ""

    @property
    def reference(self) -> str:
        """Name and version, such as ``digits:3``."""
        return f"{self.name}:{self.version}"


def entries(name: str | None = None, store: Path | None = None) -> list[Entry]:
    """Return the versions of a name, or of all, in order; what was deleted is not among them.

    Raises Failure where the store was asked for by name and is not there.
    """
    folder = place.opened(store)
    stamps = dict(_stamps(folder, [name] if name else place.homes(folder)))
    with contextlib.closing(_open(folder / FILE)) as database:
        rows = _rows(database, name)
        fresh = dict(_fresh(folder, stamps, rows))
        _keep(database, fresh, stamps, [key for key in rows if key not in stamps])
    kept = {key: _entry(rows[key][1]) for key in stamps if key not in fresh}
    return _named(sorted((kept | fresh).values(), key=lambda entry: (entry.name, entry.version)), store)


def rebuild(store: Path | None = None) -> int:
    """Make the index anew from the versions' files; return how many it has. Nothing where it can't be written."""
    _drop(place.opened(store) / FILE)
    return len(entries(None, store))


def is_sound(store: Path | None = None) -> bool:
    """Tell whether there is an index and SQLite finds no fault in it."""
    return _is_sound(place.path(store) / FILE)


def entry_of(folder: Path) -> Entry:
    """Make the entry of a version's folder from its files; ``broken`` says why where they can't be read."""
    name, version = folder.parent.name, int(folder.name)
    try:
        return _read(folder, name, version)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        return Entry(name, version, _digest(folder), broken=why)


def _digest(folder: Path) -> str:
    """Return the digest of a version's manifest; empty where it can't be read."""
    try:
        return identity((folder / MANIFEST).read_bytes())
    except OSError:
        return ""


def _read(folder: Path, name: str, version: int) -> Entry:
    manifest = (folder / MANIFEST).read_bytes()
    files = json.loads(manifest)["files"]
    card = _card(folder, files)
    signature = json.dumps(card["signature"], sort_keys=True, default=str)
    measures = card.get("evaluation") or ()
    return Entry(
        name=name,
        version=version,
        digest=identity(manifest),
        created=str(card["created"]),
        runtime=str(card["scoring"]["runtime"]),
        size_bytes=len(manifest) + sum(int(file["size"]) for file in files),
        signature_digest=f"sha256:{hashlib.sha256(signature.encode()).hexdigest()}",
        metrics=tuple({key: one.get(key) for key in ("metric", "data_set", "value")} for one in measures),
        members=tuple(_members(card)),
        signed=_signed(folder / SIGNATURES),
    )


def _card(folder: Path, files: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the card; raise ValueError where it is not the manifest's, so that no delete relies on an altered one."""
    content = (folder / CARD).read_bytes()
    if hashlib.sha256(content).hexdigest() != next((file["sha256"] for file in files if file["path"] == CARD), ""):
        raise ValueError(f"{folder / CARD} was altered: its SHA-256 is not the manifest's")
    card: dict[str, Any] = cards.parsed(content)
    return card


def _members(card: dict[str, Any]) -> Iterator[str]:
    """Return the digests of an ensemble's members."""
    for member in (card.get("ensemble") or {}).get("members") or ():
        yield str(member["digest"])


def _signed(file: Path) -> tuple[str, ...]:
    try:
        found = json.loads(file.read_bytes())["signatures"]
    except FileNotFoundError:
        return ()
    return tuple(sorted({str(one["role"]) for one in found}))


def _stamps(folder: Path, names: Sequence[str]) -> Iterator[tuple[Key, str]]:
    """Return what tells that a version's manifest and signature are still the same files."""
    for name in names:
        base = f"{folder}/{name}"
        for version in place.versions_in(folder / name):
            where = f"{base}/{version}"
            yield (name, version), f"{_stamp(f'{where}/{MANIFEST}')} {_stamp(f'{where}/{SIGNATURES}')}"


def _stamp(file: str) -> str:
    try:
        found = os.stat(file)  # noqa: PTH116 - twice as fast as a Path, ten thousand times
    except OSError:
        return "-"
    return f"{found.st_ino}.{found.st_size}.{found.st_mtime_ns}"


def _fresh(folder: Path, stamps: dict[Key, str], rows: Rows) -> Iterator[tuple[Key, Entry]]:
    """Read the versions whose row is missing or stale; say so on stderr where it takes long."""
    wanted = [key for key, stamp in stamps.items() if rows.get(key, ("",))[0] != stamp]
    said = time.monotonic() + QUIET_SECONDS
    for number, (name, version) in enumerate(wanted, 1):
        yield (name, version), entry_of(folder / name / str(version))
        if time.monotonic() > said:
            said = time.monotonic() + QUIET_SECONDS
            say(f"indexing, {number} of {len(wanted)} versions ...")


def _named(found: list[Entry], store: Path | None) -> list[Entry]:
    """Add the aliases, which are never kept in the index."""
    pointing: dict[Key, list[str]] = {}
    for name in sorted({entry.name for entry in found}):
        with contextlib.suppress(Failure):
            for one, version in alias.aliases(name, store).items():
                pointing.setdefault((name, version), []).append(one)
    if not pointing:
        return found
    return [replace(entry, aliases=tuple(pointing.get((entry.name, entry.version), ()))) for entry in found]


def _entry(text: str) -> Entry:
    content = orjson.loads(text)
    lists = {name: tuple(content[name]) for name in ("metrics", "members", "signed", "aliases")}
    return Entry(**content | lists)


def _open(file: Path) -> sqlite3.Connection:
    """Open the index; a new one where it is missing or corrupt, one in memory where none can be had."""
    for attempt in (_writable, _anew, _readable):
        with contextlib.suppress(sqlite3.Error, OSError):
            return attempt(file)
    return _made(sqlite3.connect(":memory:"))


def _writable(file: Path) -> sqlite3.Connection:
    return _made(sqlite3.connect(file, timeout=5))


def _anew(file: Path) -> sqlite3.Connection:
    if _is_sound(file) or not os.access(file.parent, os.W_OK):
        raise sqlite3.DatabaseError(file)
    _drop(file)
    return _writable(file)


def _readable(file: Path) -> sqlite3.Connection:
    return _known(sqlite3.connect(f"file:{_quoted(file)}?mode=ro&immutable=1", uri=True))


def _made(database: sqlite3.Connection) -> sqlite3.Connection:
    database.execute("PRAGMA synchronous = OFF")
    database.execute(SCHEMA)
    if database.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
        database.execute("DELETE FROM version")
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.commit()
    return _known(database)


def _known(database: sqlite3.Connection) -> sqlite3.Connection:
    database.execute("SELECT name, version, stamp, entry FROM version LIMIT 1").fetchall()
    return database


def _rows(database: sqlite3.Connection, name: str | None) -> Rows:
    where, values = (" WHERE name = ?", (name,)) if name else ("", ())
    try:
        found = database.execute(f"SELECT name, version, stamp, entry FROM version{where}", values)  # noqa: S608
        return {(row[0], row[1]): (row[2], row[3]) for row in found}
    except sqlite3.Error:
        return {}


def _keep(database: sqlite3.Connection, fresh: dict[Key, Entry], stamps: dict[Key, str], gone: list[Key]) -> None:
    """Write what changed, if the index can be written; a broken version is looked at again each time."""
    rows = [(*key, stamps[key], json.dumps(asdict(entry))) for key, entry in fresh.items() if not entry.broken]
    if rows or gone:
        with contextlib.suppress(sqlite3.Error), database:
            database.executemany("DELETE FROM version WHERE name = ? AND version = ?", gone)
            database.executemany("INSERT OR REPLACE INTO version VALUES (?, ?, ?, ?)", rows)


def _is_sound(file: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{_quoted(file)}?mode=ro", uri=True)) as database:
            said = [database.execute(f"PRAGMA {one}").fetchone()[0] for one in ("integrity_check", "user_version")]
            return said == ["ok", FORMAT]
    except sqlite3.Error:
        return False


def _drop(file: Path) -> None:
    for one in (file, *(file.with_name(file.name + end) for end in ("-journal", "-wal", "-shm"))):
        with contextlib.suppress(OSError):
            one.unlink()


def _quoted(file: Path) -> str:
    return str(file.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")

"""Aliases: movable names for versions, ``digits@champion``, each with who moved it when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modelfleet.errors import Failure
from modelfleet.store import audit, disk, place

FILE = "aliases.json"
MOVED, DROPPED = "aliased", "alias-dropped"
Told = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]


@dataclass(frozen=True)
class Alias:
    """Where an alias points since when and by whom; ``history`` has what it pointed to before, the oldest first."""

    version: int
    since: str
    by: str
    history: tuple[dict[str, Any], ...] = field(default=())


def moved(before: Alias | None, version: int, since: str, by: str) -> Alias:
    """Return an alias pointing elsewhere, with one more entry of history."""
    if before is None:
        return Alias(version, since, by)
    entry = {"version": before.version, "since": before.since, "by": before.by}
    return Alias(version, since, by, (*before.history, entry))


def later(one: Alias, other: Alias) -> Alias:
    """Return which of two states of an alias is the later: the one whose history has the other, whatever clocks say."""
    if (other.version, other.since) in _states(one)[1:]:
        return one
    if (one.version, one.since) in _states(other)[1:]:
        return other
    return max(one, other, key=lambda state: state.since)


def followed(entry: Alias | None, events: Sequence[Mapping[str, Any]]) -> Alias | None:
    """Return what became of an alias by the log's records of it that come after its own; None where it was dropped.

    Where the log lacks those, by the records of a later time.
    """
    own = max((number for number, event in enumerate(events, 1) if _is_state(event, entry)), default=0)
    since = entry.since if entry and not own else ""
    for event in events[own:]:
        if event["time"] <= since:
            continue
        if event["act"] == DROPPED:
            entry = None
        elif entry is None or entry.version != _version(event):
            entry = moved(entry, _version(event), event["time"], event["by"])
    return entry


def _is_state(event: Mapping[str, Any], entry: Alias | None) -> bool:
    """Tell whether a record is of what an alias is, or of what it was before."""
    return event["act"] == MOVED and entry is not None and (_version(event), event["time"]) in _states(entry)


def _states(entry: Alias) -> list[tuple[int, str]]:
    """Return version and time of what an alias is and was, the present one first."""
    return [(entry.version, entry.since), *((int(one["version"]), one["since"]) for one in entry.history)]


def _version(event: Mapping[str, Any]) -> int:
    return int(event["reference"].rpartition(":")[2])


def is_alias(name: str) -> bool:
    """Tell whether a name can be an alias: the rule of model names, and not a number."""
    return bool(place.NAME.fullmatch(name)) and not name.isdecimal()


def aliases(name: str, store: Path | None = None) -> dict[str, int]:
    """Return which version each alias of a name points to."""
    return {one: entry.version for one, entry in read(name, store).items()}


def version_of(name: str, alias: str, store: Path | None = None) -> int | None:
    """Return the version that an alias points to; None where there is no such alias."""
    return aliases(name, store).get(alias)


def set_alias(name: str, alias: str, version: int, store: Path | None = None) -> int | None:
    """Point an alias at a version of the name; return the version that it pointed to before.

    Raises Failure where the name can't be an alias or the version is not there.
    """
    _see_alias(alias)
    home = _home(name, store)
    with disk.changing(home):
        if version not in place.versions(name, store):
            raise Failure(f"{name}:{version}", f"the store {place.path(store)} lacks it", "see `modelfleet model list`")
        found = read(name, store)
        before = found.get(alias)
        if before and before.version == version:
            events = told(audit.read(store, name)).get(name, {}).get(alias, ())
            if followed(before, events) == before:
                return version
            before = None  # its drop was cut off after the record
        fresh = moved(before, version, disk.now(), disk.who())
        disk.write(home / FILE, encoded(found | {alias: fresh}))
        details = {"reference": f"{name}:{version}", "alias": alias, "before": before and before.version}
        audit.record(MOVED, store, **details, time=fresh.since)
    return before.version if before else None


def drop_alias(name: str, alias: str, store: Path | None = None) -> int:
    """Remove an alias and return the version that it pointed to; raise Failure where there is no such alias."""
    home = _home(name, store)
    with disk.changing(home):
        found = read(name, store)
        if alias not in found:
            raise Failure(f"{name}@{alias}", "there is no such alias", _known(name, found))
        dropped = found.pop(alias).version
        audit.record(DROPPED, store, reference=f"{name}:{dropped}", alias=alias)  # first: no copy brings it back
        with disk.told(home / FILE, "the log says already that the alias was dropped"):
            disk.write(home / FILE, encoded(found))
    return dropped


def differing(
    found: Mapping[str, Alias], events: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[tuple[str, Alias | None, Alias | None]]:
    """Return each alias that is not what the log says: its name, what it is, and what it was by the log's last word.

    ``events`` are the log's records of a name by alias.
    """
    for alias in sorted({*found, *events}):
        last = followed(found.get(alias), events.get(alias, ()))
        if last != found.get(alias):
            yield alias, found.get(alias), last


def told(log: Iterable[Mapping[str, Any]]) -> Told:
    """Return the log's records of aliases, by name and alias, the oldest first."""
    found: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for event in log:
        if event["act"] in (MOVED, DROPPED):
            name = event["reference"].partition(":")[0]
            found.setdefault(name, {}).setdefault(event["alias"], []).append(event)
    return found


def read(name: str, store: Path | None = None) -> dict[str, Alias]:
    """Return the aliases of a name with their history; raise Failure where the file was altered."""
    file = place.home(name, store) / FILE
    try:
        return decoded(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        cure = "see `modelfleet store log`, delete the file and set the aliases again"
        raise Failure(str(file), f"was altered, or can't be read ({error})", cure) from error


def decoded(content: bytes) -> dict[str, Alias]:
    """Return the aliases of a file's content; raise ValueError where it was altered."""
    try:
        document = json.loads(content)
        if document["sha256"] != _digest(document["aliases"]):
            raise ValueError("its checksum does not fit")
        return {one: _alias(entry) for one, entry in document["aliases"].items()}
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it holds no aliases: {error!r}") from error


def encoded(found: Mapping[str, Alias]) -> bytes:
    """Return the content of the file that has these aliases, and a checksum of them."""
    content = {name: asdict(entry) for name, entry in sorted(found.items())}
    return json.dumps({"aliases": content, "sha256": _digest(content)}, indent=1).encode() + b"\n"


def _alias(entry: Mapping[str, Any]) -> Alias:
    history = tuple(dict(one) for one in entry["history"])
    for one in (entry, *history):
        if not (isinstance(one["version"], int) and isinstance(one["since"], str) and isinstance(one["by"], str)):
            raise TypeError("an entry is none")
    return Alias(entry["version"], entry["since"], entry["by"], history)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _home(name: str, store: Path | None) -> Path:
    place.check_name(name)
    home = place.opened(store) / name
    if not home.is_dir() or home.is_symlink():
        raise Failure(name, f"the store {place.path(store)} has no model of this name", "see `modelfleet model list`")
    return home


def _see_alias(alias: str) -> None:
    if not is_alias(alias):
        cure = "use up to 63 lower-case letters, digits and hyphens, not digits alone"
        raise Failure(repr(alias[:40]), "not an alias", cure)


def _known(name: str, found: Mapping[str, Alias]) -> str:
    return f"it has {', '.join(f'{name}@{one}' for one in found)}" if found else f"{name} has no alias"

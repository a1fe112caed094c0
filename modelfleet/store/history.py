"""The history of a name: every version ever given, with what it was made of and what was done with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelfleet.errors import Failure
from modelfleet.store import audit, cards, disk, finding, ledger, place
from modelfleet_service import signing
from modelfleet_service.errors import ModelError

SAVED, DELETED, GONE = "saved", "deleted", "gone"
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Past:
    """A version and its past; what its card does not say is empty.

    ``metric`` is the first figure of the evaluation; ``change`` its difference from the one before that has the same
    metric and data set, None where there is none. ``state`` is saved, deleted (in the trash) or gone.
    ``aliases`` are the times when an alias was moved to it (alias, time, by, dropped), ``signed`` the signatures
    (role, by, signed), none of them verified here, ``deployed`` the deploys (time, by, fleet, services).
    """

    name: str
    version: int
    digest: str
    state: str
    created: str
    author: str
    algorithm: str
    metric: Mapping[str, Any] | None
    change: float | None
    lineage: Mapping[str, str]
    breaking: str
    aliases: tuple[Mapping[str, Any], ...]
    signed: tuple[Mapping[str, str], ...]
    deployed: tuple[Mapping[str, Any], ...]

    @property
    def reference(self) -> str:
        """Name and version, such as ``digits:3``."""
        return f"{self.name}:{self.version}"


def history(name: str, store: Path | None = None) -> list[Past]:
    """Return every version that was ever saved under a name, the newest first.

    Raises Failure where the name never had one, or its ledger or the audit log can't be read.
    """
    place.check_name(name)
    place.opened(store)
    known = ledger.read(place.home(name, store))
    numbers = sorted({*place.versions(name, store), *_ever(known)})
    if not numbers:
        what = f"the store {place.path(store)} has no model of this name"
        raise Failure(name, what, finding.known(name, store))
    events = audit.read(store, name)
    return list(_told(name, numbers, known, events, store))[::-1]


def deployed(reference: str, events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return the deploys that brought a version to a fleet, the oldest first: time, by, fleet, services."""
    found = []
    for event in events:
        services = [name for name, one in (event.get("services") or {}).items() if one.get("reference") == reference]
        if event["act"] == "deployed" and services:
            found.append({"time": event["time"], "by": event["by"], "fleet": event["fleet"], "services": services})
    return found


def served(reference: str, events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return those of `deployed` that are the last deploy with their fleet file from their machine.

    The same path on two machines may be two fleets, so neither's last deploy hides the other's.
    """
    last = {(event["fleet"], disk.machine(event["by"])): event for event in events if event["act"] == "deployed"}
    return deployed(reference, last.values())


def _ever(known: ledger.Ledger) -> list[int]:
    """Return the versions that were saved at some time; a number may be given and never used."""
    return [version for version, state in known.states.items() if state != ledger.ALLOCATED]


def _told(
    name: str, numbers: list[int], known: ledger.Ledger, events: list[dict[str, Any]], store: Path | None
) -> Iterator[Past]:
    last: dict[tuple[str, str], float] = {}
    for version in numbers:
        folder, card = cards.of_version(name, version, store)
        reference, metric = f"{name}:{version}", _metric(card)
        yield Past(
            name=name,
            version=version,
            digest=known.digests.get(version, ""),
            state=_state(name, version, folder, store),
            created=str(card.get("created") or ""),
            author=str(card.get("author") or ""),
            algorithm=str(card.get("algorithm") or ""),
            metric=metric,
            change=_change(metric, last),
            lineage=card.get("lineage") or {},
            breaking=str(card.get("breaking") or ""),
            aliases=tuple(_aliased(reference, events)),
            signed=tuple(_signed(folder)),
            deployed=tuple(deployed(reference, events)),
        )


def _state(name: str, version: int, folder: Path, store: Path | None) -> str:
    if folder == place.home(name, store) / str(version):
        return SAVED
    return DELETED if folder.is_dir() else GONE


def _metric(card: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the first figure of a card; None where it has none, or its evaluation is none."""
    evaluation = card.get("evaluation")
    first = evaluation[0] if isinstance(evaluation, list) and evaluation else None
    if not isinstance(first, dict) or not isinstance(first.get("value"), int | float):
        return None
    return first if {"metric", "data_set"} <= first.keys() else None


def _change(metric: Mapping[str, Any] | None, last: dict[tuple[str, str], float]) -> float | None:
    """Return the difference from the version before, and keep this one's figure for the next."""
    if not metric:
        return None
    key, value = (metric["metric"], metric["data_set"]), float(metric["value"])
    before = last.get(key)
    last[key] = value
    return None if before is None else value - before


def _aliased(reference: str, events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    for event in events:
        if event.get("reference") == reference and event["act"] in ("aliased", "alias-dropped"):
            dropped = event["act"] == "alias-dropped"
            yield {"alias": event["alias"], "time": event["time"], "by": event["by"], "dropped": dropped}


def _signed(folder: Path) -> Iterator[dict[str, str]]:
    try:
        found = signing.read(folder)
    except ModelError:
        return
    for one in found:
        yield {"role": one.role, "by": one.by, "signed": one.signed}

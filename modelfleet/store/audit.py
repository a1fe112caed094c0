"""The audit log of a store: who saved, aliased, deleted, restored, signed, unsigned and deployed what, and when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelfleet.errors import Failure
from modelfleet.store import disk, place, records

FILE = "audit.jsonl"


def record(act: str, store: Path | None = None, **details: Any) -> None:
    """Add ``{"time", "act", "by", **details}`` to the log, ``by`` being who runs this unless the details say another.

    Raises Failure where it can't be written.
    """
    file = place.path(store) / FILE
    try:
        records.append(file, {"time": disk.now(), "act": act, "by": disk.who(), **details})
    except OSError as error:
        what = f"can't be written ({error.strerror}), so it does not say {act!r}"
        raise Failure(str(file), what, "make it writable, or free some space") from error


def read(store: Path | None = None, name: str | None = None) -> list[dict[str, Any]]:
    """Return the records, the oldest first; with a name, those that speak of a version of that model."""
    file = place.opened(store) / FILE
    with disk.reading(file):
        found = records.read(file).found
    return [event for event in found if name is None or name in _names(event)]


def _names(event: dict[str, Any]) -> set[str]:
    """Return the model names that a record speaks of: its own reference, and those of the services it deployed."""
    services: dict[str, Any] = event.get("services") or {}
    references = [event.get("reference", ""), *(one.get("reference", "") for one in services.values())]
    return {str(reference).partition(":")[0] for reference in references}

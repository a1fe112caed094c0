"""What was done on this host to a service: a JSON object a line, never rewritten."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .place import Place


def path(place: Place, service: str) -> Path:
    """Where the journal of a service is."""
    return place.service(service) / "journal.jsonl"


def add(place: Place, service: str, act: str, **details: Any) -> None:
    """Append one act and make it last."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "service": service, "act": act}
    file = path(place, service) if act != "absent" else place.root / "journal.jsonl"
    with file.open("a") as stream:
        stream.write(json.dumps(line | details) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def read(place: Place, service: str) -> list[dict[str, Any]]:
    """Return the acts, oldest first; a line cut off by a power failure is passed over."""
    file = path(place, service)
    lines = file.read_text().splitlines() if file.exists() else []
    return [entry for entry in map(_parse, lines) if entry]


def latest(place: Place, service: str) -> str | None:
    """Return the release that went live last, or None before the first."""
    lived = _lived(place, service)
    return lived[-1] if lived else None


def previous(place: Place, service: str) -> str | None:
    """Return the release that was of record before the present one and is still on disk."""
    present = place.current(service)
    kept = [
        release for release in _lived(place, service) if release != present and place.release(service, release).is_dir()
    ]
    return kept[-1] if kept else None


def _lived(place: Place, service: str) -> list[str]:
    done = [entry for entry in read(place, service) if entry["act"] == "live" and entry["result"] == "done"]
    return [str(entry["release"]) for entry in done]


def _parse(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None

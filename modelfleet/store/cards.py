"""The cards of a name's versions, those in the trash too, as they lie there: nothing is verified."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from modelfleet.store import place
from modelfleet_service.model import CARD

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(folder: Path) -> dict[str, Any]:
    """Return the content of a version's model.yaml; empty where it can't be read."""
    try:
        found = parsed((folder / CARD).read_bytes())
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def parsed(content: bytes) -> Any:
    """Return what the bytes of a model.yaml say; raise yaml.YAMLError where they are none."""
    return yaml.load(content, Loader=LOADER)  # noqa: S506 - it is a safe loader


def of_version(name: str, version: int, store: Path | None = None) -> tuple[Path, Mapping[str, Any]]:
    """Return where a version lies, in its place or else in the trash, and its card."""
    here = place.home(name, store) / str(version)
    folder = here if here.is_dir() else place.trashed(name, version, store)
    return folder, read(folder)


def reference_of(folder: Path) -> str:
    """Return the reference that a version's card says; empty where there is no readable card."""
    try:
        card = read(folder)
        return f"{card['name']}:{card['version']}"
    except KeyError:
        return ""


def members_of(folder: Path) -> dict[str, str]:
    """Return an ensemble's members as its card names them, by digest; none where there is no readable card."""
    try:
        found = (read(folder).get("ensemble") or {}).get("members") or ()
        return {str(one["digest"]): f"{one['name']}:{one['version']}" for one in found}
    except (KeyError, TypeError, AttributeError):
        return {}

"""An ensemble's members: other saved models, known by their digests, which may be ensembles themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelfleet_service import model as models
from modelfleet_service.errors import ModelError
from modelfleet_service.model import SHA256, Model

if TYPE_CHECKING:  # at run time it would bring numpy, which commands that only read a store do without
    from modelfleet_service.runtimes import Members

FOLDER = "members"
PREFIX = "sha256:"
How = Literal["mean", "weights", "vote", "stacking", "route"]
"""The ways in which members' answers become one; `runtimes.ensemble` has what each means."""


def entries(model: Model) -> list[dict[str, Any]]:
    """Return what an ensemble's card says of its members, none for any other model.

    Raises ModelError where one has no digest.
    """
    listed = [dict(entry) for entry in (model.card.get("ensemble") or {}).get("members") or ()]
    for entry in listed:
        digest = str(entry.get("digest", ""))
        if not digest.startswith(PREFIX) or not SHA256.fullmatch(digest.removeprefix(PREFIX)):
            raise ModelError(model.reference, f"names a member by {digest[:80]!r}, which is no digest")
    return listed


def find(digest: str, members: Members) -> Model:
    """Find a member; raise ModelError where what was found is another model."""
    found = members(digest)
    if found.digest != digest:
        raise ModelError(str(found.path), f"is {found.digest} where the ensemble has {digest} as a member")
    return found


def every(model: Model, members: Members) -> dict[str, Model]:
    """Return all members of a model by digest, each once, those of members too; raises ModelError as `find` does."""
    known: dict[str, Model] = {}
    waiting = [model]
    while waiting:
        for entry in entries(waiting.pop(0)):
            if entry["digest"] not in known:
                known[entry["digest"]] = find(entry["digest"], members)
                waiting.append(known[entry["digest"]])
    return known


def place(release: Path, digest: str) -> Path:
    """Return where a release keeps a member: ``members/<digest in hexadecimal>``."""
    return release / FOLDER / digest.removeprefix(PREFIX)


def of_release(release: Path) -> Members:
    """Return what reads and verifies the members of a release; it raises ModelError where one is missing or altered."""
    return lambda digest: models.read(place(release, digest))

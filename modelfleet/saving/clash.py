"""What of a signature lasts from version to version, and how two signatures differ in it."""

from __future__ import annotations

import operator
from typing import Any

from pydantic import ValidationError

from modelfleet.errors import Failure
from modelfleet.saving.card import Signature
from modelfleet_service.model import Model

LASTING = ("inputs", "outputs", "classes", "instance")


def refuse(now: Signature, last: Model, name: str) -> None:
    """Raise Failure where clients of a name's last version could not call the next, or would be misunderstood."""
    old, new = _signature(last).model_dump(), now.model_dump()
    cure = "use another name, or say why with --breaking (breaking=... in Python)"
    changed = [part for part in LASTING if meaning(part, old) != meaning(part, new)]
    if changed:
        what = f"its {' and '.join(changed)} are not those of {last.reference} ({difference(changed[0], old, new)})"
        raise Failure(name, what, cure)
    for before, after in zip(_tensors(old), _tensors(new), strict=True):
        if before["unit"] and after["unit"] and before["unit"] != after["unit"]:
            what = f"{after['name']!r} is in {after['unit']}, where {last.reference} has it in {before['unit']}"
            raise Failure(name, what, cure)
        if before["nullable"] and not after["nullable"]:
            what = f"{after['name']!r} may not be missing any more, and may in {last.reference}"
            raise Failure(name, what, f"name it in nullable, {cure}")


def meaning(name: str, signature: dict[str, Any]) -> Any:
    """Return what a part of a signature, one of `LASTING`, means to a client; equal where it means the same."""
    if name == "instance":
        return signature[name] or ("value" if signature["inputs"][0]["shape"] else "object")
    if name == "classes":
        return signature[name]
    return {one["name"]: (one["dtype"], one["shape"]) for one in signature[name]}


def difference(name: str, before: dict[str, Any], now: dict[str, Any]) -> str:
    """Say in a few words how a part of a signature differs from what it was before."""
    old, new = meaning(name, before), meaning(name, now)
    if isinstance(old, dict):
        gone, come = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
        other = sorted(one for one in old.keys() & new.keys() if old[one] != new[one])
        parts = [("without ", gone), ("with ", come), ("another type of ", other)]
        return ", ".join(word + " ".join(map(repr, names[:5])) for word, names in parts if names)
    return f"{str(new)[:60]} where it had {str(old)[:60]}"


def _signature(last: Model) -> Signature:
    try:
        return Signature.model_validate(last.card["signature"])
    except (ValidationError, KeyError) as error:
        what, cure = "its signature is none, so none can be compared with it", "say so with --breaking, or delete it"
        raise Failure(last.reference, what, cure) from error


def _tensors(signature: dict[str, Any]) -> list[dict[str, Any]]:
    """Return inputs and outputs, each by name: a data frame's columns may come in another order."""
    by_name = operator.itemgetter("name")
    return [*sorted(signature["inputs"], key=by_name), *sorted(signature["outputs"], key=by_name)]

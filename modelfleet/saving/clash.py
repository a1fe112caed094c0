"""What of a signature lasts from version to version, and how two signatures differ in it."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from modelfleet.errors import Failure
from modelfleet.saving.card import Signature

LASTING = ("inputs", "outputs", "classes", "instance")
MEANT = "say why with --breaking (breaking=... in Python)"


def refuse(now: Signature, last: Mapping[str, Any], reference: str) -> None:
    """Raise Failure where clients of a name's last version could not call the next, or would be misunderstood.

    ``last`` is that version's card, ``reference`` what it is called.
    """
    old, new, name = _signature(last, reference).model_dump(), now.model_dump(), reference.partition(":")[0]
    cure = f"use another name, or {MEANT}"
    changed = [part for part in LASTING if meaning(part, old) != meaning(part, new)]
    if changed:
        what = f"its {' and '.join(changed)} are not those of {reference} ({difference(changed[0], old, new)})"
        raise Failure(name, what, cure)
    for before, after in zip(_tensors(old), _tensors(new), strict=True):
        if before["unit"] and after["unit"] and before["unit"] != after["unit"]:
            what = f"{after['name']!r} is in {after['unit']}, where {reference} has it in {before['unit']}"
            raise Failure(name, what, cure)
        if before["nullable"] and not after["nullable"]:
            what = f"{after['name']!r} may not be missing any more, and may in {reference}"
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


def _signature(last: Mapping[str, Any], reference: str) -> Signature:
    try:
        return Signature.model_validate(last["signature"])
    except (ValidationError, KeyError) as error:
        what, cure = "its signature is none, so none can be compared", f"run `modelfleet store heal`, or {MEANT}"
        raise Failure(reference, what, cure) from error


def _tensors(signature: dict[str, Any]) -> list[dict[str, Any]]:
    """Return inputs and outputs, each by name: a data frame's columns may come in another order."""
    by_name = operator.itemgetter("name")
    return [*sorted(signature["inputs"], key=by_name), *sorted(signature["outputs"], key=by_name)]

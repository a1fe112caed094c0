"""What of a signature lasts from version to version, and how two signatures differ in it."""

from __future__ import annotations

from typing import Any

LASTING = ("inputs", "outputs", "classes", "instance")


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

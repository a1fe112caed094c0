"""What two cards say differently: algorithm, parameters, training data, signature, libraries, the trainers' figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Card = Mapping[str, Any]
SECTIONS = ("parameters", "training_data", "libraries", "lineage")


@dataclass(frozen=True)
class Difference:
    """A field of a section that two cards fill differently; None where a card does not have it."""

    section: str
    field: str
    first: Any
    second: Any


def differences(first: Card, second: Card) -> list[Difference]:
    """Return what differs between the contents of two model.yaml, section by section in a fixed order."""
    sides = [_sections(card) for card in (first, second)]
    return [one for section in sides[0] for one in _of_section(section, sides[0][section], sides[1][section])]


def _sections(card: Card) -> dict[str, Mapping[str, Any]]:
    """Lay out a card as sections of plain fields."""
    signature, scoring = card.get("signature") or {}, card.get("scoring") or {}
    return {
        "model": {"algorithm": card.get("algorithm"), "runtime": scoring.get("runtime")},
        **{section: card.get(section) or {} for section in SECTIONS},
        "inputs": _tensors(signature.get("inputs") or ()),
        "outputs": _tensors(signature.get("outputs") or ()),
        "classes": {"classes": signature.get("classes") or []},
        "evaluation": {f"{one['metric']} on {one['data_set']}": one["value"] for one in card.get("evaluation") or ()},
    }


def _tensors(tensors: Any) -> dict[str, str]:
    return {str(one["name"]): _said(one) for one in tensors}


def _said(tensor: Mapping[str, Any]) -> str:
    """Say a tensor in a few words; what an older card leaves out is as its default."""
    words = [str(tensor["dtype"]), str(tensor.get("shape") or ""), "may be missing" if tensor.get("nullable") else ""]
    return " ".join(word for word in [*words, str(tensor.get("unit") or "")] if word)


def _of_section(section: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    for field in dict.fromkeys([*first, *second]):
        one, other = first.get(field), second.get(field)
        if one != other:
            yield Difference(section, str(field), one, other)

"""How complete a card is: which of the fields that people need to trust, repeat and use a model say something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from modelfleet.saving.card import Card

FIELDS = (
    "author",
    "algorithm",
    "description",
    "intended_use",
    "limits",
    "license",
    "parameters",
    "libraries",
    "training_data.name",
    "training_data.location",
    "training_data.rows",
    "training_data.digest",
    "evaluation",
)
DESCRIBED = "signature.inputs (a unit or a description for each)"


def score(card: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return how many of a card's fields say something, in whole per cent rounded down, and those that don't.

    Counted are `FIELDS`, each as one, and that every input has a unit or a description.
    ``card`` is the content of model.yaml, of any age: a field that is not there says nothing.
    """
    lacks = missing(card, FIELDS)
    if not _described(card):
        lacks.append(DESCRIBED)
    total = len(FIELDS) + 1
    return 100 * (total - len(lacks)) // total, lacks


def missing(card: Mapping[str, Any], fields: Iterable[str]) -> list[str]:
    """Return which dotted paths lead to nothing in a card: no field, None, blank text, an empty list or mapping."""
    return [field for field in fields if _empty(_value(card, field))]


def paths() -> dict[str, bool]:
    """Return every dotted path that a card can have, and whether it is a mapping with names of the trainer's."""
    return dict(_paths(Card, ""))


def exists(field: str, known: Mapping[str, bool]) -> bool:
    """Tell whether a card can have a dotted path, by what `paths` returned."""
    return field in known or any(free and field.startswith(f"{path}.") for path, free in known.items())


def _value(card: Mapping[str, Any], field: str) -> Any:
    """Follow a dotted path; a name in a trainer's mapping may have dots itself."""
    if field in card:
        return card[field]
    first, _, rest = field.partition(".")
    inner = card.get(first)
    return _value(inner, rest) if rest and isinstance(inner, Mapping) else None


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})


def _described(card: Mapping[str, Any]) -> bool:
    signature = card.get("signature") or {}
    inputs = signature.get("inputs") or []
    return bool(inputs) and all(not _empty(one.get("unit")) or not _empty(one.get("description")) for one in inputs)


def _paths(part: type[BaseModel], above: str) -> Iterable[tuple[str, bool]]:
    for name, field in part.model_fields.items():
        path = f"{above}{name}"
        kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if kind is not None]
        yield path, any(get_origin(kind) is dict for kind in kinds)
        if get_origin(field.annotation) is not list:
            for kind in kinds:
                if isinstance(kind, type) and issubclass(kind, BaseModel):
                    yield from _paths(kind, f"{path}.")

"""What an ensemble is to be made of: the members that were asked for, found in the store."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.saving.card import Member
from modelfleet_service.members import How
from modelfleet_service.model import Model

Value = bool | int | str
WHOLE = re.compile(r"-?\d+")
TRUTHS = {"true": True, "false": False}
DTYPES: dict[type, str] = {str: "string", int: "int64", bool: "bool"}


@dataclass(frozen=True)
class Plan:
    """How to combine which versions, named by references; ``routes`` has a reference for each value of ``field``."""

    how: str
    members: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    final: str = ""
    field: str = ""
    routes: Mapping[Value, str] = dataclasses.field(default_factory=dict)
    default: str = ""


@dataclass(frozen=True)
class Chosen:
    """A verified version, and how the card will name it."""

    model: Model
    entry: Member


def chosen(plan: Plan, store_path: Path | None = None) -> list[Chosen]:
    """Find the members of a plan, each once; an alias stands for the version that it points to now.

    Raises Failure where the plan lacks something, has something too much, or the store lacks a member.
    """
    _refuse_misfit(plan)
    if plan.how == "route":
        return _routed(plan, store_path)
    weights = plan.weights or (None,) * len(plan.members)
    pairs = zip(find(plan.members, store_path), weights, strict=True)
    found = [Chosen(model, entry(model, weight=weight)) for model, weight in pairs]
    if plan.final:
        final = store.find(plan.final, store_path)
        found.append(Chosen(final, entry(final, role="final")))
    return found


def find(references: Iterable[str], store_path: Path | None) -> list[Model]:
    """Find versions; raise Failure where the store lacks one, or one is listed twice."""
    found: dict[str, Model] = {}
    for reference in references:
        model = store.find(reference, store_path)
        if model.digest in found:
            raise Failure(reference, f"{model.reference} is listed twice", "list each member once")
        found[model.digest] = model
    return list(found.values())


def entry(model: Model, **more: Any) -> Member:
    """Say which version a member is, and ``more`` of its part in the ensemble."""
    return Member(name=model.name, version=model.version, digest=model.digest, **more)


def as_dtype(values: Iterable[Value], dtype: str, name: str) -> list[Value]:
    """Give routes the type of the input that they are values of; raise Failure where one can't have it."""
    return [_typed(value, dtype, name) for value in values]


def dtype_of(values: Iterable[Value]) -> str:
    """Return the dtype of an input of which these are values; raise Failure where they are of several types."""
    kinds = {type(value) for value in values}
    if len(kinds) != 1 or not kinds <= set(DTYPES):
        raise Failure("routes", "are values of several types", "make all texts, whole numbers or truth values")
    return DTYPES[kinds.pop()]


def _routed(plan: Plan, store_path: Path | None) -> list[Chosen]:
    wanted = [*plan.routes.values(), *([plan.default] if plan.default else [])]
    models = {reference: store.find(reference, store_path) for reference in dict.fromkeys(wanted)}
    found = {model.digest: model for model in models.values()}
    fallback = models[plan.default].digest if plan.default else ""
    return [
        Chosen(
            model,
            entry(
                model,
                routes=[value for value, reference in plan.routes.items() if models[reference].digest == digest],
                role="default" if digest == fallback else "member",
            ),
        )
        for digest, model in found.items()
    ]


def _refuse_misfit(plan: Plan) -> None:
    if plan.how not in get_args(How):
        raise Failure("how", f"{plan.how!r} is none", f"use one of {', '.join(get_args(How))}")
    routes, weighs, stacks = plan.how == "route", plan.how == "weights", plan.how == "stacking"
    _see("members", bool(plan.members), not routes, "name two or more")
    _see("weights", bool(plan.weights), weighs, "give each member one")
    _see("final", bool(plan.final), stacks, "name the version that was trained on modelfleet.stack()")
    _see("field", bool(plan.field), routes, "name the input whose value chooses the member")
    _see("routes", bool(plan.routes), routes, "name a member for each value")
    _see("default", bool(plan.default), bool(plan.default) and routes, "")
    if not routes and len(plan.members) < 2:
        raise Failure("members", f"there is only {plan.members[0]}", "name two or more")
    if weighs:
        _refuse_weights(plan)


def _see(name: str, given: bool, wanted: bool, cure: str) -> None:
    if wanted and not given:
        raise Failure(name, "missing", cure)
    if given and not wanted:
        raise Failure(name, "given, and this way of combining takes none", "leave it out")


def _refuse_weights(plan: Plan) -> None:
    if len(plan.weights) != len(plan.members):
        what = f"there are {len(plan.weights)} for {len(plan.members)} members"
        raise Failure("weights", what, "give each member one")
    for reference, weight in zip(plan.members, plan.weights, strict=True):
        if not (math.isfinite(weight) and weight > 0):
            raise Failure(f"weights.{reference}", f"{weight} is not positive", "give a number above 0, or leave it out")


def _typed(value: Value, dtype: str, name: str) -> Value:
    """A value that was written as text, as on a command line, is read as the input's type."""
    if isinstance(value, str) and dtype == "int64" and WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, str) and dtype == "bool" and value.lower() in TRUTHS:
        return TRUTHS[value.lower()]
    if DTYPES.get(type(value)) != dtype:
        cure = "route on an input of texts, whole numbers or truth values, and by its values"
        raise Failure(f"routes.{value}", f"is no value of {name}, which is {dtype}", cure)
    return value

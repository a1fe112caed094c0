"""Whether an ensemble's members agree, and the signature that they have together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from modelfleet.errors import Failure
from modelfleet.saving.card import Signature, Tensor
from modelfleet.saving.clash import difference, meaning
from modelfleet.saving.plans import Chosen, Plan, as_dtype, dtype_of
from modelfleet_service.model import Model

OTHERWISE = "combine versions that take the same inputs and answer the same"


def signature(plan: Plan, chosen: Sequence[Chosen]) -> Signature:
    """Return an ensemble's signature: the first member's, with stacking the outputs of the final model.

    With routes an instance is an object, and has the field in addition where no member takes it. Raises Failure where
    the members don't agree, can't be combined so, or the final model doesn't fit the stack.
    """
    members = [one.model for one in chosen if one.entry.role != "final"]
    common = of_members(members)
    _refuse_outputs(plan.how, members[0], common)
    finals = [one.model for one in chosen if one.entry.role == "final"]
    if finals:
        _refuse_width(finals[0], width(members))
        last = said(finals[0])
        return common.model_copy(update={"outputs": last.outputs, "classes": last.classes})
    return _with_field(plan, common) if plan.how == "route" else common


def of_members(members: Sequence[Model]) -> Signature:
    """Return the signature of the first member, after seeing that all have the same inputs, outputs and classes."""
    first, *others = members
    common = said(first)
    signatures = [said(other) for other in others]
    for other, its in zip(others, signatures, strict=True):
        _see_same(first, common, other, its)
    inputs = [
        one.model_copy(update={"nullable": all(_input(its, one.name).nullable for its in (common, *signatures))})
        for one in common.inputs
    ]
    return common.model_copy(update={"inputs": inputs, "instance": meaning("instance", common.model_dump())})


def said(model: Model) -> Signature:
    """Return the signature of a saved model."""
    return Signature.model_validate(model.signature)


def width(members: Sequence[Model]) -> int:
    """Return how many columns the stack of the members' answers has."""
    signatures = [said(member) for member in members]
    return sum(len(its.classes) or sum(math.prod(one.shape) for one in its.outputs) for its in signatures)


def routed(plan: Plan, entries: Sequence[Chosen], common: Signature) -> list[Chosen]:
    """Give the routes the type of the field."""
    dtype = _input(common, plan.field).dtype
    return [
        Chosen(one.model, one.entry.model_copy(update={"routes": as_dtype(one.entry.routes, dtype, plan.field)}))
        for one in entries
    ]


def _see_same(first: Model, common: Signature, other: Model, its: Signature) -> None:
    before, now = common.model_dump(), its.model_dump()
    for name in ("inputs", "outputs"):
        if (name == "inputs" or not common.classes) and meaning(name, before) != meaning(name, now):
            what = f"its {name} are not those of {first.reference} ({difference(name, before, now)})"
            raise Failure(other.reference, what, OTHERWISE)
    if _kinds(common.classes) != _kinds(its.classes):
        what = f"its classes are not those of {first.reference} ({difference('classes', before, now)})"
        raise Failure(other.reference, what, OTHERWISE)


def _kinds(classes: Sequence[Any]) -> set[tuple[type, Any]]:
    return {(type(label), label) for label in classes}


def _refuse_outputs(how: str, first: Model, common: Signature) -> None:
    if how == "vote" and not common.classes:
        raise Failure("vote", f"{first.reference} is no classifier", "use mean or weights for values")
    odd = [one.name for one in common.outputs if one.dtype in ("string", "bool")]
    if how != "route" and odd and not common.classes:
        what = f"{first.reference} answers something else than numbers ({odd[0]})"
        raise Failure(how, what, "use route, which chooses one answer")


def _refuse_width(final: Model, columns: int) -> None:
    inputs = said(final).inputs
    takes = sum(math.prod(one.shape) for one in inputs)
    odd = any(len(one.shape) > (1 if len(inputs) == 1 else 0) for one in inputs)
    if takes != columns or odd:
        what = f"it takes {takes} values where the members answer {columns}"
        raise Failure(final.reference, what, "train it on modelfleet.stack(members, inputs)")
    other = next((one for one in inputs if not one.dtype.startswith("float")), None)
    if other:
        what = f"its input {other.name} is {other.dtype}, and the stack is of floats"
        raise Failure(final.reference, what, "train it on modelfleet.stack(members, inputs)")


def _with_field(plan: Plan, common: Signature) -> Signature:
    inputs = list(common.inputs)
    if plan.field not in {one.name for one in inputs}:
        dtype: Any = dtype_of(plan.routes)
        inputs.append(Tensor(name=plan.field, dtype=dtype, description="chooses the member that scores"))
    elif _input(common, plan.field).shape:
        raise Failure(plan.field, "holds several values", "route on an input of one value")
    return common.model_copy(update={"inputs": inputs, "instance": "object"})


def _input(common: Signature, name: str) -> Tensor:
    return next(one for one in common.inputs if one.name == name)

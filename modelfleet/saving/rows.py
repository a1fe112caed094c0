"""An ensemble's example rows: what was given, in the types of its signature, or its members' golden instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, zip_longest
from typing import Any

from modelfleet.errors import Failure
from modelfleet.saving.card import Signature
from modelfleet.saving.inputs import Inputs
from modelfleet.saving.plans import Chosen, Plan
from modelfleet_service import signature as service
from modelfleet_service.errors import RequestError
from modelfleet_service.model import Model

OTHER = "other"
MANY = 2**31
NONE = object()


def fitted(given: Any, signature: Signature) -> Inputs:
    """Read examples as `Inputs.of` does, and give them the names and types of a signature.

    Raises Failure where they don't fit it.
    """
    names = [one.name for one in signature.inputs]
    plain = not isinstance(given, Mapping) and not hasattr(given, "columns")
    columns = names if plain and signature.instance == "object" and not signature.inputs[0].shape else None
    return _inputs(Inputs.of(given, columns, names[0]).instances(), signature)


def golden(plan: Plan, chosen: Sequence[Chosen], signature: Signature) -> Inputs:
    """Return the first member's golden instances; with routes those of all members in turn, for values that are routed.

    Raises Failure where none is.
    """
    if plan.how != "route":
        return _inputs([row.instance for row in chosen[0].model.golden], signature)
    found = [one for group in zip_longest(*(_routed(plan, member) for member in chosen)) for one in group if one]
    known = {value for one in chosen for value in one.entry.routes}
    fit = found if plan.default else [one for one in found if one[plan.field] in known]
    if not fit:
        what = f"no golden instance of a member has a value of {plan.field} that is routed"
        raise Failure("inputs", what, "give example rows with --examples (inputs=... in Python)")
    return _inputs(fit, signature)


def _routed(plan: Plan, member: Chosen) -> Iterator[dict[str, Any]]:
    """Give a member's golden instances as objects that have the field.

    Where the member doesn't take the field, the values are its routes; those of a default without any are `OTHER`.
    """
    instances = [_as_object(member.model, row.instance) for row in member.model.golden]
    texts = all(isinstance(value, str) for value in plan.routes)
    values = cycle(member.entry.routes or ([OTHER] if texts else []))
    for instance in instances:
        value = instance[plan.field] if plan.field in instance else next(values, NONE)
        if value is not NONE:
            yield instance | {plan.field: value}


def _as_object(model: Model, instance: Any) -> dict[str, Any]:
    read = service.Signature.of(model.card)
    return dict(instance) if read.named else {read.inputs[0].name: instance}


def _inputs(instances: Sequence[Any], signature: Signature) -> Inputs:
    read = service.Signature.of({"signature": signature.model_dump()})
    try:
        batch = read.batch(list(instances), MANY)
    except RequestError as error:
        raise Failure(f"inputs.{error.field}", error.message, "give rows as the members take them") from error
    return Inputs(batch, tuple(signature.inputs), read.named, batch)

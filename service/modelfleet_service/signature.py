"""A model's signature: what an instance has to look like, and how instances become arrays.

The card's ``inputs`` are named arrays, each with ``dtype``, ``shape`` (without the batch) and ``nullable``.
An instance is an object with a value for each, or, where the card's ``instance`` is ``value``, the one input's value.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet_service.errors import RequestError

Batch = dict[str, NDArray[Any]]
"""Arrays by input name, each of shape (instances, *shape): float64, int64, bool, or objects that are str or None."""

Matrix = NDArray[np.float64]
LARGEST = float(np.finfo(np.float32).max)
ARRAY_TYPES: dict[str, Any] = {
    "float32": np.float64,
    "float64": np.float64,
    "int64": np.int64,
    "bool": np.bool_,
    "string": object,
}
NOUNS = {"float32": "number", "float64": "number", "int64": "whole number", "bool": "true or false", "string": "text"}
PLAIN_NUMBERS = {int, float}


@dataclass(frozen=True)
class Input:
    """One input of a model; ``nullable`` says that null stands for a missing value."""

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    nullable: bool = False

    def column(self, values: Sequence[Any], fields: Sequence[str]) -> NDArray[Any]:
        """Turn one value an instance into an array; raises RequestError that names the field of a wrong one."""
        checked = [self._checked(field, value, self.shape) for field, value in zip(fields, values, strict=True)]
        return np.array(checked, dtype=ARRAY_TYPES[self.dtype]).reshape(len(checked), *self.shape)

    def _checked(self, field: str, value: Any, shape: tuple[int, ...]) -> Any:
        if not shape:
            return self._scalar(field, value)
        if not isinstance(value, list):
            raise _wrong(422, "wrong_shape", field, f"a list of {shape[0]} {self._plural(shape)}", value)
        if len(value) != shape[0]:
            message = f"expected {shape[0]} {self._plural(shape)}, got {len(value)}"
            raise RequestError(422, "wrong_shape", message, field)
        if len(shape) == 1 and self._all_fine(value):
            return value
        return [self._checked(f"{field}[{number}]", entry, shape[1:]) for number, entry in enumerate(value)]

    def _all_fine(self, values: list[Any]) -> bool:
        """Tell quickly, for a list of numbers, that nothing in it has to be looked at one by one."""
        if not self.dtype.startswith("float") or not PLAIN_NUMBERS.issuperset(map(type, values)):
            return False
        return bool(min(values) >= -LARGEST and max(values) <= LARGEST)

    def _scalar(self, field: str, value: Any) -> Any:
        if value is None and self.nullable:
            return None if self.dtype == "string" else math.nan
        if self.dtype == "string":
            return _text(field, value)
        if self.dtype == "bool":
            return _truth(field, value)
        number = _number(field, value)
        return _whole(field, value) if self.dtype == "int64" else number

    def _plural(self, shape: tuple[int, ...]) -> str:
        nouns = {"true or false": "truth values", "text": "texts"}
        noun = NOUNS[self.dtype]
        return "lists" if len(shape) > 1 else nouns.get(noun, f"{noun}s")


@dataclass(frozen=True)
class Signature:
    """All inputs of a model; ``named`` where an instance is an object, else there is one input."""

    inputs: tuple[Input, ...]
    named: bool

    @classmethod
    def of(cls, card: dict[str, Any]) -> Signature:
        """Read the signature of a card."""
        said = card["signature"]
        inputs = tuple(
            Input(str(entry["name"]), entry["dtype"], tuple(entry.get("shape") or ()), bool(entry.get("nullable")))
            for entry in said["inputs"]
        )
        kind = said.get("instance") or ("value" if inputs[0].shape else "object")
        return cls(inputs, kind == "object")

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the inputs."""
        return frozenset(entry.name for entry in self.inputs)

    def batch(self, instances: Any, most: int) -> Batch:
        """Turn instances into arrays.

        Raises RequestError, which names the field, where an instance is not what the signature says.
        """
        if not isinstance(instances, list):
            raise _wrong(422, "invalid_instances", "instances", "a list", instances)
        if not instances:
            raise RequestError(422, "no_instances", "expected at least one instance, got none", "instances")
        if len(instances) > most:
            message = f"expected at most {most} instances, got {len(instances)}"
            raise RequestError(413, "too_many_instances", message, "instances")
        fields = [f"instances[{number}]" for number in range(len(instances))]
        if not self.named:
            return {self.inputs[0].name: self.inputs[0].column(instances, fields)}
        for field, instance in zip(fields, instances, strict=True):
            self._refuse_misfit(field, instance)
        return {
            entry.name: entry.column([one[entry.name] for one in instances], [f"{one}.{entry.name}" for one in fields])
            for entry in self.inputs
        }

    def _refuse_misfit(self, field: str, instance: Any) -> None:
        if not isinstance(instance, dict):
            raise _wrong(422, "wrong_shape", field, f"an object with {len(self.inputs)} columns", instance)
        if instance.keys() == self.names:
            return
        for name in instance:
            if name not in self.names:
                raise RequestError(422, "unknown_column", self._meant(name), f"{field}.{name}")
        for entry in self.inputs:
            if entry.name not in instance:
                message = f"expected {_a(NOUNS[entry.dtype])}, got nothing"
                raise RequestError(422, "missing_column", message, f"{field}.{entry.name}")

    def _meant(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.names, n=1)
        return f"the model has no such column; did you mean {close[0]!r}?" if close else "the model has no such column"


def matrix(batch: Batch) -> Matrix:
    """Join the numbers of a batch to one array of shape (instances, width)."""
    arrays = [array.reshape(len(array), -1) for array in batch.values()]
    joined: Matrix = np.concatenate(arrays, axis=1, dtype=np.float64) if len(arrays) > 1 else arrays[0].astype(float)
    return joined


def _number(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(422, "not_a_number", field, "a number", value)
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise _wrong(422, "not_finite", field, f"a number of at most {LARGEST:.3g}", value)
    return float(value)


def _whole(field: str, value: float) -> int:
    if value != int(value) or not -(2**63) <= value < 2**63:
        raise _wrong(422, "not_whole", field, "a whole number of 64 bits", value)
    return int(value)


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(422, "not_text", field, "text", value)
    return value


def _truth(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(422, "not_a_truth_value", field, "true or false", value)
    return value


def _wrong(status: int, code: str, field: str, expected: str, got: Any) -> RequestError:
    return RequestError(status, code, f"expected {expected}, got {_said(got)}", field)


def _a(noun: str) -> str:
    return noun if noun in ("text", "true or false") else f"a {noun}"


def _said(value: Any) -> str:
    """Show a value in a message, cut short."""
    kinds = {dict: "an object", list: f"a list of {len(value) if isinstance(value, list) else 0}", type(None): "null"}
    if type(value) in kinds:
        return kinds[type(value)]
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= 40 else f"{text[:37]}..."

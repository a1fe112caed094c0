"""A model's signature: what an instance has to look like, and how instances become arrays.

The card's ``inputs`` are either one tensor (an instance is a list of numbers) or named columns (an instance is an
object). Each entry has ``name``, ``dtype`` and ``shape``, the shape without the batch.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet_service.errors import RequestError

Matrix = NDArray[np.float64]
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Signature:
    """``columns`` are the names of the columns; None where an instance is a plain list of ``width`` numbers."""

    columns: tuple[str, ...] | None
    width: int

    @classmethod
    def of(cls, card: dict[str, Any]) -> Signature:
        """Read the signature of a card."""
        inputs = card["signature"]["inputs"]
        if inputs[0]["shape"]:
            return cls(None, int(inputs[0]["shape"][0]))
        return cls(tuple(str(entry["name"]) for entry in inputs), len(inputs))

    def matrix(self, instances: Any, most: int) -> Matrix:
        """Turn instances into an array of shape (instances, width).

        Raises RequestError, which names the field, where an instance is not what the signature says.
        """
        if not isinstance(instances, list):
            raise RequestError(422, "invalid_instances", f"expected a list, got {_said(instances)}", "instances")
        if not instances:
            raise RequestError(422, "no_instances", "expected at least one instance, got none", "instances")
        if len(instances) > most:
            message = f"expected at most {most} instances, got {len(instances)}"
            raise RequestError(413, "too_many_instances", message, "instances")
        rows = [self._row(f"instances[{number}]", instance) for number, instance in enumerate(instances)]
        return np.array(rows, dtype=np.float64)

    def _row(self, field: str, instance: Any) -> list[float]:
        values = self._values(field, instance)
        return [_number(name, value) for name, value in values]

    def _values(self, field: str, instance: Any) -> list[tuple[str, Any]]:
        if self.columns is None:
            return self._listed(field, instance)
        if not isinstance(instance, dict):
            message = f"expected an object with {self.width} columns, got {_said(instance)}"
            raise RequestError(422, "wrong_shape", message, field)
        for name in instance:
            if name not in self.columns:
                raise RequestError(422, "unknown_column", self._meant(name), f"{field}.{name}")
        for name in self.columns:
            if name not in instance:
                raise RequestError(422, "missing_column", "expected a number, got nothing", f"{field}.{name}")
        return [(f"{field}.{name}", instance[name]) for name in self.columns]

    def _listed(self, field: str, instance: Any) -> list[tuple[str, Any]]:
        if not isinstance(instance, list):
            raise RequestError(
                422, "wrong_shape", f"expected a list of {self.width} numbers, got {_said(instance)}", field
            )
        if len(instance) != self.width:
            raise RequestError(422, "wrong_shape", f"expected {self.width} numbers, got {len(instance)}", field)
        return [(f"{field}[{number}]", value) for number, value in enumerate(instance)]

    def _meant(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.columns or (), n=1)
        return f"the model has no such column; did you mean {close[0]!r}?" if close else "the model has no such column"


def _number(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError(422, "not_a_number", f"expected a number, got {_said(value)}", field)
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise RequestError(422, "not_finite", f"expected a number of at most {LARGEST:.3g}, got {_said(value)}", field)
    return float(value)


def _said(value: Any) -> str:
    """Show a value in a message, cut short."""
    kinds = {dict: "an object", list: f"a list of {len(value) if isinstance(value, list) else 0}", type(None): "null"}
    if type(value) in kinds:
        return kinds[type(value)]
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= 40 else f"{text[:37]}..."

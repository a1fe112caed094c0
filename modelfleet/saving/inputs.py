"""Example inputs as the trainer has them, and the same as the service will get them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet.errors import Failure
from modelfleet.saving.card import Tensor

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Inputs:
    """Rows of shape (n, width); ``columns`` where they have names; ``label`` names the tensor where they have none."""

    rows: Matrix
    columns: tuple[str, ...] | None
    label: str

    @classmethod
    def of(cls, given: Any, feature_names: Sequence[str] | None, label: str) -> Inputs:
        """Take a 2-D array or a data frame. Raises Failure where it is neither or holds no finite numbers."""
        columns = feature_names if feature_names is not None else getattr(given, "columns", None)
        try:
            rows = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise Failure("inputs", f"not numbers ({error})", "give a 2-D array or a data frame of numbers") from error
        if rows.ndim != 2 or not len(rows):
            raise Failure("inputs", f"has shape {rows.shape}", "give a 2-D array with at least one row")
        if not np.isfinite(rows).all():
            raise Failure("inputs", "holds NaN or infinity", "give rows of finite numbers")
        names = tuple(str(name) for name in columns) if columns is not None else None
        if names is not None and len(set(names)) != rows.shape[1]:
            raise Failure("feature_names", f"{len(set(names))} names for {rows.shape[1]} columns", "name each column")
        return cls(rows, names, label)

    def tensors(self) -> list[Tensor]:
        """The signature's inputs."""
        if self.columns is None:
            return [Tensor(name=self.label, dtype="float32", shape=[self.rows.shape[1]])]
        return [Tensor(name=name, dtype="float64") for name in self.columns]

    def instances(self, most: int) -> list[Any]:
        """Return the first rows as instances of a request."""
        listed = self.rows[:most].tolist()
        if self.columns is None:
            return list(listed)
        return [dict(zip(self.columns, row, strict=True)) for row in listed]

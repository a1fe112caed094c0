"""Example inputs as the trainer has them, and the same as the service will get them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
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


def read(path: Path, feature_names: Sequence[str] | None = None, label: str = "features") -> Inputs:
    """Read example inputs: an .npy array, a .csv file with a header, or a .json list of lists or of objects."""
    readers = {".npy": _npy, ".csv": _csv, ".json": _json}
    if path.suffix not in readers:
        raise Failure(str(path), "not a file of examples", f"give one of {', '.join(readers)}")
    try:
        names, rows = readers[path.suffix](path)
    except (OSError, ValueError, KeyError) as error:
        raise Failure(str(path), f"can't be read ({error})", "give rows of numbers") from error
    return Inputs.of(rows, feature_names or names, label)


def _npy(path: Path) -> tuple[list[str] | None, Any]:
    return None, np.load(path, allow_pickle=False)


def _csv(path: Path) -> tuple[list[str] | None, Any]:
    with path.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, rows


def _json(path: Path) -> tuple[list[str] | None, Any]:
    rows = json.loads(path.read_text())
    if rows and isinstance(rows[0], dict):
        names = list(rows[0])
        return names, [[row[name] for name in names] for row in rows]
    return None, rows

"""Example inputs as the trainer has them, and the same as the service will get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from modelfleet.errors import Failure
from modelfleet.saving.card import Dtype, Tensor
from modelfleet_service.signature import ARRAY_TYPES, Batch, matrix

LABEL, TEXT = "features", "text"
BOOLS = "make them texts, or 0 and 1"
COLUMN_TYPES: dict[str, Dtype] = {
    "boolean": "bool",
    "integer": "int64",
    "floating": "float64",
    "mixed-integer-float": "float64",
    "string": "string",
    "empty": "float64",
}


@dataclass(frozen=True)
class Inputs:
    """Example instances: arrays by input name, their part of the signature, and ``native``, what an estimator takes.

    ``named`` where an instance is an object. ``native`` is an array, a data frame, a list of texts, or the batch.
    """

    batch: Batch
    tensors: tuple[Tensor, ...]
    named: bool
    native: Any

    @classmethod
    def of(
        cls, given: Any, names: Sequence[str] | None = None, label: str = LABEL, nullable: Sequence[str] = ()
    ) -> Inputs:
        """Take an array of shape (n, ...), a data frame, a list of texts, or arrays by input name.

        ``names`` names an array's columns, ``label`` an array's or a text's input, ``nullable`` the inputs in which
        a value may be missing though none is here. Raises Failure where it is none of these, is empty, or holds
        infinity or something that is no number, truth value or text.
        """
        made = _of_any(given, names, label)
        if not len(made):
            raise Failure("inputs", "holds no row", "give at least one")
        known = {tensor.name for tensor in made.tensors}
        for name in nullable:
            if name not in known:
                raise Failure("nullable", f"{name!r} is no input", f"there are {', '.join(sorted(known))}")
        tensors = [_nullable(tensor) if tensor.name in nullable else tensor for tensor in made.tensors]
        batch = {one.name: made.batch[one.name].astype(ARRAY_TYPES[one.dtype], copy=False) for one in tensors}
        return replace(made, tensors=tuple(tensors), batch=batch)

    def __len__(self) -> int:
        """How many instances there are."""
        return len(next(iter(self.batch.values())))

    def head(self, most: int) -> Inputs:
        """Return the first instances."""
        kept = {name: array[:most] for name, array in self.batch.items()}
        native = kept if isinstance(self.native, Mapping) else _first(self.native, most)
        return replace(self, batch=kept, native=native)

    def instances(self) -> list[Any]:
        """Return the instances as a request has them: null for what is missing."""
        columns = {name: _plain(array) for name, array in self.batch.items()}
        if not self.named:
            return next(iter(columns.values()))
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def described(self, about: Mapping[str, Mapping[str, str]]) -> Inputs:
        """Say what inputs mean: ``unit`` and ``description`` by input name.

        Raises Failure where there is no such input, or something else than a text is said of one.
        """
        known = {tensor.name for tensor in self.tensors}
        for name, said in about.items():
            if name not in known:
                raise Failure("about_inputs", f"{name!r} is no input", f"there are {', '.join(sorted(known))}")
            if not said.keys() <= {"unit", "description"}:
                raise Failure(f"about_inputs.{name}", f"says {', '.join(said)}", "say unit and description alone")
        return replace(self, tensors=tuple(_said(tensor, about.get(tensor.name, {})) for tensor in self.tensors))

    def as_matrix(self) -> NDArray[np.float64] | None:
        """Return the instances as one array of numbers; None where some are texts."""
        return None if any(tensor.dtype == "string" for tensor in self.tensors) else matrix(self.batch)


def _of_any(given: Any, names: Sequence[str] | None, label: str) -> Inputs:
    if isinstance(given, Mapping):
        return _of_arrays(given)
    if hasattr(given, "to_pandas"):
        given = given.to_pandas()
    if hasattr(given, "dtypes") and hasattr(given, "columns"):
        return _of_frame(given)
    if _is_texts(given):
        texts = [str(entry) for entry in given]
        name = TEXT if label == LABEL else label
        return Inputs({name: np.array(texts, dtype=object)}, (Tensor(name=name, dtype="string"),), False, texts)
    return _of_array(given, names, label)


def _said(tensor: Tensor, said: Mapping[str, str]) -> Tensor:
    try:
        return Tensor.model_validate(tensor.model_dump() | dict(said))
    except ValidationError as error:
        first = error.errors()[0]
        where = f"about_inputs.{tensor.name}.{first['loc'][0]}"
        raise Failure(where, first["msg"].lower(), "give a text") from error


def _is_texts(given: Any) -> bool:
    if isinstance(given, str) or _array("inputs", given).ndim != 1:
        return False
    return len(given) > 0 and all(isinstance(entry, str) for entry in given)


def _of_array(given: Any, names: Sequence[str] | None, label: str) -> Inputs:
    array = _array("inputs", given)
    if array.ndim < 2:
        raise Failure("inputs", f"has shape {array.shape}", "give an array of shape (n, width), or a data frame")
    if names is None:
        rows = _numbers(label, array)
        tensor = Tensor(name=label, dtype="float32", shape=list(rows.shape[1:]), nullable=_has_gaps(rows))
        return Inputs({label: rows}, (tensor,), False, rows)
    if array.ndim != 2 or len(set(names)) != array.shape[1]:
        raise Failure("feature_names", f"{len(set(names))} names for {array.shape[1]} columns", "name each column")
    if array.dtype.kind in "OUS":
        import pandas as pd

        return _of_frame(pd.DataFrame(array, columns=list(names)).infer_objects())
    rows = _numbers("inputs", array)
    batch = {str(name): rows[:, number] for number, name in enumerate(names)}
    return Inputs(batch, tuple(_tensor(name, "float64", column) for name, column in batch.items()), True, rows)


def _of_arrays(given: Mapping[str, Any]) -> Inputs:
    batch: Batch = {}
    tensors: list[Tensor] = []
    for name, value in given.items():
        array = _array(f"inputs.{name}", value)
        dtype = _dtype_of(str(name), array)
        batch[str(name)] = array.astype(ARRAY_TYPES[dtype])
        tensors.append(_tensor(str(name), dtype, batch[str(name)]))
    counts = {len(array) for array in batch.values()}
    if len(counts) != 1:
        raise Failure("inputs", f"has {sorted(counts)} rows", "give as many rows of each input")
    return Inputs(batch, tuple(tensors), True, batch)


def _of_frame(frame: Any) -> Inputs:
    columns = [str(name) for name in frame.columns]
    if not columns or len(set(columns)) != len(columns):
        raise Failure("inputs", "has no columns, or two of one name", "name each column once")
    batch, tensors = {}, []
    for name, series in zip(columns, (frame[name] for name in frame.columns), strict=True):
        batch[name], dtype = _column(name, series)
        tensors.append(_tensor(name, dtype, batch[name]))
    return Inputs(batch, tuple(tensors), True, frame)


def _column(name: str, series: Any) -> tuple[NDArray[Any], Dtype]:
    """Read a data frame's column; whole numbers with gaps are floats."""
    import pandas as pd

    missing = np.asarray(series.isna())
    kind = pd.api.types.infer_dtype(series[~missing].to_numpy(dtype=object))
    if kind not in COLUMN_TYPES:
        raise Failure(f"inputs.{name}", f"holds {kind} values", "give numbers, truth values or texts")
    dtype = COLUMN_TYPES[kind]
    if dtype == "string":
        return np.array([None if gap else one for gap, one in zip(missing, series, strict=True)], dtype=object), dtype
    if missing.any() and dtype == "bool":
        raise Failure(f"inputs.{name}", "holds truth values with gaps", BOOLS)
    if missing.any():
        return _numbers(name, series.to_numpy(dtype=np.float64, na_value=np.nan)), "float64"
    return _numbers(name, series.to_numpy(dtype=ARRAY_TYPES[dtype])), dtype


def _array(where: str, given: Any) -> NDArray[Any]:
    try:
        return np.asarray(given)
    except ValueError as error:
        raise Failure(where, "its rows are not of one length", "give as many values in each row") from error
    except (TypeError, RuntimeError) as error:  # as PyTorch's tensors raise that NumPy can't take
        raise Failure(where, f"can't be read as an array ({error})", "give a NumPy array") from error


def _dtype_of(name: str, array: NDArray[Any]) -> Dtype:
    kinds: dict[str, Dtype] = {"b": "bool", "i": "int64", "u": "int64", "f": "float64", "U": "string"}
    if array.dtype.kind == "O" and all(isinstance(entry, str) for entry in array.ravel()):
        return "string"
    if array.dtype.kind not in kinds:
        what = f"holds {array.dtype}" if array.dtype.kind != "O" else "holds things of several kinds"
        raise Failure(f"inputs.{name}", what, "give numbers, truth values or texts")
    return "float32" if array.dtype == np.float32 else kinds[array.dtype.kind]


def _numbers(name: str, given: Any) -> NDArray[Any]:
    array = np.asarray(given)
    try:
        rows = array if array.dtype.kind in "bi" and array.ndim == 1 else array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise Failure(name, f"not numbers ({error})", "give numbers, or name the columns of a data frame") from error
    if np.isinf(rows).any():
        raise Failure(name, "holds infinity", "give finite numbers")
    return rows


def _tensor(name: str, dtype: Dtype, array: NDArray[Any]) -> Tensor:
    return Tensor(name=name, dtype=dtype, shape=list(array.shape[1:]), nullable=_has_gaps(array))


def _nullable(tensor: Tensor) -> Tensor:
    """Let a value be missing; whole numbers with gaps are floats."""
    if tensor.dtype == "bool":
        raise Failure(f"inputs.{tensor.name}", "holds truth values, of which none can be missing", BOOLS)
    return tensor.model_copy(update={"nullable": True, "dtype": "float64" if tensor.dtype == "int64" else tensor.dtype})


def _has_gaps(array: NDArray[Any]) -> bool:
    if array.dtype == object:
        return any(entry is None for entry in array.ravel())
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


def _first(native: Any, most: int) -> Any:
    return native.iloc[:most] if hasattr(native, "iloc") else native[:most]


def _plain(array: NDArray[Any]) -> list[Any]:
    if array.dtype.kind == "f" and _has_gaps(array):
        gaps, array = np.isnan(array), array.astype(object)
        array[gaps] = None
    return list(array.tolist())

"""The input signature of an MLflow model: JSON of columns or tensors, which fixes the types of the examples.

Format: https://mlflow.org/docs/latest/ml/model/signatures/ and `Schema.to_json` in mlflow/types/schema.py. A column is
``{"name", "type", "required"}``, a tensor ``{"name", "type": "tensor", "tensor-spec": {"dtype", "shape"}}``; the names
are all there or all missing, and -1 in a shape is any number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelfleet.errors import Failure
from modelfleet.saving.card import Dtype
from modelfleet.saving.inputs import LABEL, Inputs
from modelfleet_service.signature import ARRAY_TYPES

COLUMN_TYPES: dict[str, Dtype] = {
    "boolean": "bool",
    "integer": "int64",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "string",
}
TENSOR_TYPES: dict[str, Dtype] = {
    "bool": "bool",
    **dict.fromkeys(("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"), "int64"),
    **dict.fromkeys(("float16", "float32"), "float32"),
    "float64": "float64",
    **dict.fromkeys(("object", "str", "string"), "string"),
}


@dataclass(frozen=True)
class Wanted:
    """One input as MLflow names it: without a ``name`` it is one column, or the tensor, of a nameless array.

    ``shape`` is without the batch, None for a column; a size of -1 in it is any.
    """

    name: str
    dtype: Dtype
    nullable: bool = False
    shape: tuple[int, ...] | None = None


def read(text: str, where: str) -> list[Wanted]:
    """Read the JSON of a signature's inputs; raise Failure that names a type which has no counterpart here."""
    try:
        return [_wanted(entry, where) for entry in json.loads(text)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(where, f"its inputs can't be read ({error})", "log the model with a signature again") from error


def fitted(given: Any, wanted: Sequence[Wanted], where: str) -> Inputs:
    """Give examples the names and types of a signature.

    ``given`` is a data frame, an array, a list of texts, or arrays by name. A whole-numbered column that may be
    missing is one of 64-bit floats, as in pandas. Raises Failure where the examples don't fit, with the input's name.
    """
    if wanted[0].shape is not None:
        return _tensors(given, wanted, where)
    if not wanted[0].name:
        return _nameless(given, wanted, where)
    return _columns(given, wanted, where)


def _wanted(entry: Mapping[str, Any], where: str) -> Wanted:
    name, kind = str(entry.get("name", "")), entry["type"]
    if kind == "tensor":
        said = str(entry["tensor-spec"]["dtype"])
        shape = tuple(int(size) for size in entry["tensor-spec"]["shape"])[1:]
        return Wanted(name, _known(TENSOR_TYPES, said, name, where), shape=shape)
    required = entry.get("required", not entry.get("optional", False))
    return Wanted(name, _known(COLUMN_TYPES, str(kind), name, where), nullable=not required)


def _known(types: Mapping[str, Dtype], said: str, name: str, where: str) -> Dtype:
    if said not in types:
        what = f"the input {name!r} has the type {said}, which has no counterpart here"
        raise Failure(where, what, f"log the model with inputs of {', '.join(types)}")
    return types[said]


def _columns(given: Any, wanted: Sequence[Wanted], where: str) -> Inputs:
    import pandas as pd

    frame = _frame(given, wanted, where)
    columns = {one.name: _cast(frame[one.name], one, where) for one in wanted}
    optional = [one.name for one in wanted if one.nullable and one.dtype != "bool"]  # no truth value means missing
    made = Inputs.of(pd.DataFrame(columns), nullable=optional)
    types = {one.name: _lasting(one) for one in wanted}
    tensors = [tensor.model_copy(update={"dtype": types[tensor.name]}) for tensor in made.tensors]
    batch = {tensor.name: made.batch[tensor.name].astype(ARRAY_TYPES[tensor.dtype]) for tensor in tensors}
    return replace(made, batch=batch, tensors=tuple(tensors))


def _frame(given: Any, wanted: Sequence[Wanted], where: str) -> Any:
    """Give the examples as a data frame of the signature's columns; one that may be missing may be missing."""
    import pandas as pd

    names = [one.name for one in wanted]
    if isinstance(given, Mapping):
        given = pd.DataFrame(dict(given))
    if not hasattr(given, "columns"):
        array = np.asarray(given)
        if array.ndim != 2 or array.shape[1] != len(names):
            what = f"the examples have shape {array.shape} for {len(names)} columns"
            raise Failure(where, what, "give examples with these columns")
        given = pd.DataFrame(array, columns=names)
    given = given.rename(columns=str)
    lacking = [one.name for one in wanted if one.name not in given.columns and not one.nullable]
    if lacking:
        raise Failure(where, f"the examples lack {', '.join(map(repr, lacking[:5]))}", "give a value of each column")
    return given.reindex(columns=names)


def _cast(series: Any, one: Wanted, where: str) -> Any:
    """Cast a column; what would change by it, such as 2.5 to a whole number, does not fit."""
    dtype, gaps = _lasting(one), series.isna()
    if gaps.any() and not one.nullable:
        raise Failure(where, f"the examples lack a value of {one.name!r}", "give one, or log it as optional")
    if dtype == "string":
        cast = series.where(~gaps, None).astype(object)
        fine = all(isinstance(entry, str) for entry in cast[~gaps])
    elif dtype == "bool":
        cast, fine = series, bool(series.map(lambda entry: isinstance(entry, bool | np.bool_)).all())
    else:
        cast, fine = _as_number(series, dtype)
    if not fine:
        raise Failure(where, f"the examples' {one.name!r} is not of type {dtype}", "give examples that fit")
    return cast.astype(bool) if dtype == "bool" else cast


def _as_number(series: Any, dtype: Dtype) -> tuple[Any, bool]:
    import pandas as pd

    numbers = pd.to_numeric(series, errors="coerce").astype(np.float64)
    fine = bool((numbers.isna() == series.isna()).all()) and series.dtype != bool
    if dtype == "int64" and fine and bool((numbers == numbers.round()).all()):
        return series.astype(np.int64), True
    return numbers, fine and dtype != "int64"


def _lasting(one: Wanted) -> Dtype:
    return "float64" if one.nullable and one.dtype == "int64" else one.dtype


def _nameless(given: Any, wanted: Sequence[Wanted], where: str) -> Inputs:
    """Columns without names are a list of texts, or an array of numbers."""
    if [one.dtype for one in wanted] == ["string"]:
        texts = np.asarray(given, dtype=object).ravel().tolist()
        if not all(isinstance(text, str) for text in texts):
            raise Failure(where, "the examples are no texts", "give a list of texts")
        return Inputs.of(texts)
    if any(one.dtype in ("string", "bool") for one in wanted):
        raise Failure(where, "its columns have no names and are not all numbers", "log it with a data frame")
    return _array(given, Wanted("", "float64", shape=(len(wanted),)), where)


def _tensors(given: Any, wanted: Sequence[Wanted], where: str) -> Inputs:
    if not wanted[0].name:
        return _array(given, wanted[0], where)
    if not isinstance(given, Mapping):
        given = {wanted[0].name: given} if len(wanted) == 1 else dict(given)
    lacking = [one.name for one in wanted if one.name not in given]
    if lacking:
        raise Failure(where, f"the examples lack {', '.join(map(repr, lacking))}", "give an array of each input")
    made = Inputs.of({one.name: _typed(given[one.name], one, where) for one in wanted})
    types = {one.name: one.dtype for one in wanted}
    return replace(made, tensors=tuple(one.model_copy(update={"dtype": types[one.name]}) for one in made.tensors))


def _array(given: Any, one: Wanted, where: str) -> Inputs:
    made = Inputs.of(_typed(given, one, where))
    (tensor,) = made.tensors
    if tensor.dtype == "string":
        return made
    batch = {LABEL: made.batch[LABEL].astype(ARRAY_TYPES[one.dtype])}
    return replace(made, batch=batch, tensors=(tensor.model_copy(update={"dtype": one.dtype}),))


def _typed(given: Any, one: Wanted, where: str) -> Any:
    array = np.asarray(given.to_numpy() if hasattr(given, "to_numpy") else given)
    wanted, sizes = one.shape or (), array.shape[1:]
    if len(sizes) != len(wanted) or any(want not in (-1, got) for want, got in zip(wanted, sizes, strict=True)):
        what = f"the examples have shape {array.shape} where {one.name or 'a row'} has {wanted}"
        raise Failure(where, what, "give an array of rows of this shape")
    try:
        return array.astype(ARRAY_TYPES[one.dtype])
    except (TypeError, ValueError) as error:
        raise Failure(where, f"the examples' {one.name or 'values'} don't fit ({error})", "give others") from error

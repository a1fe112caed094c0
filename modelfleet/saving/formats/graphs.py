"""Whether a graph from anywhere can serve: it takes the examples as they are, in batches of any size, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet.errors import Failure
from modelfleet.saving import parity
from modelfleet.saving.card import Dtype, Tensor
from modelfleet.saving.inputs import Inputs
from modelfleet_service.runtimes import Answers, Runtime
from modelfleet_service.signature import ARRAY_TYPES

TWICE = [0, 0]
MIXED = 0.01
KINDS = {"f", "i", "u", "b", "O"}
DTYPES: dict[str, Dtype] = {"i": "int64", "u": "int64", "b": "bool"}
NOUNS = {"int64": "whole numbers", "bool": "truth values"}
DYNAMIC = "export it with a batch axis of any size (in PyTorch dynamic_shapes, or dynamic_axes where dynamo=False)"
EVALUATION = "export it in evaluation mode (in PyTorch model.eval()), with no operation across rows"


def fitted(file: Path, graph: Any, inputs: Inputs) -> Inputs:
    """Give inputs the type that the graph has, where that is narrower: whole numbers, or truth values.

    Raises Failure where the graph takes only so many rows at once, or inputs of other names, or where a value is not
    of its type or may be missing.
    """
    held = {tensor.name for tensor in graph.graph.initializer}
    takes = {one.name: one.type.tensor_type for one in graph.graph.input if one.name not in held}
    _refuse_fixed(file, takes)
    known = {name: _kind(file, name, tensor) for name, tensor in takes.items()}
    by_name = _by_name(file, list(takes), inputs)
    kinds = known if by_name else dict.fromkeys(inputs.batch, next(iter(known.values())))
    batch = {one.name: _narrowed(one, inputs.batch[one.name], kinds[one.name]) for one in inputs.tensors}
    tensors = [_typed(one, kinds[one.name]) for one in inputs.tensors]
    return replace(inputs, batch=batch, tensors=tuple(tensors))


def tolerance(graph: Any) -> float:
    """Return how far the answers of two hosts may be apart: more where a graph computes in 16 bits."""
    from onnx import TensorProto

    inner = graph.graph
    kinds = {one.type.tensor_type.elem_type for one in (*inner.input, *inner.value_info, *inner.output)}
    kinds |= {tensor.data_type for tensor in inner.initializer}
    return parity.HALF if kinds & {TensorProto.FLOAT16, TensorProto.BFLOAT16} else parity.TOLERANCE


def refuse_mixing(file: Path, graph: Any, runtime: Runtime, inputs: Inputs, answers: Answers) -> None:
    """Raise Failure where a row can't be scored alone, or the first twice, or is then answered in another way.

    A service scores what comes together in a request, so an answer must not hang on the rows beside it. Only a graph
    that finds the range of its numbers anew in each batch, as dynamic quantization does, may be that inexact.
    """
    from modelfleet_service.runtimes.onnx import reason

    inexact = any(node.op_type.startswith("DynamicQuantize") for node in graph.graph.node)
    for rows in (*([row] for row in range(len(inputs))), TWICE):
        batch = {name: array[rows] for name, array in inputs.batch.items()}
        try:
            again = runtime.score(batch)
        except Exception as error:  # onnxruntime raises classes of its own, without a common base
            what = f"scores {_rows(len(inputs))} at once, but not {len(rows)} ({reason(error)[:300]})"
            raise Failure(str(file), what, DYNAMIC) from error
        known, got = _compared(answers), _compared(again)
        if any(array[rows].shape != got[name].shape for name, array in known.items()):
            what = "answers a row in another shape when other rows are beside it"
            raise Failure(str(file), what, EVALUATION)
        apart = [said for name, array in known.items() if (said := _apart(name, array[rows], got[name]))]
        if apart and not inexact:
            what = f"answers a row in another way when other rows are beside it ({apart[0]})"
            raise Failure(str(file), what, EVALUATION)


def _refuse_fixed(file: Path, takes: dict[str, Any]) -> None:
    for name, tensor in takes.items():
        sizes = tensor.shape.dim
        if len(sizes) and sizes[0].dim_value > 0:
            shape = " x ".join(str(one.dim_value or one.dim_param or "?") for one in sizes)
            what = f"takes exactly {_rows(sizes[0].dim_value)} at once (its input {name!r} has the shape {shape})"
            raise Failure(str(file), what, DYNAMIC)


def _by_name(file: Path, takes: Sequence[str], inputs: Inputs) -> bool:
    """Tell whether inputs go to a graph's by name; all go to a single one as one matrix, or under any name."""
    has = {one.name: one.shape for one in inputs.tensors}
    if len(takes) == 1 and not (has.get(takes[0]) and len(has) > 1):
        return False
    if set(takes) != set(has):
        what = f"takes {_listed(takes)}, and the examples have {_listed(list(has))}"
        cure = "give an array for each of its inputs, and no other (an .npz file, or a dict in Python)"
        raise Failure(str(file), what, cure)
    return True


def _narrowed(tensor: Tensor, array: NDArray[Any], kind: str) -> NDArray[Any]:
    dtype = _dtype(tensor, kind)
    if dtype == tensor.dtype:
        return array
    with np.errstate(invalid="ignore"):
        narrowed = array.astype(ARRAY_TYPES[dtype])
    if tensor.nullable or not np.array_equal(narrowed, array):
        what = "may be missing" if tensor.nullable else f"holds something else than {NOUNS[dtype]}"
        raise Failure(f"inputs.{tensor.name}", f"{what}, and the graph takes {NOUNS[dtype]}", f"give {NOUNS[dtype]}")
    return narrowed


def _typed(tensor: Tensor, kind: str) -> Tensor:
    return tensor.model_copy(update={"dtype": _dtype(tensor, kind)})


def _dtype(tensor: Tensor, kind: str) -> Dtype:
    """Return the type of an input for a graph's element type, by NumPy's letter; what is text stays text."""
    return tensor.dtype if tensor.dtype in ("string", "bool") else DTYPES.get(kind, tensor.dtype)


def _kind(file: Path, name: str, tensor: Any) -> str:
    """Return NumPy's letter for the element type of a graph's input."""
    from onnx.helper import tensor_dtype_to_np_dtype

    kind = str(tensor_dtype_to_np_dtype(tensor.elem_type).kind) if tensor.elem_type else "no tensor"
    if kind not in KINDS:
        cure = "export it with inputs that are arrays of float32, whole numbers, truth values or texts"
        raise Failure(str(file), f"its input {name!r} has a type that no example can have", cure)
    return kind


def _rows(count: int) -> str:
    return f"{count} row{'s' if count > 1 else ''}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "nothing"


def _compared(answers: Answers) -> dict[str, NDArray[Any]]:
    """Return the answers that are compared, by name: labels don't count."""
    said = answers.values if answers.probabilities is None else {"probabilities": answers.probabilities}
    return {name: np.asarray(array) for name, array in said.items()}


def _apart(name: str, one: NDArray[Any], other: NDArray[Any]) -> str:
    """Say how answers of the same shape are apart, floats in relation to their size (at least 1); empty if not."""
    if one.dtype.kind != "f":
        return "" if np.array_equal(one, other) else f"{name!r} differs"
    gap = np.abs(one - other).max() / max(1.0, np.abs(one).max())
    return "" if gap <= MIXED else f"by {gap:.2g}"

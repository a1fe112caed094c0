"""Small ONNX graphs with the traits of those that PyTorch's exporters write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Tensors = Mapping[str, tuple[int, Sequence[Any]]]
"""Element types and shapes by name; an axis is a number, or the name of one of any size."""

FLOAT = TensorProto.FLOAT
ROWS = ("batch", 3)
EYE = {"eye": np.eye(3, dtype=np.float32)}


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> NodeProto:
    """Make a node of the standard's operators."""
    return helper.make_node(kind, inputs, outputs, **attributes)


def graph(
    nodes: Sequence[NodeProto], ins: Tensors, outs: Tensors, weights: Mapping[str, Any] | None = None, opset: int = 20
) -> ModelProto:
    """Make a graph as torch.onnx.export does by default: opset 20, IR version 10."""
    tensors = [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()]
    made = helper.make_graph(nodes, "main_graph", _infos(ins), _infos(outs), tensors)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(made, producer_name="pytorch", opset_imports=opsets, ir_version=10)


def linear(shape: Sequence[Any] = ROWS, kind: int = FLOAT, weights: Mapping[str, Any] | None = None) -> ModelProto:
    """Make a graph that answers its three numbers a row as ``logits``."""
    product = node("MatMul", ["x", "eye"], ["logits"])
    return graph([product], {"x": (kind, shape)}, {"logits": (kind, [shape[0], 3])}, weights or EYE)


def embedding() -> ModelProto:
    """Make a graph of three whole numbers a row, each an index into five vectors of two numbers."""
    ids = {"input_ids": (TensorProto.INT64, ROWS)}
    table = {"table": np.arange(10, dtype=np.float32).reshape(5, 2)}
    return graph([node("Gather", ["table", "input_ids"], ["vectors"])], ids, {"vectors": (FLOAT, [*ROWS, 2])}, table)


def pixels(kind: int = TensorProto.UINT8) -> ModelProto:
    """Make a graph that makes floats of three numbers a row of another element type."""
    cast = node("Cast", ["pixels"], ["floats"], to=FLOAT)
    return graph([cast], {"pixels": (kind, ROWS)}, {"floats": (FLOAT, ROWS)})


def _infos(tensors: Tensors) -> list[Any]:
    return [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in tensors.items()]

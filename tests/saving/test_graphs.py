"""Graphs as PyTorch exports them: what a service can't score as it was meant is refused in a line, with the cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto

import modelfleet
from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet_service.model import Model
from modelfleet_service.scorer import load
from tests.graphs import EYE, FLOAT, ROWS, embedding, graph, linear, node, pixels

DICE = np.random.default_rng(8)
NUMBERS = DICE.normal(size=(30, 3)).astype(np.float32)
WHOLE = DICE.integers(0, 5, size=(30, 3))
X = {"x": (FLOAT, ROWS)}
HALF_EYE = {"eye": np.eye(3, dtype=np.float16)}


def saved(model: Any, place: Path, inputs: Any = NUMBERS, **more: Any) -> Model:
    """Save a graph, and read what was saved."""
    modelfleet.save(model, "net", inputs=inputs, store_path=place, **more)
    return stores.find("net:1", place)


def refused(words: str, model: Any, place: Path, inputs: Any = NUMBERS, **more: Any) -> None:
    """See that a graph is refused with these words, and nothing saved."""
    with pytest.raises(Failure, match=words) as caught:
        saved(model, place, inputs, **more)
    assert "\n" not in str(caught.value)
    assert stores.names(place) == []


def softmax(axis: int) -> ModelProto:
    """A graph of one softmax."""
    return graph([node("Softmax", ["x"], ["p"], axis=axis)], X, {"p": (FLOAT, ROWS)})


@pytest.mark.parametrize(("size", "rows"), [(1, "1 row"), (16, "16 rows")])
def test_a_graph_of_a_fixed_batch_is_refused_also_where_the_examples_fit_it(
    tmp_path: Path, size: int, rows: str
) -> None:
    words = (
        f"takes exactly {rows} at once .*'x' has the shape {size} x 3.*; export it .*dynamic_shapes, or dynamic_axes"
    )
    for inputs in (NUMBERS, NUMBERS[:size]):
        refused(words, linear((size, 3)), tmp_path, inputs)


@pytest.mark.parametrize(("size", "other"), [(1, 2), (2, 1), (24, 1)])
def test_a_batch_size_that_the_tracing_left_inside_is_refused(tmp_path: Path, size: int, other: int) -> None:
    """The graph says that its batch axis is of any size, and reshapes to what the trace had."""
    shape = {"shape": np.array([size, 3])}
    traced = graph([node("Reshape", ["x", "shape"], ["y"])], X, {"y": (FLOAT, ROWS)}, shape)
    words = f"scores {size} rows? at once, but not {other} .*; export it with a batch axis of any size"
    refused(words, traced, tmp_path, NUMBERS[:size])


@pytest.mark.parametrize(
    ("kind", "shape", "words"),
    [
        ("ReduceMean", (), r"answers 'y' of shape \(\) to 24 rows"),
        ("Transpose", (3, "batch"), r"answers 'y' of shape \(3, 24\)"),
    ],
)
def test_an_answer_that_is_not_one_a_row_is_refused(
    tmp_path: Path, kind: str, shape: tuple[Any, ...], words: str
) -> None:
    attributes = {"keepdims": 0} if kind == "ReduceMean" else {}
    other = graph([node(kind, ["x"], ["y"], **attributes)], X, {"y": (FLOAT, shape)})
    refused(f"{words}.*; give only answers whose first axis is that of the rows", other, tmp_path)


def test_an_answer_that_hangs_on_the_rows_beside_it_is_refused(tmp_path: Path) -> None:
    for inputs in (NUMBERS, NUMBERS[:1]):
        words = r"when other rows are beside it \(by .*\); export it in evaluation mode"
        refused(words, softmax(0), tmp_path, inputs)
    assert saved(softmax(1), tmp_path / "other")


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING])
def test_another_answer_than_a_float_that_hangs_on_the_rows_beside_it_is_refused(tmp_path: Path, kind: int) -> None:
    """Whether a number is the largest of its column is said as a whole number, a truth value and a text."""
    nodes = [
        node("ReduceMax", ["x", "rows"], ["largest"]),
        node("Equal", ["x", "largest"], ["truth"]),
        node("Cast", ["truth"], ["y"], to=kind),
    ]
    words = r"answers a row in another way when other rows are beside it \('y' differs\); export it in evaluation mode"
    refused(words, graph(nodes, X, {"y": (kind, ROWS)}, {"rows": np.array([0])}), tmp_path)


def test_a_row_that_has_no_answer_alone_hangs_on_the_rows_beside_it(tmp_path: Path) -> None:
    """A spread across rows is nothing in a single one, and NaN comes of a division by it."""
    nodes = [
        node("ReduceMax", ["x", "rows"], ["most"]),
        node("Sub", ["x", "most"], ["below"]),
        node("ReduceMin", ["below", "rows"], ["spread"]),
        node("Div", ["below", "spread"], ["y"]),
    ]
    words = r"answers a row in another way when other rows are beside it \(by nan\); export it in evaluation mode"
    refused(words, graph(nodes, X, {"y": (FLOAT, ROWS)}, {"rows": np.array([0])}), tmp_path)


def test_dynamic_quantization_is_as_inexact_as_it_is(tmp_path: Path) -> None:
    """The range of the whole batch is quantized, so that a small row beside a large one is answered coarsely."""
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    assert saved(graph(nodes, X, {"y": (FLOAT, ROWS)}), tmp_path, np.array([[0.1, 0.2, 0.3], [90.0, 0.0, -90.0]]))


def test_whole_numbers_are_whole_numbers_in_the_signature(tmp_path: Path) -> None:
    model = saved(embedding(), tmp_path, WHOLE)
    assert [(one["dtype"], one["shape"]) for one in model.signature["inputs"]] == [("int64", [3])]
    assert load(model).predict([[0, 1, 4]])[0] == {"vectors": [[0.0, 1.0], [2.0, 3.0], [8.0, 9.0]]}


def test_truth_values_are_truth_values_in_the_signature(tmp_path: Path) -> None:
    model = saved(pixels(TensorProto.BOOL), tmp_path, WHOLE > 2)
    assert model.signature["inputs"][0]["dtype"] == "bool"
    assert load(model).predict([[True, False, True]]) == [{"floats": [1.0, 0.0, 1.0]}]


def test_examples_that_a_graph_would_cut_to_whole_numbers_are_refused(tmp_path: Path) -> None:
    words = r"inputs\.features: {}, and the graph takes whole numbers; give whole numbers"
    refused(words.format("holds something else than whole numbers"), embedding(), tmp_path, WHOLE + 0.5)
    refused(words.format("may be missing"), embedding(), tmp_path, WHOLE, nullable=["features"])


def test_examples_beyond_a_graph_s_element_type_are_refused(tmp_path: Path) -> None:
    refused(r"expected numbers from 0 to 255 for 'pixels', got 256", pixels(), tmp_path, WHOLE + 252)


@pytest.mark.parametrize("names", [["pixels"], ["pixels", "cod"], ["pixels", "code", "more"]])
def test_examples_of_other_names_than_the_graph_s_are_refused(tmp_path: Path, names: list[str]) -> None:
    two = {"pixels": (FLOAT, ROWS), "code": (FLOAT, ROWS)}
    add = graph([node("Add", ["pixels", "code"], ["y"])], two, {"y": (FLOAT, ROWS)})
    has = ", ".join(map(repr, names))
    words = f"takes 'pixels', 'code', and the examples have {has}; give an array for each of its inputs, and no other"
    refused(words, add, tmp_path, dict.fromkeys(names, NUMBERS))


def test_an_input_that_the_exporter_left_out_is_refused(tmp_path: Path) -> None:
    refused("takes 'x', and the examples have 'x', 'unused'", linear(), tmp_path, {"x": NUMBERS, "unused": NUMBERS})


def test_a_graph_that_takes_nothing_is_refused(tmp_path: Path) -> None:
    constant = graph([node("Identity", ["eye"], ["y"])], {}, {"y": (FLOAT, (3, 3))}, EYE)
    refused("takes nothing, and the examples have 'features'", constant, tmp_path)


@pytest.mark.parametrize("kind", [TensorProto.BFLOAT16, TensorProto.UNDEFINED])
def test_an_input_that_is_no_array_of_numpy_s_is_refused(tmp_path: Path, kind: int) -> None:
    """The type of a sequence or a map is undefined where that of a tensor stands."""
    refused("its input 'pixels' has a type that no example can have; export it with", pixels(kind), tmp_path)


def test_a_graph_that_onnxruntime_can_t_load_is_named_with_the_reason(tmp_path: Path) -> None:
    newer = graph([node("Relu", ["x"], ["y"])], X, {"y": (FLOAT, ROWS)}, opset=99)
    onnx.save(newer, tmp_path / "newer.onnx")
    words = r"newer\.onnx: onnxruntime can't load it \(FAIL : [^/]*\); export it with what onnxruntime .* has"
    refused(words, tmp_path / "newer.onnx", tmp_path / "store")


def test_labels_that_are_none_of_the_classes_are_refused(tmp_path: Path) -> None:
    """PyTorch's argmax gives the class's number, and not its label."""
    nodes = [node("Softmax", ["x"], ["p"], axis=1), node("ArgMax", ["p"], ["best"], axis=1, keepdims=0)]
    outs = {"best": (TensorProto.INT64, ["batch"]), "p": (FLOAT, ROWS)}
    words = r"labels that are none of the classes \('0', '1', '2'\); export the probabilities alone"
    refused(words, graph(nodes, X, outs), tmp_path, classes=["cat", "dog", "bird"])
    assert saved(graph(nodes, X, outs), tmp_path, classes=[0, 1, 2])


def test_who_said_an_activation_is_not_told_to_say_one(tmp_path: Path) -> None:
    nodes = [node("ArgMax", ["x"], ["best"], axis=1, keepdims=0), node("Identity", ["x"], ["logits"])]
    outs = {"best": (TensorProto.INT64, ["batch"]), "logits": (FLOAT, ROWS)}
    words = "its scores are no probabilities; export probabilities$"
    refused(words, graph(nodes, X, outs), tmp_path, classes=[0, 1, 2], activation="softmax")


def test_several_answers_have_their_names_and_types(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "eye"], ["logits"]), node("IsNaN", ["logits"], ["odd"])]
    outs = {"logits": (FLOAT, ROWS), "odd": (TensorProto.BOOL, ROWS)}
    model = saved(graph(nodes, X, outs, EYE), tmp_path)
    assert [(one["name"], one["dtype"]) for one in model.signature["outputs"]] == [
        ("logits", "float64"),
        ("odd", "bool"),
    ]


def test_truth_values_have_no_mean(tmp_path: Path) -> None:
    odd = graph([node("IsNaN", ["x"], ["odd"])], X, {"odd": (TensorProto.BOOL, ROWS)})
    for name in ("one", "two"):
        modelfleet.save(odd, name, inputs=NUMBERS, store_path=tmp_path)
    with pytest.raises(Failure, match=r"mean: one:1 answers something else than numbers \(odd\)"):
        modelfleet.combine("both", members=["one:1", "two:1"], how="mean", store_path=tmp_path)


@pytest.mark.parametrize("inside", [False, True])
def test_what_computes_in_float16_may_differ_by_a_few_of_its_units(tmp_path: Path, inside: bool) -> None:
    """Another processor's kernels round otherwise; its golden set must hold there, too."""
    half = linear(kind=TensorProto.FLOAT16, weights=HALF_EYE)
    nodes = [node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16), node("MatMul", ["h", "eye"], ["p"])]
    within = graph([*nodes, node("Cast", ["p"], ["y"], to=FLOAT)], X, {"y": (FLOAT, ROWS)}, HALF_EYE)
    model = saved(within if inside else half, tmp_path)
    assert model.scoring["tolerance"] == 2**-8
    assert min(row.tolerance for row in model.golden) == 2**-8


def test_an_ensemble_is_as_inexact_as_its_members(tmp_path: Path) -> None:
    half = linear(kind=TensorProto.FLOAT16, weights=HALF_EYE)
    for name, model in (("one", linear()), ("two", half)):
        modelfleet.save(model, name, inputs=NUMBERS, store_path=tmp_path)
    modelfleet.combine("both", members=["one:1", "two:1"], how="mean", store_path=tmp_path)
    assert min(row.tolerance for row in stores.find("both:1", tmp_path).golden) == 2**-8


def test_a_row_whose_answer_is_as_wide_as_the_widest_of_its_batch_is_refused(tmp_path: Path) -> None:
    """Numbers that are zero in every row are cut off, as padding is."""
    nodes = [
        node("Abs", ["x"], ["sizes"]),
        node("ReduceMax", ["sizes", "rows"], ["largest"], keepdims=0),
        node("Cast", ["largest"], ["some"], to=TensorProto.BOOL),
        node("Compress", ["x", "some"], ["cut"], axis=1),
    ]
    trimming = graph(nodes, X, {"cut": (FLOAT, ["batch", "width"])}, {"rows": np.array([0])})
    for width in (1, 2, 3):
        padded = np.where(np.arange(3) < width, NUMBERS, 0).astype(np.float32)
        padded[0, 1:] = 0
        if width > 1:
            words = "answers a row in another shape when other rows are beside it; export it in evaluation mode"
            refused(words, trimming, tmp_path, padded)
    padded = np.where(np.arange(30)[:, None] == 0, NUMBERS, 0).astype(np.float32)
    padded[:, 0] = NUMBERS[:, 0]
    refused(words, trimming, tmp_path, padded)
    padded = np.zeros((30, 3), dtype=np.float32)
    refused(r"answers .cut. of shape \(24, 0\) to 24 rows", trimming, tmp_path, padded)

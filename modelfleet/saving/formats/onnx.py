"""ONNX: conversion from scikit-learn with a measured parity, and graphs from anywhere with their external data."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelfleet.errors import Failure
from modelfleet.saving import parity
from modelfleet.saving.card import Scoring
from modelfleet.saving.estimators import classes_of, own_answers, plain, refuse_unfit
from modelfleet.saving.formats import graphs
from modelfleet.saving.inputs import Inputs
from modelfleet_service.errors import ModelError
from modelfleet_service.model import CARD, MANIFEST
from modelfleet_service.runtimes import Answers, Runtime

FILE = "model.onnx"
NEEDS = ("onnxruntime", "numpy")
LARGEST_GRAPH_BYTES = 2**31 - 1


def convert(estimator: Any, inputs: Inputs, folder: Path) -> Scoring:
    """Convert a scikit-learn estimator; the parity is measured on all inputs.

    Raises Failure where ONNX can't express it, and parity.Apart where its answers are not the estimator's.
    """
    expected = own_answers(estimator, inputs)
    failures = []
    for types in _types(inputs):
        try:
            got = _converted(estimator, types, inputs, folder / FILE)
            gap = parity.measure(type(estimator).__name__, expected, got)
            return Scoring(runtime="onnx", file=FILE, tolerance=parity.TOLERANCE, parity=gap, parity_rows=len(inputs))
        except Failure as failure:
            failures.append(failure)
    raise next((failure for failure in failures if isinstance(failure, parity.Apart)), failures[-1])


def read(file: Path) -> Any:
    """Read a graph, without the data that it keeps in other files; raise Failure where it is no ONNX file."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        if file.stat().st_size > LARGEST_GRAPH_BYTES:
            raise Failure(str(file), "is larger than a protobuf can be", "export it with external data")
        graph = onnx.load(file, load_external_data=False)
    except (OSError, DecodeError) as error:
        raise Failure(str(file), f"not an ONNX file ({error})", "export the model to ONNX again") from error
    if not graph.graph.output:
        raise Failure(str(file), "not an ONNX file (it has no outputs)", "export the model to ONNX again")
    return graph


def take(
    file: Path, graph: Any, folder: Path, inputs: Inputs, classes: Sequence[Any], activation: str | None
) -> tuple[Scoring, Answers]:
    """Copy a graph that was read and its external data; return how it is scored and its answers.

    The only answer of a row, if it is a single number, is ``value``. Raises Failure where the data lies outside of its
    folder, it can't be scored, it answers NaN or not row by row, or a classifier's scores are no probabilities and no
    ``activation`` is given.
    """
    from modelfleet_service.runtimes.onnx import reason

    _copy(file, graph, folder)
    names = [entry.name for entry in graph.graph.output]
    said: Any = activation or "none"
    runtime = _runtime(folder / FILE, classes, names, str(file), said)
    try:
        answers = runtime.score(inputs.batch)
    except Exception as error:  # onnxruntime raises classes of its own, without a common base
        what = f"can't score the examples ({reason(error)[:300]})"
        raise Failure(str(file), what, "check their shape and order") from error
    refuse_unfit(str(file), answers, len(inputs))
    if classes:
        _refuse_scores(file, answers, classes, said)
    graphs.refuse_mixing(file, graph, runtime, inputs, answers)
    if len(names) == 1 and not classes and answers.values[names[0]].ndim == 1:
        answers = Answers(values={"value": answers.values[names[0]]})
    return Scoring(runtime="onnx", file=FILE, tolerance=graphs.tolerance(graph), activation=said), answers


def external_data(graph: Any) -> list[str]:
    """Name the files, beside its own, in which a loaded graph keeps tensors."""
    from onnx.external_data_helper import ExternalDataInfo, _get_all_tensors, uses_external_data

    return sorted({ExternalDataInfo(one).location for one in _get_all_tensors(graph) if uses_external_data(one)})


def _types(inputs: Inputs) -> Iterator[list[tuple[str, Any]]]:
    """Give the inputs that a graph may have: one matrix of numbers, or a column each; numbers are 32-bit floats."""
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    rows = inputs.as_matrix()
    if rows is not None:
        yield [("X", FloatTensorType([None, rows.shape[1]]))]
    if rows is None or hasattr(inputs.native, "columns"):
        yield [
            (tensor.name, (StringTensorType if tensor.dtype == "string" else FloatTensorType)([None, 1]))
            for tensor in inputs.tensors
        ]


def _converted(estimator: Any, types: list[tuple[str, Any]], inputs: Inputs, path: Path) -> Answers:
    """Write a converted estimator and return what it answers to the inputs."""
    from skl2onnx import to_onnx

    where, classes = type(estimator).__name__, classes_of(estimator)
    options = {id(estimator): {"zipmap": False}} if classes else None
    try:
        graph = to_onnx(estimator, initial_types=types, options=options)
    except Exception as error:  # skl2onnx raises many classes, one for each thing it can't do
        reason = " ".join(str(error).split())[:200]
        raise Failure(where, f"ONNX can't express it ({reason})", "save it with format='skops'") from error
    path.write_bytes(graph.SerializeToString())
    try:
        return _runtime(path, classes, ["value"]).score(inputs.batch)
    except Exception as error:  # onnxruntime raises classes of its own, without a common base
        reason = " ".join(str(error).split())[:200]
        raise Failure(where, f"onnxruntime can't score it ({reason})", "save it with format='skops'") from error


def _copy(file: Path, graph: Any, folder: Path) -> None:
    """Copy a graph under its standard name, and its data under theirs."""
    for location in external_data(graph):
        _copy_data(file, location, folder)
    shutil.copyfile(file, folder / FILE)


def _copy_data(file: Path, location: str, folder: Path) -> None:
    source = file.parent / location
    if Path(location).name != location or location in (".", "..", FILE, CARD, MANIFEST):
        cure = "export it with its data beside it, under a plain name"
        raise Failure(str(file), f"keeps tensors in {location!r}, outside of its folder or over another file", cure)
    if source.is_symlink() or not source.is_file():
        raise Failure(str(source), "is missing or a link; the graph keeps tensors there", "put it beside the graph")
    shutil.copyfile(source, folder / location)


def _refuse_scores(file: Path, answers: Answers, classes: Sequence[Any], activation: str) -> None:
    shares = np.asarray(answers.probabilities)
    if shares.ndim != 2 or shares.shape[1] != len(classes):
        raise Failure(
            str(file), f"gives shape {shares.shape} for {len(classes)} classes", "check `classes` in the card"
        )
    if (shares < 0).any() or not np.allclose(shares.sum(axis=1), 1.0, atol=1e-3):
        other = "say `activation: softmax` or `activation: sigmoid` in the card, or "
        cure = f"{other if activation == 'none' else ''}export probabilities"
        raise Failure(str(file), "its scores are no probabilities", cure)
    odd = sorted(set(plain(np.asarray(answers.labels))) - set(classes))
    if odd:
        what = f"its first output has labels that are none of the classes ({', '.join(map(repr, odd[:3]))})"
        raise Failure(str(file), what, "export the probabilities alone")


def _runtime(
    path: Path, classes: Sequence[Any], outputs: Sequence[str], where: str = "", activation: str = "none"
) -> Runtime:
    import onnxruntime

    from modelfleet_service.runtimes.onnx import OnnxRuntime

    try:
        return OnnxRuntime(path, classes, outputs, activation)
    except ModelError as error:
        cure = f"export it with what onnxruntime {onnxruntime.__version__} has: float32, and an older opset"
        raise Failure(where or path.name, error.what, cure) from error

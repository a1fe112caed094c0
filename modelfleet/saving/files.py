"""Which way of saving fits a file, a folder, or a graph in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelfleet.errors import Failure, refuse_missing
from modelfleet.saving.finish import SavedModel, Wish
from modelfleet.saving.fitted import save_skops
from modelfleet.saving.formats import onnx
from modelfleet.saving.inputs import Inputs
from modelfleet.saving.taking import save_booster, save_code, save_onnx

KINDS = (
    "an .onnx, .skops, .ubj (XGBoost) or .txt (LightGBM) file, or a folder of code with --entry (entry=... in Python)"
)
GRAPH = "the ONNX model"


def save(
    file: Path,
    inputs: Inputs,
    card: Mapping[str, Any],
    wish: Wish,
    entry: str | None = None,
    targets: Sequence[Any] | None = None,
) -> SavedModel:
    """Save a file, or a folder of code, as the next version of a name; raise Failure, with nothing saved."""
    refuse_missing(file)
    if entry and not file.is_dir():
        raise Failure(str(file), "is no folder of code, and an entry was given", "leave the entry out")
    if entry:
        return save_code(file, entry, inputs, card, wish, targets)
    if file.suffix == ".onnx":
        return save_onnx(file, inputs, card, wish, targets)
    if file.suffix == ".skops":
        return save_skops(file, inputs, card, wish, targets)
    if file.suffix in (".ubj", ".txt") and file.is_file():
        return save_booster(file, inputs, card, wish, targets)
    raise Failure(str(file), "not a file that can be saved", f"give {KINDS}")


def graph_of(model: Any) -> Any:
    """Return an ``onnx.ModelProto``, also that of a ``torch.onnx.ONNXProgram``; None where it is neither.

    Neither onnx nor torch is imported for it.
    """
    kind, origin = type(model).__name__, type(model).__module__.partition(".")[0]
    if (origin, kind) == ("torch", "ONNXProgram"):
        return model.model_proto
    return model if (origin, kind) == ("onnx", "ModelProto") else None


def save_graph(
    graph: Any, inputs: Inputs, card: Mapping[str, Any], wish: Wish, targets: Sequence[Any] | None = None
) -> SavedModel:
    """Save an ``onnx.ModelProto`` as an ONNX file is; raise Failure, with nothing saved.

    One that keeps tensors in files, or is larger than a protobuf can be, has to be given as a file.
    """
    beside = onnx.external_data(graph)
    if beside:
        raise Failure(GRAPH, f"keeps tensors in {beside[0]!r}", "give the path of its file, with that beside it")
    if graph.ByteSize() > onnx.LARGEST_GRAPH_BYTES:
        cure = "write it with onnx.save(..., save_as_external_data=True), and give the path"
        raise Failure(GRAPH, "is larger than a protobuf can be", cure)
    with tempfile.TemporaryDirectory(prefix="modelfleet-") as folder:
        file = Path(folder) / onnx.FILE
        file.write_bytes(graph.SerializeToString())
        try:
            return save_onnx(file, inputs, card, wish, targets)
        except Failure as failure:
            if failure.where != str(file):
                raise
            raise Failure(GRAPH, failure.what, failure.cure) from failure

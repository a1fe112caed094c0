"""A model repository of the Triton Inference Server: ONNX graphs, and boosters for its FIL backend.

Layout and configuration: docs/user_guide/model_repository.md and model_configuration.md of
triton-inference-server/server; the names of a booster's file, tensors and parameters: docs/model_config.md of
triton-inference-server/fil_backend.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelfleet.exports import copy_artefact, refused
from modelfleet_service.model import Model

MOST = 1024
LABELS = "labels.txt"
TYPES = {
    "tensor(float16)": "TYPE_FP16",
    "tensor(float)": "TYPE_FP32",
    "tensor(double)": "TYPE_FP64",
    "tensor(int8)": "TYPE_INT8",
    "tensor(int16)": "TYPE_INT16",
    "tensor(int32)": "TYPE_INT32",
    "tensor(int64)": "TYPE_INT64",
    "tensor(uint8)": "TYPE_UINT8",
    "tensor(uint16)": "TYPE_UINT16",
    "tensor(uint32)": "TYPE_UINT32",
    "tensor(uint64)": "TYPE_UINT64",
    "tensor(bool)": "TYPE_BOOL",
    "tensor(string)": "TYPE_STRING",
}
BOOSTERS = {"xgboost": ("xgboost_ubj", "xgboost.ubj"), "lightgbm": ("lightgbm", "model.txt")}


def write(model: Model, target: Path, _: Sequence[Model] = ()) -> None:
    """Write a repository with this version alone; raise Failure where Triton has no backend for it."""
    home = target / model.name
    folder = home / str(model.version)
    if model.scoring["runtime"] == "onnx":
        folder.mkdir(parents=True)
        copy_artefact(model, folder, "model.onnx")
        text = _onnx(model)
    elif model.scoring["runtime"] in BOOSTERS:
        folder.mkdir(parents=True)
        _copy_booster(model, folder)
        text = _booster(model)
    else:
        raise refused(model, "Triton", "an ONNX model, an XGBoost or a LightGBM booster")
    classes = model.signature.get("classes") or []
    (home / "config.pbtxt").write_text(f"# {model.reference}, {model.digest}\n{text}")
    if classes:
        (home / LABELS).write_text("".join(f"{label}\n" for label in classes))


def _onnx(model: Model) -> str:
    """Describe a graph; Triton batches it if every tensor's first axis is of any size."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model.path / model.scoring["file"]), providers=["CPUExecutionProvider"])
    tensors = [*session.get_inputs(), *session.get_outputs()]
    batched = all(one.shape and not isinstance(one.shape[0], int) for one in tensors)
    count = len(model.signature.get("classes") or [])
    ins = [_tensor("input", one.name, TYPES[one.type], one.shape, batched) for one in session.get_inputs()]
    outs = [
        _tensor("output", one.name, TYPES[one.type], one.shape, batched, bool(count) and one.shape[1:] == [count])
        for one in session.get_outputs()
    ]
    return _config(model, "onnxruntime", batched, [*ins, *outs])


def _tensor(role: str, name: str, kind: str, shape: Sequence[Any], batched: bool, labelled: bool = False) -> str:
    """Describe a tensor; one without further axes has one of size 1 for clients, as the protocol wants it."""
    sizes = [size if isinstance(size, int) else -1 for size in (shape[1:] if batched else shape)]
    lines = [f"name: {json.dumps(name)}", f"data_type: {kind}", f"dims: {sizes or [1]}"]
    if not sizes:
        lines.append("reshape: { shape: [ ] }")
    if labelled:
        lines.append(f'label_filename: "{LABELS}"')
    return f"{role} [\n  {{\n" + "".join(f"    {line}\n" for line in lines) + "  }\n]\n"


def _booster(model: Model) -> str:
    """Describe a booster; of two classes the FIL backend gives the second's probability alone."""
    count = len(model.signature.get("classes") or [])
    width = sum(_size(one.get("shape") or []) for one in model.signature["inputs"])
    answers = count if count > 2 else _size(next(iter(model.signature["outputs"])).get("shape") or [])
    said = {"model_type": BOOSTERS[model.scoring["runtime"]][0]}
    said |= {"output_class": "true", "predict_proba": "true"} if count else {"output_class": "false"}
    parts = [
        _tensor("input", "input__0", "TYPE_FP32", [None, width], True),
        _tensor("output", "output__0", "TYPE_FP32", [None, answers], True, count > 2),
        *(
            f'parameters {{\n  key: "{key}"\n  value: {{ string_value: "{value}" }}\n}}\n'
            for key, value in said.items()
        ),
    ]
    return _config(model, "fil", True, parts)


def _config(model: Model, backend: str, batched: bool, parts: Sequence[str]) -> str:
    head = f'name: "{model.name}"\nbackend: "{backend}"\nmax_batch_size: {MOST if batched else 0}\n'
    versions = f"version_policy {{ specific {{ versions: [ {model.version} ] }} }}\n"
    batching = "dynamic_batching { }\n" if batched else ""
    return "".join([head, versions, *parts, batching])


def _copy_booster(model: Model, folder: Path) -> None:
    """Copy a booster; of an XGBoost one that was stopped early only the rounds that count, as FIL takes them all."""
    name = BOOSTERS[model.scoring["runtime"]][1]
    if model.scoring["runtime"] == "xgboost":
        import xgboost

        booster = xgboost.Booster({"nthread": 1}, model_file=model.path / model.scoring["file"])
        best = booster.attr("best_iteration")
        if best is not None:
            booster[: int(best) + 1].save_model(folder / name)
            return
    copy_artefact(model, folder, name)


def _size(shape: Sequence[int]) -> int:
    size = 1
    for one in shape:
        size *= one
    return size

"""An MLflow model directory, which `modelfleet model save` and MLflow itself can read.

Layout: https://mlflow.org/docs/latest/ml/model/ (MLmodel, input example, environment), with the flavors as mlflow/onnx,
mlflow/xgboost, mlflow/lightgbm and mlflow/sklearn write them. What MLflow has no field for, a classifier's labels and
where the model comes from, stands in ``metadata``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from modelfleet import requirements
from modelfleet.exports import copy_artefact, refused
from modelfleet.saving.locks import PYTHONS
from modelfleet_service.model import Model

ROWS = 5
COLUMN_TYPES = {"float32": "float", "float64": "double", "int64": "long", "bool": "boolean", "string": "string"}
TENSOR_TYPES = {"string": "str"}

Flavor = tuple[str, str, Callable[[Mapping[str, str]], dict[str, Any]]]
"""A flavor's name, its artefact's, and what it says, from the versions of the lock."""

FLAVORS: dict[str, Flavor] = {
    "onnx": ("onnx", "model.onnx", lambda _: {"data": "model.onnx", "providers": ["CPUExecutionProvider"]}),
    "skops": (
        "sklearn",
        "model.skops",
        lambda versions: {
            "pickled_model": "model.skops",
            "serialization_format": "skops",
            "sklearn_version": versions.get("scikit-learn"),
        },
    ),
    "xgboost": (
        "xgboost",
        "model.ubj",
        lambda versions: {
            "data": "model.ubj",
            "model_class": "xgboost.core.Booster",
            "model_format": "ubj",
            "xgb_version": versions.get("xgboost-cpu"),
        },
    ),
    "lightgbm": (
        "lightgbm",
        "model.lgb",
        lambda versions: {
            "data": "model.lgb",
            "model_class": "lightgbm.basic.Booster",
            "lgb_version": versions.get("lightgbm"),
        },
    ),
}


def write(model: Model, target: Path, _: Sequence[Model] = ()) -> None:
    """Write the directory; raise Failure where the model is code or an ensemble, which have no flavor."""
    if model.scoring["runtime"] not in FLAVORS:
        raise refused(model, "an MLflow directory", f"one of {', '.join(FLAVORS)}")
    name, artefact, said = FLAVORS[model.scoring["runtime"]]
    python = next(python for python in PYTHONS if requirements.path(model.path, python).is_file())
    versions = requirements.versions(requirements.path(model.path, python).read_text())
    target.mkdir()
    copy_artefact(model, target, artefact)
    example, example_info = _example(model)
    environment = {"python": python, "dependencies": ["-r requirements.txt"]}
    loader = {
        "loader_module": f"mlflow.{name}",
        "model_path" if name == "sklearn" else "data": artefact,
        "env": {"virtualenv": "python_env.yaml"},
        "python_version": python,
    }
    content = {
        "flavors": {"python_function": loader, name: said(versions)},
        "metadata": {"modelfleet": _kept(model)},
        "saved_input_example_info": {"artifact_path": "input_example.json", **example_info},
        "signature": {"inputs": json.dumps(inputs(model), ensure_ascii=False)},
        "utc_time_created": str(model.card["created"]),
    }
    (target / "MLmodel").write_text(yaml.safe_dump(content, allow_unicode=True))
    (target / "input_example.json").write_text(json.dumps(example, ensure_ascii=False))
    (target / "python_env.yaml").write_text(yaml.safe_dump(environment))
    lines = [f"{package}=={version}\n" for package, version in versions.items()]
    (target / "requirements.txt").write_text("".join(["mlflow\n", *lines]))


def inputs(model: Model) -> list[dict[str, Any]]:
    """Return the signature's inputs as MLflow's columns, or as tensors where one has a shape or is the only value."""
    tensors = model.signature["inputs"]
    if _is_value(model) and tensors[0]["dtype"] == "string" and not tensors[0].get("shape"):
        return [{"type": "string", "required": True}]
    if _is_value(model) or any(one.get("shape") for one in tensors):
        named = [{} if _is_value(model) else {"name": one["name"]} for one in tensors]
        return [{"type": "tensor", "tensor-spec": _spec(one), **name} for one, name in zip(tensors, named, strict=True)]
    return [
        {"type": COLUMN_TYPES[one["dtype"]], "name": one["name"], "required": not one.get("nullable")}
        for one in tensors
    ]


def _is_value(model: Model) -> bool:
    said = model.signature
    return bool((said.get("instance") or ("value" if said["inputs"][0].get("shape") else "object")) == "value")


def _spec(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"dtype": TENSOR_TYPES.get(one["dtype"], one["dtype"]), "shape": [-1, *(one.get("shape") or [])]}


def _example(model: Model) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the first golden instances as an input example, and what MLmodel says of it."""
    instances = [row.instance for row in model.golden[:ROWS]]
    array = {"type": "ndarray", "format": "tf-serving"}
    if _is_value(model):
        return {"inputs": instances}, array
    names = [one["name"] for one in model.signature["inputs"]]
    if any(one.get("shape") for one in model.signature["inputs"]):
        return {"inputs": {name: [one[name] for one in instances] for name in names}}, array
    split = {"columns": names, "data": [[one[name] for name in names] for one in instances]}
    return split, {"type": "dataframe", "pandas_orient": "split"}


def _kept(model: Model) -> dict[str, Any]:
    kept = {"reference": model.reference, "digest": model.digest, "activation": model.scoring.get("activation", "none")}
    return kept | {"classes": list(model.signature.get("classes") or [])}

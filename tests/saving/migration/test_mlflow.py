"""MLflow model directories, written by hand in MLflow's layout, are read without MLflow."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
import yaml
from click.testing import CliRunner
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from modelfleet import store as stores
from modelfleet.commands.model.save import command
from modelfleet.errors import Failure
from modelfleet.saving import migration
from modelfleet.saving.finish import Wish
from modelfleet.saving.migration import mlflow, schema
from modelfleet.saving.migration.pickles import Trust

DATA = load_iris()
COLUMNS = [{"type": "double", "name": name, "required": True} for name in DATA.feature_names]
SPLIT = {"columns": DATA.feature_names, "data": DATA.data[::15].tolist()}


def directory(
    path: Path, flavor: str, said: dict[str, Any], inputs: Any = COLUMNS, example: Any = SPLIT, **more: Any
) -> Path:
    """Write MLmodel and the input example as MLflow 2.14 did."""
    path.mkdir()
    content = {
        "artifact_path": "model",
        "flavors": {"python_function": {"loader_module": f"mlflow.{flavor}"}, flavor: said},
        "mlflow_version": "2.14.2",
        "run_id": "8f61417c580541cb84d88586a3a1a44a",
        "saved_input_example_info": {"artifact_path": "input_example.json", "pandas_orient": "split"},
        "signature": {"inputs": json.dumps(inputs), "outputs": '[{"type": "long", "required": true}]'},
        "utc_time_created": "2024-07-09 12:00:00.000000",
    }
    (path / "MLmodel").write_text(yaml.safe_dump(content | more))
    (path / "input_example.json").write_text(json.dumps(example))
    return path


def opened(path: Path, examples: Path | None = None) -> migration.Source:
    """Open a directory that holds no pickle; its files are gone afterwards."""
    with migration.opened(path, examples, {}, Wish("x"), Trust()) as source:
        return source


def boosted(path: Path) -> Path:
    """A directory as mlflow.xgboost writes it for a classifier."""
    said = {"data": "model.xgb", "model_class": "xgboost.sklearn.XGBClassifier", "xgb_version": "3.2.0"}
    directory(path, "xgboost", said)
    xgboost.XGBClassifier(n_estimators=4).fit(DATA.data, DATA.target).save_model(path / "model.json")
    (path / "model.json").rename(path / "model.xgb")
    return path


def test_a_directory_is_saved_with_its_own_examples_signature_and_origin(tmp_path: Path) -> None:
    source, store = boosted(tmp_path / "boosted"), tmp_path / "store"
    arguments = ["--from", str(source), "--name", "iris", "--store", str(store)]
    CliRunner().invoke(command, arguments, catch_exceptions=False)
    model = stores.find("iris:1", store)
    assert model.signature["classes"] == [0, 1, 2]
    assert {one["name"]: one["dtype"] for one in model.signature["inputs"]} == dict.fromkeys(
        DATA.feature_names, "float64"
    )
    assert model.card["lineage"] == {
        "migrated": "the MLflow model boosted",
        "mlflow_run_id": "8f61417c580541cb84d88586a3a1a44a",
        "mlflow_created": "2024-07-09 12:00:00.000000",
        "mlflow_version": "2.14.2",
    }
    assert [row.prediction["label"] for row in model.golden] == DATA.target[::15].tolist()


def test_a_lightgbm_booster_is_taken_over(tmp_path: Path) -> None:
    path = directory(tmp_path / "m", "lightgbm", {"data": "model.lgb"})
    booster = lightgbm.LGBMClassifier(n_estimators=4, verbose=-1).fit(DATA.data, DATA.target).booster_
    booster.save_model(path / "model.lgb")
    assert opened(path).file.name == "model.txt"


def test_an_onnx_graph_is_taken_over(store: Path, tmp_path: Path) -> None:
    tensor = [{"type": "tensor", "name": "X", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]
    example = {"inputs": {"X": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]}}
    path = directory(tmp_path / "m", "onnx", {"data": "model.onnx"}, tensor, example)
    shutil.copyfile(store / "squares/1/model.onnx", path / "model.onnx")
    source = opened(path)
    assert (source.file, source.inputs.instances()[1]) == (path / "model.onnx", {"X": [4.0, 5.0, 6.0]})
    assert (source.inputs.tensors[0].dtype, source.inputs.tensors[0].shape) == ("float32", [3])


def test_scikit_learn_as_skops_is_taken_over_and_as_a_pickle_needs_trust(tmp_path: Path) -> None:
    estimator = LogisticRegression(max_iter=500).fit(DATA.data, DATA.target)
    said = {"pickled_model": "model.skops", "serialization_format": "skops"}
    skops.io.dump(estimator, directory(tmp_path / "a", "sklearn", said) / "model.skops")
    assert opened(tmp_path / "a").file.name == "model.skops"
    said = {"pickled_model": "model.pkl", "serialization_format": "cloudpickle", "sklearn_version": "1.9.1"}
    path = directory(tmp_path / "b", "sklearn", said)
    (path / "model.pkl").write_bytes(pickle.dumps(estimator))
    with pytest.raises(Failure, match=r"b/model\.pkl: a pickle runs any code .*; .*--trust-pickle"):
        opened(path)
    with migration.opened(path, None, {"limits": "tests"}, Wish("x"), Trust(pickle=True)) as source:
        assert source.file.name == "model.skops"
    assert {"mlflow_run_id", "migrated_digest"} < source.card["lineage"].keys()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flavors": {"tensorflow": {}, "python_function": {}}}, "its flavors are python_function, tensorflow; log it"),
        ({"flavors": {"lightgbm": {"data": "../model.lgb"}}}, r"names '\.\./model\.lgb', which is no file in its"),
        ({"flavors": {"lightgbm": {}}}, "names '', which is no file in its directory"),
        ({"flavors": None}, "names no flavors"),
        ({"signature": {"inputs": "[{}]"}}, "its inputs can't be read"),
        ({"saved_input_example_info": {"artifact_path": "../model.lgb"}}, "which is no file in its directory"),
    ],
)
def test_a_directory_that_can_t_be_taken_over_is_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    (tmp_path / "model.lgb").write_text("elsewhere")
    path = directory(tmp_path / "m", "lightgbm", {"data": "model.lgb"}, **change)
    (path / "model.lgb").write_text("tree")
    with pytest.raises(Failure, match=words):
        opened(path)


MIXED = [
    {"type": "string", "name": "town"},
    {"type": "long", "name": "rooms", "required": True},
    {"type": "double", "name": "area", "required": False},
    {"type": "boolean", "name": "lift", "required": True},
    {"type": "float", "name": "rent"},
    {"type": "integer", "name": "floor", "required": False},
]
FRAME = pd.DataFrame(
    {"town": ["Köln", "北京"], "rooms": [2, 3], "area": [70, 80], "lift": [True, False], "rent": [1, 2]}
)


def test_the_types_of_the_signature_count_where_the_examples_say_less() -> None:
    """Whole numbers in the examples are no reason to refuse 70.5 later; a column that may be missing may be."""
    made = schema.fitted(FRAME, schema.read(json.dumps(MIXED), "MLmodel"), "MLmodel")
    assert [(one.name, one.dtype, one.nullable) for one in made.tensors] == [
        ("town", "string", False),
        ("rooms", "int64", False),
        ("area", "float64", True),
        ("lift", "bool", False),
        ("rent", "float32", False),
        ("floor", "float64", True),
    ]
    assert made.instances()[1] == {
        "town": "北京", "rooms": 3, "area": 80.0, "lift": False, "rent": 2.0, "floor": None
    }  # fmt: skip


def test_an_optional_truth_value_has_to_be_given() -> None:
    """No truth value stands for one that is missing, so that null would be scored as true."""
    wanted = schema.read(json.dumps([{"type": "boolean", "name": "lift", "required": False}]), "MLmodel")
    assert not schema.fitted(FRAME[["lift"]], wanted, "MLmodel").tensors[0].nullable


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("rooms", 2.5, "the examples' 'rooms' is not of type int64"),
        ("area", "big", "the examples' 'area' is not of type float64"),
        ("town", 3, "the examples' 'town' is not of type string"),
        ("lift", 1, "the examples' 'lift' is not of type bool"),
        ("rent", None, "the examples lack a value of 'rent'"),
    ],
)
def test_examples_that_don_t_fit_the_signature_are_named(column: str, value: Any, words: str) -> None:
    frame = FRAME.astype(object)
    frame.loc[0, column] = value
    with pytest.raises(Failure, match=words):
        schema.fitted(frame, schema.read(json.dumps(MIXED), "MLmodel"), "MLmodel")


@pytest.mark.parametrize("kind", ["binary", "datetime", "array", "any"])
def test_a_type_without_a_counterpart_is_refused_by_name(kind: str) -> None:
    with pytest.raises(Failure, match=f"the input 'when' has the type {kind}, which has no counterpart"):
        schema.read(json.dumps([{"name": "when", "type": kind}]), "MLmodel")


@pytest.mark.parametrize(
    "said",
    [
        {"columns": ["a", "b"], "data": [[1, 2.5]]},
        {"dataframe_split": {"columns": ["a", "b"], "index": [0], "data": [[1, 2.5]]}},
        {"dataframe_records": [{"a": 1, "b": 2.5}]},
        {"inputs": {"columns": ["a", "b"], "data": [[1, 2.5]]}, "params": {"k": 1}},
        {"inputs": {"a": [1], "b": [2.5]}},
        {"data": [[1, 2.5]]},
        {"inputs": [[1, 2.5]]},
    ],
)
def test_every_shape_of_an_input_example_is_read(said: dict[str, Any]) -> None:
    wanted = [schema.Wanted("a", "int64"), schema.Wanted("b", "float64")]
    made = schema.fitted(mlflow.example(said), wanted, "MLmodel")
    assert made.instances() == [{"a": 1, "b": 2.5}]


def test_a_sparse_example_asks_for_examples(tmp_path: Path) -> None:
    example = {"data": [1.0], "indices": [0], "indptr": [0, 1], "shape": [1, 4]}
    with pytest.raises(Failure, match=r"can't be read as examples \(a sparse matrix\); give --examples"):
        opened(directory(tmp_path / "m", "lightgbm", {"data": "MLmodel"}, example=example))


def test_texts_without_a_column_s_name_are_texts() -> None:
    made = schema.fitted(np.array([["很好"], ["bad"]]), schema.read('[{"type": "string"}]', "MLmodel"), "MLmodel")
    assert (made.named, made.instances()) == (False, ["很好", "bad"])

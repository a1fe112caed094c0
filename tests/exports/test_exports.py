"""Exports are whole or not there, and what they say is what the store holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from click.testing import CliRunner
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import modelfleet
from modelfleet import store as stores
from modelfleet.commands.model.export import command
from modelfleet.errors import Failure
from modelfleet.exports import export
from modelfleet.saving import files, migration
from modelfleet.saving.finish import Wish
from modelfleet.saving.migration import mlflow
from modelfleet.saving.migration.pickles import Trust
from modelfleet_service.scorer import load
from tests.exports.conftest import CLASSES, EXTRA, IMAGE
from tests.graphs import pixels


def test_a_graph_as_pytorch_exports_it_answers_probabilities(shelf: Path, weights: dict[str, np.ndarray]) -> None:
    """Two inputs, a dynamic batch axis, logits, and weights in a file of their own."""
    scorer = load(stores.find("pair:1", shelf))
    powers = np.exp(IMAGE @ weights["fc.weight"] + EXTRA @ weights["extra.weight"])
    answers = scorer.predict([{"image": IMAGE[0].tolist(), "extra": EXTRA[0].tolist()}])
    assert list(answers[0]["probabilities"].values()) == pytest.approx(powers[0] / powers[0].sum(), abs=1e-5)
    assert (scorer.model.path / "net.onnx.data").is_file()


@pytest.fixture(scope="module")
def bill(store: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The bill of materials of flowers:1, as the command line writes it."""
    path = tmp_path_factory.mktemp("bill") / "flowers.cdx.json"
    arguments = ["flowers:1", "--as", "cyclonedx", "--to", str(path), "--json", "--store", str(store)]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert json.loads(done.output)["path"] == str(path)
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_the_bill_of_materials_is_valid_cyclonedx(bill: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    broken = json.dumps(bill).replace('"modelParameters"', '"modelParameter"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_the_bill_has_the_card_s_words(bill: dict[str, Any]) -> None:
    model = bill["metadata"]["component"]
    card = model["modelCard"]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "flowers", "1")
    assert card["modelParameters"]["task"] == "tabular-classification"
    assert {"format": "sepal length: float64"} in card["modelParameters"]["inputs"]
    assert card["quantitativeAnalysis"]["performanceMetrics"][0]["value"] == "0.97"
    assert card["considerations"] == {"useCases": ["tests"]}


def test_the_bill_has_the_digests_of_the_model_of_its_files_and_of_its_wheels(
    store: Path, bill: dict[str, Any]
) -> None:
    model = stores.find("flowers:1", store)
    assert bill["metadata"]["component"]["hashes"][0]["content"] == model.digest.removeprefix("sha256:")
    held = {one["name"]: [entry["content"] for entry in one["hashes"]] for one in bill["components"]}
    assert {file.path: [file.sha256] for file in model.files}.items() <= held.items()
    locked = (model.path / "requirements-3.11.lock").read_text()
    assert held["skops"]
    assert all(f"sha256:{digest}" in locked for digest in held["skops"])


@pytest.mark.parametrize("reference", ["flowers:1", "pair:1", "stopped:1"])
def test_what_comes_back_from_an_mlflow_directory_is_the_same_model(
    store: Path, shelf: Path, tmp_path: Path, reference: str
) -> None:
    wish, place = Wish("again", tmp_path / "store"), store if reference == "flowers:1" else shelf
    model = export(reference, "mlflow", tmp_path / "m", place)
    with migration.opened(tmp_path / "m", None, {}, wish, Trust()) as source:
        files.save(source.file, source.inputs, source.card, wish)
    again = stores.find("again:1", tmp_path / "store")
    assert again.signature == model.signature
    assert [row.prediction for row in again.golden] == [row.prediction for row in model.golden[:5]]
    assert again.card["lineage"]["exported_from"] == f"{reference} ({model.digest})"


def test_an_mlflow_directory_names_the_versions_of_the_lock(shelf: Path, tmp_path: Path) -> None:
    model = export("pair:1", "mlflow", tmp_path / "m", shelf)
    named = (tmp_path / "m/requirements.txt").read_text().split()
    assert named[0] == "mlflow"
    assert all(f"{line} \\" in (model.path / "requirements-3.11.lock").read_text() for line in named[1:])


def test_a_graph_lies_in_triton_s_repository_with_its_data_and_its_tensors(shelf: Path, tmp_path: Path) -> None:
    export("pair:1", "triton", tmp_path / "repository", shelf)
    home = tmp_path / "repository/pair"
    assert {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()} == {
        "config.pbtxt",
        "labels.txt",
        "1/model.onnx",
        "1/net.onnx.data",
    }
    text = (home / "config.pbtxt").read_text()
    assert 'backend: "onnxruntime"\nmax_batch_size: 1024' in text
    assert 'name: "image"\n    data_type: TYPE_FP32\n    dims: [8]' in text
    assert 'name: "logits"\n    data_type: TYPE_FP32\n    dims: [3]\n    label_filename: "labels.txt"' in text
    assert (home / "labels.txt").read_text().split() == CLASSES


def test_a_graph_of_bytes_is_described_for_triton(tmp_path: Path) -> None:
    modelfleet.save(pixels(), "net", inputs=[[0, 1, 2]], store_path=tmp_path / "store")
    export("net:1", "triton", tmp_path / "repository", tmp_path / "store")
    assert "data_type: TYPE_UINT8" in (tmp_path / "repository/net/config.pbtxt").read_text()


def test_a_booster_that_was_stopped_early_has_only_the_rounds_that_count(shelf: Path, tmp_path: Path) -> None:
    model = export("stopped:1", "triton", tmp_path / "r", shelf)
    text = (tmp_path / "r/stopped/config.pbtxt").read_text()
    assert all(
        one in text for one in ('backend: "fil"', '"input__0"', "dims: [10]", '"xgboost_ubj"', '"predict_proba"')
    )
    whole = xgboost.Booster(model_file=model.path / "model.ubj")
    cut = xgboost.Booster(model_file=tmp_path / "r/stopped/1/xgboost.ubj")
    assert cut.num_boosted_rounds() == int(whole.attr("best_iteration") or 0) + 1 < whole.num_boosted_rounds()


def test_what_a_tool_has_no_place_for_is_refused_in_one_line(store: Path, tmp_path: Path) -> None:
    with pytest.raises(
        Failure, match="flowers:1: Triton has no place for a model of the runtime skops; export an ONNX"
    ):
        export("flowers:1", "triton", tmp_path / "r", store)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def nested(ensembles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with over:1, an ensemble of flowers:1 and of both:1, which has flowers:1 and roses:1."""
    place = Path(shutil.copytree(ensembles, tmp_path_factory.mktemp("nested") / "store"))
    modelfleet.combine("over", members=["flowers:1", "both:1"], how="weights", weights=[0.25, 1], store_path=place)
    return place


def test_the_bill_of_an_ensemble_has_every_member_with_its_card_and_its_files(nested: Path, tmp_path: Path) -> None:
    export("over:1", "cyclonedx", tmp_path / "bill.json", nested)
    text = (tmp_path / "bill.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    models = {one["bom-ref"]: one for one in bill["components"] if one["type"] == "machine-learning-model"}
    assert set(models) == {"flowers:1", "both:1", "roses:1"}
    for reference, one in models.items():
        found = stores.find(reference, nested)
        assert one["hashes"][0]["content"] == found.digest.removeprefix("sha256:")
        assert one["modelCard"]["modelParameters"]["task"] == "tabular-classification"
        assert {part["name"] for part in one["components"]} == {file.path for file in found.files}


def test_the_bill_of_an_ensemble_says_which_members_it_needs_and_how_they_combine(nested: Path, tmp_path: Path) -> None:
    export("over:1", "cyclonedx", tmp_path / "bill.json", nested)
    bill = json.loads((tmp_path / "bill.json").read_text())
    needs = {one["ref"]: set(one.get("dependsOn", ())) for one in bill["dependencies"]}
    members = {"flowers:1", "both:1", "roses:1"}
    assert needs["over:1"] & members == {"flowers:1", "both:1"}
    assert needs["both:1"] & members == {"flowers:1", "roses:1"}
    assert any(one.startswith("pkg:pypi/onnxruntime@") for one in needs["roses:1"])
    assert not any(one.startswith("pkg:pypi/onnxruntime@") for one in needs["flowers:1"])
    said = {(one["name"], one["value"]) for one in bill["metadata"]["component"]["properties"]}
    assert {("modelfleet:ensemble:combine", "weights"), ("modelfleet:ensemble:weight:flowers:1", "0.25")} <= said


@pytest.mark.parametrize(("form", "tool"), [("mlflow", "an MLflow directory"), ("triton", "Triton")])
def test_an_ensemble_is_refused_where_a_tool_has_no_place_for_it(
    ensembles: Path, tmp_path: Path, form: str, tool: str
) -> None:
    words = f"both:1: {tool} has no place for .* ensemble; export its members, each as a model: flowers:1, roses:1$"
    with pytest.raises(Failure, match=words):
        export("both:1", form, tmp_path / "r", ensembles)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(store: Path, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    with pytest.raises(Failure, match="m: is there already; give a path where nothing is"):
        export("flowers:1", "mlflow", tmp_path / "m", store)
    assert list((tmp_path / "m").iterdir()) == []


def test_a_folder_that_is_not_there_is_one_line(store: Path, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"can't be written \(No such file or directory\)"):
        export("flowers:1", "cyclonedx", tmp_path / "no/bill.json", store)


def test_an_exported_directory_is_known_as_mlflow_s(store: Path, tmp_path: Path) -> None:
    export("squares:1", "mlflow", tmp_path / "m", store)
    read = mlflow.read(tmp_path / "m")
    assert (read.flavor, read.is_pickle, read.examples().tensors[0].shape) == ("onnx", False, [3])

"""Saving an estimator: the card, the golden set, the choice of a runtime, and what is refused."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import onnx
import pytest
import skops.io
import xgboost
import yaml
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

import modelfleet
from modelfleet import saving
from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.saving.finish import Wish
from modelfleet.saving.inputs import Inputs
from tests.graphs import linear

ROWS = np.random.default_rng(1).normal(size=(40, 3))
LINE = LinearRegression().fit(ROWS, ROWS.sum(axis=1))


def card(store: Path, name: str) -> dict[str, Any]:
    """The machine-readable card of a name's first version."""
    content: dict[str, Any] = yaml.safe_load((store / name / "1/model.yaml").read_text())
    return content


def test_a_saved_version_has_the_files_of_the_format(store: Path) -> None:
    found = {path.name for path in (store / "flowers/1").iterdir()}
    locks = {f"requirements-{python}.lock" for python in ("3.11", "3.13")}
    assert found == {
        "model.yaml",
        "MODEL_CARD.md",
        "model.skops",
        "golden.jsonl",
        "manifest.json",
        "environment.txt",
        *locks,
    }


def test_the_card_says_what_was_trained_and_how_it_did(store: Path) -> None:
    said = card(store, "flowers")
    assert said["algorithm"] == "LogisticRegression"
    assert said["parameters"]["max_iter"] == 500
    assert said["evaluation"][0]["metric"] == "accuracy"
    assert (said["training_data"]["name"], said["training_data"]["rows"]) == ("iris", 150)
    assert "scikit-learn" in said["libraries"]


def test_the_signature_has_a_scalar_a_column_or_one_tensor(store: Path) -> None:
    named = card(store, "flowers")["signature"]["inputs"]
    assert [tensor["name"] for tensor in named] == ["sepal length", "sepal width", "petal length", "petal width"]
    (tensor,) = card(store, "squares")["signature"]["inputs"]
    assert (tensor["name"], tensor["dtype"], tensor["shape"]) == ("features", "float32", [3])


def test_the_golden_set_is_what_the_estimator_answers(tmp_path: Path) -> None:
    modelfleet.save(LINE, "line", inputs=ROWS, format="skops", store_path=tmp_path)
    rows = stores.find("line:1", tmp_path).golden
    got = [row.prediction["value"] for row in rows]
    assert got == pytest.approx(list(LINE.predict(ROWS[: len(rows)])))


def test_locks_pin_every_package_with_hashes(store: Path) -> None:
    text = (store / "squares/1/requirements-3.13.lock").read_text()
    assert "onnxruntime==" in text
    assert text.count("--hash=sha256:") > text.count("==")
    assert "://" not in text


def test_auto_takes_onnx_where_it_answers_alike_and_says_the_parity(tmp_path: Path) -> None:
    modelfleet.save(LINE, "line", inputs=ROWS, store_path=tmp_path)
    scoring = card(tmp_path, "line")["scoring"]
    assert scoring["runtime"] == "onnx"
    assert 0 <= scoring["parity"] <= scoring["tolerance"]


def test_auto_takes_skops_where_float32_answers_otherwise(tmp_path: Path) -> None:
    """Weights of 1e9 that cancel are lost in 32 bits."""
    rows = np.random.default_rng(2).normal(size=(40, 2))
    line = LinearRegression().fit(rows, rows[:, 0])
    line.coef_ = np.array([1e9, -1e9])
    rows[:, 1] = rows[:, 0] + 1e-9
    modelfleet.save(line, "steep", inputs=rows, store_path=tmp_path)
    assert card(tmp_path, "steep")["scoring"]["runtime"] == "skops"
    with pytest.raises(Failure, match=r"answers differ by .* save it with format='skops'"):
        modelfleet.save(line, "steep", inputs=rows, format="onnx", store_path=tmp_path)


@pytest.mark.parametrize(
    "classes", [[False, True], [1.0, 2.0], ["no", "yes"], [3, 7]], ids=["bool", "float", "str", "int"]
)
@pytest.mark.parametrize("runtime", ["onnx", "skops"])
def test_labels_of_each_type_come_back_as_they_were(tmp_path: Path, classes: list[Any], runtime: str) -> None:
    labels = np.array(classes)[(ROWS[:, 0] > 0).astype(int)]
    estimator = LogisticRegression().fit(ROWS, labels)
    modelfleet.save(estimator, "labels", inputs=ROWS, format=runtime, store_path=tmp_path)
    assert card(tmp_path, "labels")["signature"]["classes"] == classes
    assert stores.find("labels:1", tmp_path).golden[0].prediction["label"] == labels[0]


def test_a_version_after_another_has_the_next_number(tmp_path: Path) -> None:
    references = [modelfleet.save(LINE, "line", inputs=ROWS, store_path=tmp_path).reference for _ in range(2)]
    assert references == ["line:1", "line:2"]


def own_function(rows: Any) -> Any:
    """A function that skops can't vouch for."""
    return rows


BROKEN = LinearRegression().fit(ROWS, ROWS.sum(axis=1))
BROKEN.coef_ = np.array([np.nan, 0.0, 0.0])
OWN = make_pipeline(FunctionTransformer(own_function), LinearRegression()).fit(ROWS, ROWS.sum(axis=1))
REFUSED: list[tuple[str, Any, dict[str, Any], str]] = [
    ("name", LINE, {"name": "Line"}, "not a model name"),
    ("number", LINE, {"name": 123}, "123: not a model name"),
    (
        "type",
        LINE,
        {"trusted_types": "a.b"},
        "trusted_types: 'a.b' is no list; give a list of names, such as ",
    ),
    ("shape", LINE, {"inputs": ROWS[0]}, "give an array of shape"),
    ("empty", LINE, {"inputs": ROWS[:0]}, "holds no row; give at least one"),
    ("words", LINE, {"inputs": [["a", "b", "c"]]}, "not numbers"),
    ("nan", LINE, {"inputs": ROWS * np.nan}, "can't score the inputs"),
    ("infinity", LINE, {"inputs": ROWS * np.inf}, "holds infinity; give finite numbers"),
    ("columns", LINE, {"feature_names": ["a", "b"]}, "2 names for 3 columns"),
    ("nan answers", BROKEN, {}, "answers NaN or infinity"),
    ("margins", LinearSVC().fit(ROWS, ROWS[:, 0] > 0), {}, "no probabilities; wrap it in sklearn's Calibrated"),
    ("unfitted", LinearRegression(), {}, "can't score the inputs .*; fit it"),
    ("width", LINE, {"inputs": ROWS[:, :2]}, "can't score the inputs"),
    ("format", LINE, {"format": "pickle"}, "use one of auto, onnx, skops"),
    ("untrusted", OWN, {}, "own_function"),
    ("metric", LINE, {"evaluation": [{"metric": "r2"}]}, r"card\.evaluation\.0\.data_set"),
    ("field", LINE, {"training_data": {"nam": "x"}}, r"card\.training_data"),
]


@pytest.mark.parametrize(("estimator", "given", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_can_t_be_saved_is_refused_and_nothing_is_left(
    tmp_path: Path, estimator: Any, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(Failure, match=words):
        modelfleet.save(estimator, **{"name": "line", "inputs": ROWS, "store_path": tmp_path, **given})
    assert stores.names(tmp_path) == []
    assert [path for path in tmp_path.rglob("*") if not path.name.startswith(".")] in ([], [tmp_path / "line"])


class Says:
    """What has predict, as an estimator has, and answers what it was made with."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def predict(self, rows: Any) -> Any:
        """Answer it for each row."""
        return np.array([self.answer] * len(rows))


class Labels(Says):
    """The same, which gives probabilities, too."""

    @property
    def classes_(self) -> Any:
        """The only label."""
        return np.array([self.answer])

    def predict_proba(self, rows: Any) -> Any:
        """Be sure of it."""
        return np.ones((len(rows), 1))


@pytest.mark.parametrize("kind", [Says, Labels])
@pytest.mark.parametrize("answer", [b"a", np.datetime64(1, "D"), np.datetime64(1, "ns"), Decimal(1)], ids=repr)
def test_answers_of_an_estimator_that_can_t_be_written_are_refused_in_a_line(
    tmp_path: Path, kind: type[Says], answer: Any
) -> None:
    words = r"answers '(value|labels)' as (bytes_|datetime64|Decimal); give numbers, truth values or texts$"
    with pytest.raises(Failure, match=words):
        modelfleet.save(kind(answer), "odd", inputs=ROWS, store_path=tmp_path)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], r"answers 'value' of shape \(24, 0\) to 24 rows; give only answers"),
        ("a", "Says: it answers something else than numbers, and has no classes_; give it classes_ and predict_proba"),
        ("1.5", "Says: it answers something else than numbers"),
    ],
)
def test_empty_answers_and_texts_of_what_has_no_classes_are_refused(tmp_path: Path, answer: Any, words: str) -> None:
    with pytest.raises(Failure, match=words):
        modelfleet.save(Says(answer), "odd", inputs=ROWS, store_path=tmp_path)


def test_an_untrusted_type_that_the_trainer_names_is_saved(tmp_path: Path) -> None:
    named = f"{__name__}.own_function"
    modelfleet.save(OWN, "own", inputs=ROWS, format="skops", trusted_types=[named], store_path=tmp_path)
    assert stores.find("own:1", tmp_path)


def test_an_onnx_file_from_anywhere_is_saved_with_the_answers_it_gives(store: Path, tmp_path: Path) -> None:
    source = store / "squares/1/model.onnx"
    saved = saving.save_onnx(source, Inputs.of(ROWS), {"intended_use": "tests"}, Wish("copy", tmp_path))
    assert saved.reference == "copy:1"
    assert stores.find("copy:1", tmp_path).scoring["runtime"] == "onnx"


def test_a_file_that_is_no_onnx_or_keeps_data_elsewhere_is_refused(store: Path, tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"\x80junk")
    examples = Inputs.of(ROWS)
    with pytest.raises(Failure, match=r"not an ONNX file|can't score"):
        saving.save_onnx(tmp_path / "junk.onnx", examples, {}, Wish("junk", tmp_path / "s"))


@pytest.mark.parametrize(("location", "fine"), [("split.data", True), ("../split.data", False), ("model.yaml", False)])
def test_external_data_comes_along_if_it_lies_beside_the_graph(
    store: Path, tmp_path: Path, location: str, fine: bool
) -> None:
    """Exporters write large weights into a file of their own."""
    (tmp_path / "graph").mkdir()
    graph = onnx.load(store / "squares/1/model.onnx")
    graph.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(4096, np.float32), "unused"))
    onnx.save(graph, tmp_path / "graph/split.onnx", save_as_external_data=True, location="split.data")
    graph = onnx.load(tmp_path / "graph/split.onnx", load_external_data=False)
    graph.graph.initializer[-1].external_data[0].value = location
    (tmp_path / "graph/split.onnx").write_bytes(graph.SerializeToString())
    wish = Wish("split", tmp_path / "s")
    if not fine:
        with pytest.raises(Failure, match=r"keeps tensors in .*outside of its folder"):
            saving.save_onnx(tmp_path / "graph/split.onnx", Inputs.of(ROWS), {}, wish)
        return
    saved = saving.save_onnx(tmp_path / "graph/split.onnx", Inputs.of(ROWS), {}, wish)
    assert (saved.path / "split.data").stat().st_size >= 4 * 4096


def test_a_graph_in_memory_and_its_file_are_saved_as_one_model(store: Path, tmp_path: Path) -> None:
    file = store / "squares/1/model.onnx"
    targets = ROWS.sum(axis=1).tolist()
    for model in (file, onnx.load(file)):
        modelfleet.save(model, "copy", inputs=ROWS, targets=targets, intended_use="tests", store_path=tmp_path)
    one, other = (stores.find(reference, tmp_path) for reference in ("copy:1", "copy:2"))
    assert one.card | {"version": 2, "created": "", "scoring": {}} == other.card | {"created": "", "scoring": {}}
    for name in ("model.onnx", "golden.jsonl", "evaluation.jsonl"):
        assert (one.path / name).read_bytes() == (other.path / name).read_bytes()
    assert len((one.path / "evaluation.jsonl").read_text().splitlines()) == len(ROWS)


def test_a_classifier_s_graph_is_saved_with_the_classes_that_are_said(tmp_path: Path) -> None:
    weights = onnx.numpy_helper.from_array(np.eye(3, 2, dtype=np.float32), "weights")
    ins = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3])
    outs = onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["n", 2])
    node = onnx.helper.make_node("MatMul", ["x", "weights"], ["scores"])
    graph = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", [ins], [outs], [weights]),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=8,
    )
    given: dict[str, Any] = {"inputs": ROWS, "classes": np.array(["a", "b"]), "store_path": tmp_path}
    with pytest.raises(Failure, match=r"the ONNX model: its scores are no probabilities; say `activation: softmax`"):
        modelfleet.save(graph, "net", **given)
    modelfleet.save(graph, "net", activation="softmax", **given)
    found = stores.find("net:1", tmp_path)
    assert (found.signature["classes"], found.scoring["activation"]) == (["a", "b"], "softmax")


def test_what_torch_onnx_export_returns_is_saved(tmp_path: Path) -> None:
    program = type("ONNXProgram", (), {"__module__": "torch.onnx._internal", "model_proto": linear()})()
    modelfleet.save(program, "net", inputs=ROWS, classes=[0, 1, 2], activation="softmax", store_path=tmp_path)
    assert stores.find("net:1", tmp_path).card["algorithm"] == "ONNX"


def test_a_network_that_is_not_exported_is_to_be_exported(tmp_path: Path) -> None:
    words = "object: it has no predict; .* give a network as ONNX, as torch.onnx.export makes it"
    with pytest.raises(Failure, match=words):
        modelfleet.save(object(), "net", inputs=ROWS, classes=[0, 1], activation="softmax", store_path=tmp_path)


@pytest.mark.parametrize("error", [RuntimeError, TypeError])
def test_what_numpy_can_t_read_is_refused_with_its_reason(error: type[Exception]) -> None:
    """A tensor of PyTorch that requires a gradient, or of bfloat16."""

    class Tensor:
        def __array__(self, *_: Any, **__: Any) -> Any:
            raise error("use detach()")

    with pytest.raises(Failure, match=r"inputs: can't be read as an array \(use detach\(\)\); give a NumPy array"):
        Inputs.of(Tensor())


def test_a_graph_in_memory_whose_tensors_are_elsewhere_is_to_be_given_as_a_file(store: Path, tmp_path: Path) -> None:
    graph = onnx.load(store / "squares/1/model.onnx")
    graph.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(4, np.float32), "unused"))
    onnx.external_data_helper.set_external_data(graph.graph.initializer[-1], "split.data")
    with pytest.raises(Failure, match=r"the ONNX model: keeps tensors in 'split\.data'; give the path of its file"):
        modelfleet.save(graph, "split", inputs=ROWS, store_path=tmp_path)


@pytest.mark.parametrize("suffix", ["ubj", "txt"])
def test_a_booster_s_file_is_saved(tmp_path: Path, suffix: str) -> None:
    file, signs = tmp_path / f"model.{suffix}", (ROWS[:, 0] > 0).astype(int)
    if suffix == "ubj":
        estimator = xgboost.XGBClassifier(n_estimators=3).fit(ROWS, signs)
        estimator.get_booster().save_model(file)
    else:
        estimator = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(ROWS, signs)
        estimator.booster_.save_model(file)
    modelfleet.save(str(file), "trees", inputs=ROWS, classes=[0, 1], store_path=tmp_path / "s")
    got = [row.prediction["probabilities"]["1"] for row in stores.find("trees:1", tmp_path / "s").golden]
    assert got == pytest.approx(estimator.predict_proba(ROWS)[: len(got), 1], abs=1e-5)


@pytest.mark.parametrize("suffix", ["ubj", "txt"])
def test_a_booster_s_file_with_examples_of_another_width_is_refused(tmp_path: Path, suffix: str) -> None:
    file, signs = tmp_path / f"model.{suffix}", (ROWS[:, 0] > 0).astype(int)
    if suffix == "ubj":
        xgboost.XGBClassifier(n_estimators=3).fit(ROWS, signs).get_booster().save_model(file)
    else:
        lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(ROWS, signs).booster_.save_model(file)
    for rows in (ROWS[:, 1:], np.hstack([ROWS, ROWS])):
        with pytest.raises(Failure, match=f"takes {ROWS.shape[1]} columns, and the examples have {rows.shape[1]}"):
            modelfleet.save(file, "trees", inputs=rows, classes=[0, 1], store_path=tmp_path / "s")
    with pytest.raises(Failure, match="a booster takes numbers alone"):
        modelfleet.save(file, "trees", inputs=["one", "two"], classes=[0, 1], store_path=tmp_path / "s")
    with pytest.raises(Failure, match="is no folder of code, and an entry was given"):
        modelfleet.save(file, "trees", inputs=ROWS, entry="a:B", store_path=tmp_path / "s")


@pytest.mark.parametrize(
    ("until", "words"),
    [("tree", "not a whole"), ("Tree=1", "not a whole"), ("[max_depth", "not a whole"), ("null", "can't load it")],
)
def test_a_file_that_lightgbm_can_t_read_is_a_line(
    tmp_path: Path, until: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """LightGBM writes to the terminal about a file of another kind, and a torn one may end the process."""
    booster = lightgbm.LGBMRegressor(n_estimators=3, verbose=-1).fit(ROWS, ROWS[:, 0]).booster_
    (tmp_path / "m.txt").write_text(booster.model_to_string().partition(until)[0])
    with pytest.raises(Failure, match=rf"m\.txt: .*{words}.*; save it with Booster\.save_model"):
        modelfleet.save(tmp_path / "m.txt", "trees", inputs=ROWS, store_path=tmp_path / "s")
    assert "LightGBM" not in capfd.readouterr().err


def test_a_folder_of_code_is_saved_with_its_class(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    body = "def __init__(self, folder): pass\n    def predict(self, batch): return {'value': batch['features'][:, 0]}\n"
    (tmp_path / "code/scorer.py").write_text(f"class Scorer:\n    {body}")
    with pytest.raises(Failure, match=r"code: not a file that can be saved; .*with --entry \(entry=\.\.\. in Python\)"):
        modelfleet.save(tmp_path / "code", "own", inputs=ROWS, store_path=tmp_path / "s")
    modelfleet.save(tmp_path / "code", "own", inputs=ROWS, entry="scorer:Scorer", store_path=tmp_path / "s")
    assert stores.find("own:1", tmp_path / "s").scoring["entry"] == "scorer:Scorer"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": LINE, "classes": [1, 2]}, "classes: given, and an estimator has its own; leave it out"),
        ({"model": LINE, "activation": "softmax"}, "activation: given, and an estimator has its own"),
        ({"model": LINE, "entry": "a:B"}, "entry: given, and it is no folder of code"),
        ({"model": Path("a.onnx"), "format": "skops"}, "format: given, and only an estimator is converted"),
        ({"model": Path("no.onnx")}, "no.onnx: there is no such file; check the path"),
        ({"model": Path("no.skops")}, "no.skops: there is no such file; check the path"),
        ({"model": "a.pkl"}, "a.pkl: there is no such file; check the path"),
        ({"model": __file__}, "test_save.py: not a file that can be saved"),
        ({"model": Path("a.onnx"), "activation": "relu"}, "card.activation: "),
    ],
)
def test_an_argument_that_is_for_another_kind_of_model_is_refused(
    tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(Failure, match=words):
        modelfleet.save(name="one", inputs=ROWS, store_path=tmp_path, **given)
    assert stores.names(tmp_path) == []


def test_a_skops_file_is_saved_and_a_pickle_in_its_clothes_is_not(tmp_path: Path) -> None:
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, ROWS[:, 0] > 0)
    skops.io.dump(estimator, tmp_path / "good.skops")
    examples = Inputs.of(ROWS)
    saved = saving.save_skops(tmp_path / "good.skops", examples, {}, Wish("signs", tmp_path / "s"))
    assert saved.reference == "signs:1"
    (tmp_path / "bad.skops").write_bytes(pickle.dumps(estimator))
    with pytest.raises(Failure, match="not a skops file"):
        saving.save_skops(tmp_path / "bad.skops", examples, {}, Wish("bad", tmp_path / "s"))


def test_the_page_for_people_says_what_the_card_says(store: Path) -> None:
    text = (store / "flowers/1/MODEL_CARD.md").read_text()
    assert all(word in text for word in ("flowers", "LogisticRegression", "accuracy", "iris"))


def test_golden_rows_are_json_a_line(store: Path) -> None:
    lines = (store / "flowers/1/golden.jsonl").read_text().splitlines()
    assert all(set(json.loads(line)) == {"instance", "prediction", "tolerance"} for line in lines)

"""Each kind of model and of input is saved, and scores from JSON as it did where it was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import modelfleet
from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.saving.inputs import Inputs
from modelfleet_service.errors import RequestError
from modelfleet_service.scorer import Scorer, load

DICE = np.random.default_rng(3)
ROWS = DICE.normal(size=(80, 3))
SIGNS = np.where(ROWS[:, 0] > 0, "plus", "minus")
GAPS = np.where(DICE.random(ROWS.shape) < 0.2, np.nan, ROWS)
MIXED = pd.DataFrame(
    {
        "town": DICE.choice(["Köln", "Paris", "北京"], size=80),
        "rooms": DICE.integers(1, 6, size=80),
        "area": np.where(DICE.random(80) < 0.2, np.nan, DICE.normal(80, 20, 80)),
        "lift": DICE.random(80) < 0.5,
    }
)
TEXTS = ["很好的产品", "质量太差", "非常满意", "不推荐购买", "good value", "bad value"] * 8
MARKS = ["good", "bad"] * 24


def saved(tmp_path: Path, estimator: Any, inputs: Any, **more: Any) -> Scorer:
    """Save and load again, as a host does."""
    modelfleet.save(estimator, "one", inputs=inputs, store_path=tmp_path, **more)
    return load(stores.find("one:1", tmp_path))


def mixed_pipeline(impute: bool = True) -> Any:
    numbers = SimpleImputer() if impute else "passthrough"
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["town"]), (numbers, ["rooms", "area", "lift"])
    )
    return make_pipeline(columns, LogisticRegression(max_iter=2000)).fit(MIXED, MIXED["rooms"] > 3)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """The pipeline on the mixed frame, as skops."""
    return saved(tmp_path_factory.mktemp("mixed"), mixed_pipeline(), MIXED, format="skops")


def test_a_frame_of_texts_numbers_gaps_and_truth_values_has_its_types_in_the_signature(mixed: Scorer) -> None:
    said = {entry.name: (entry.dtype, entry.nullable) for entry in mixed.signature.inputs}
    assert said == {
        "town": ("string", False),
        "rooms": ("int64", False),
        "area": ("float64", True),
        "lift": ("bool", False),
    }


@pytest.mark.parametrize("format", ["auto", "skops"])
def test_a_pipeline_on_a_frame_answers_json_with_null_as_it_did(mixed: Scorer, tmp_path: Path, format: str) -> None:
    estimator = mixed_pipeline()
    scorer = mixed if format == "skops" else saved(tmp_path, estimator, MIXED)
    instances = [row.instance for row in scorer.model.golden]
    assert any(one["area"] is None for one in instances)
    assert {one["town"] for one in instances} >= {"Köln", "北京"}
    got = [one["probabilities"]["True"] for one in scorer.predict(instances)]
    assert got == pytest.approx(estimator.predict_proba(MIXED[: len(got)])[:, 1], abs=1e-5)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("town", 3, "expected text, got 3"),
        ("town", None, "expected text, got null"),
        ("rooms", 2.5, "expected a whole number of 64 bits, got 2.5"),
        ("rooms", None, "expected a number, got null"),
        ("area", "big", "expected a number, got 'big'"),
        ("lift", 1, "expected true or false, got 1"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(mixed: Scorer, field: str, value: Any, words: str) -> None:
    instance = mixed.model.golden[0].instance | {field: value}
    with pytest.raises(RequestError, match=words) as caught:
        mixed.predict([instance])
    assert caught.value.field == f"instances[0].{field}"


def test_texts_are_plain_strings_also_in_chinese(tmp_path: Path) -> None:
    estimator = make_pipeline(TfidfVectorizer(analyzer="char"), LogisticRegression()).fit(TEXTS, MARKS)
    scorer = saved(tmp_path, estimator, TEXTS)
    assert scorer.model.golden[0].instance == "很好的产品"
    assert scorer.predict(["质量太差"])[0]["label"] == estimator.predict(["质量太差"])[0]
    with pytest.raises(RequestError, match="expected text, got a list of 1"):
        scorer.predict([["质量太差"]])


def test_a_column_named_nullable_may_be_missing_though_no_example_is(tmp_path: Path) -> None:
    estimator = make_pipeline(SimpleImputer(), LogisticRegression()).fit(ROWS, SIGNS)
    names = ["a", "b", "c"]
    scorer = saved(tmp_path, estimator, ROWS, feature_names=names, nullable=["b"], format="skops")
    expected = estimator.predict(np.array([[1.0, np.nan, 0.0]]))[0]
    assert scorer.predict([{"a": 1.0, "b": None, "c": 0.0}])[0]["label"] == expected
    with pytest.raises(RequestError, match="expected a number, got null"):
        scorer.predict([{"a": None, "b": None, "c": 0.0}])


def test_a_column_of_whole_numbers_named_nullable_takes_null(tmp_path: Path) -> None:
    frame = MIXED[["rooms", "lift"]].astype({"lift": int})
    estimator = make_pipeline(SimpleImputer(), LogisticRegression()).fit(frame, SIGNS)
    scorer = saved(tmp_path, estimator, frame, nullable=["rooms"], format="skops")
    filled = frame["rooms"].mean()
    missing, given = scorer.predict([{"rooms": None, "lift": 1}, {"rooms": filled, "lift": 1}])
    assert missing == given


def test_truth_values_can_t_be_named_nullable() -> None:
    with pytest.raises(Failure, match=r"inputs\.lift: holds truth values, of which none can be missing; make them"):
        Inputs.of(MIXED, nullable=["lift"])


BOOSTERS: dict[str, Any] = {
    "xgboost classes": xgboost.XGBClassifier(n_estimators=8).fit(GAPS, SIGNS == "plus"),
    "xgboost three classes": xgboost.XGBClassifier(n_estimators=8).fit(GAPS, np.digitize(ROWS[:, 0], [-0.5, 0.5])),
    "xgboost values": xgboost.XGBRegressor(n_estimators=8).fit(GAPS, ROWS[:, 0]),
    "xgboost stopped": xgboost.XGBRegressor(n_estimators=50, early_stopping_rounds=2).fit(
        GAPS, ROWS[:, 0], eval_set=[(ROWS, -ROWS[:, 0])], verbose=False
    ),
    "lightgbm classes": lightgbm.LGBMClassifier(n_estimators=8, verbose=-1).fit(GAPS, SIGNS),
    "lightgbm values": lightgbm.LGBMRegressor(n_estimators=8, verbose=-1).fit(GAPS, ROWS[:, 0]),
}


@pytest.mark.parametrize("name", BOOSTERS)
def test_a_booster_answers_as_it_did_also_where_values_are_missing(tmp_path: Path, name: str) -> None:
    estimator = BOOSTERS[name]
    scorer = saved(tmp_path, estimator, GAPS)
    assert scorer.model.scoring["runtime"] == name.split()[0]
    answers = scorer.predict([row.instance for row in scorer.model.golden])
    count = len(answers)
    if hasattr(estimator, "predict_proba"):
        assert [list(one["probabilities"].values()) for one in answers] == pytest.approx(
            estimator.predict_proba(GAPS[:count]), abs=1e-5
        )
    else:
        assert [one["value"] for one in answers] == pytest.approx(estimator.predict(GAPS[:count]), abs=1e-5)


def test_several_values_a_row_are_a_list(tmp_path: Path) -> None:
    estimator = LinearRegression().fit(ROWS, ROWS[:, :2] * 3)
    scorer = saved(tmp_path, estimator, ROWS, format="skops")
    assert scorer.predict([ROWS[0].tolist()])[0]["value"] == pytest.approx(ROWS[0, :2] * 3)


def test_the_environment_that_trained_is_recorded(mixed: Scorer) -> None:
    text = (mixed.model.path / "environment.txt").read_text()
    assert text.startswith("# Python 3")
    assert "scikit-learn==" in text


def test_an_input_s_unit_and_meaning_are_in_the_signature(tmp_path: Path) -> None:
    about = {"features": {"unit": "mm", "description": "three lengths"}}
    scorer = saved(tmp_path, LinearRegression().fit(ROWS, ROWS[:, 0]), ROWS, about_inputs=about)
    assert scorer.model.signature["inputs"][0]["unit"] == "mm"
    with pytest.raises(Failure, match="'feature' is no input; there are features"):
        Inputs.of(ROWS).described({"feature": {"unit": "mm"}})


def test_targets_are_kept_for_comparisons_with_later_versions(tmp_path: Path) -> None:
    scorer = saved(tmp_path, LogisticRegression().fit(ROWS, SIGNS), ROWS, targets=SIGNS)
    lines = (scorer.model.path / "evaluation.jsonl").read_text().splitlines()
    assert len(lines) == len(ROWS)
    assert SIGNS[0] in lines[0]

"""A name stands for one meaning."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import modelfleet
from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.saving import clash
from modelfleet.saving.card import Signature

ROWS = np.random.default_rng(4).normal(size=(30, 3))
LINE = LinearRegression().fit(ROWS, ROWS[:, 0])


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with line:1."""
    folder = tmp_path_factory.mktemp("line")
    modelfleet.save(LINE, "line", inputs=ROWS, format="skops", store_path=folder)
    return folder


@pytest.mark.parametrize(
    ("estimator", "given", "words"),
    [
        (LINE, {"feature_names": ["a", "b", "c"]}, "its inputs and instance are not those of line:1"),
        (LINE, {"input_name": "pixels"}, "without 'features', with 'pixels'"),
        (LogisticRegression().fit(ROWS, ROWS[:, 0] > 0), {}, "its outputs and classes are not those of line:1"),
        (LinearRegression().fit(ROWS[:, :2], ROWS[:, 0]), {"inputs": ROWS[:, :2]}, "another type of 'features'"),
    ],
    ids=["columns", "input name", "classes", "width"],
)
def test_another_signature_under_a_known_name_is_refused_unless_it_is_meant(
    line: Path, tmp_path: Path, estimator: Any, given: dict[str, Any], words: str
) -> None:
    own = Path(shutil.copytree(line, tmp_path / "store"))
    wanted = {"inputs": ROWS, "format": "skops", "store_path": own, **given}
    with pytest.raises(Failure, match=words):
        modelfleet.save(estimator, "line", **wanted)
    assert stores.versions("line", own) == [1]
    modelfleet.save(estimator, "line", **wanted, breaking="the clients change with it")
    assert stores.find("line:2", own).card["breaking"] == "the clients change with it"


def damaged(line: Path, tmp_path: Path, name: str) -> Path:
    """A copy of the store in which a file of line:1 is cut short."""
    own = Path(shutil.copytree(line, tmp_path / "store"))
    (own / "line/1" / name).chmod(0o644)
    (own / "line/1" / name).write_bytes(b"")
    return own


def test_a_last_version_whose_files_are_damaged_does_not_forbid_the_next(line: Path, tmp_path: Path) -> None:
    own = damaged(line, tmp_path, "model.skops")
    with pytest.raises(Failure, match=r"line: its inputs and instance are not those of line:1"):
        modelfleet.save(LINE, "line", inputs=ROWS, feature_names=["a", "b", "c"], format="skops", store_path=own)
    assert modelfleet.save(LINE, "line", inputs=ROWS, format="skops", store_path=own).reference == "line:2"


def test_a_last_version_whose_card_is_lost_names_the_ways_on(line: Path, tmp_path: Path) -> None:
    own = damaged(line, tmp_path, "model.yaml")
    words = r"^line:1: its signature is none, .*; run `modelfleet store heal`, or say why with --breaking"
    with pytest.raises(Failure, match=words):
        modelfleet.save(LINE, "line", inputs=ROWS, format="skops", store_path=own)


def last(**tensor: Any) -> dict[str, Any]:
    """The card of a last version with one input."""
    said = {"inputs": [{"name": "a", "dtype": "float64", **tensor}], "outputs": [{"name": "y", "dtype": "float64"}]}
    return {"signature": said}


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({"nullable": True}, {}, "'a' may not be missing any more, and may in line:1; name it in nullable"),
        ({"unit": "degC"}, {"unit": "degF"}, "'a' is in degF, where line:1 has it in degC"),
        ({"unit": 5}, {}, "^line:1: its signature is none"),
    ],
    ids=["nullable", "unit", "broken"],
)
def test_an_input_that_means_something_else_is_refused(before: dict[str, Any], now: dict[str, Any], words: str) -> None:
    with pytest.raises(Failure, match=words):
        clash.refuse(Signature.model_validate(last(**now)["signature"]), last(**before), "line:1")


def test_an_input_that_may_be_missing_from_now_on_or_gets_a_unit_is_no_clash() -> None:
    clash.refuse(Signature.model_validate(last(nullable=True, unit="m")["signature"]), last(), "line:1")

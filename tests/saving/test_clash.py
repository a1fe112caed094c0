"""A name stands for one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import modelfleet
from modelfleet import store as stores
from modelfleet.errors import Failure

ROWS = np.random.default_rng(4).normal(size=(30, 3))
LINE = LinearRegression().fit(ROWS, ROWS[:, 0])


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
    tmp_path: Path, estimator: Any, given: dict[str, Any], words: str
) -> None:
    modelfleet.save(LINE, "line", inputs=ROWS, format="skops", store_path=tmp_path)
    wanted = {"inputs": ROWS, "format": "skops", "store_path": tmp_path, **given}
    with pytest.raises(Failure, match=words):
        modelfleet.save(estimator, "line", **wanted)
    assert stores.versions("line", tmp_path) == [1]
    modelfleet.save(estimator, "line", **wanted, breaking="the clients change with it")
    assert stores.find("line:2", tmp_path).card["breaking"] == "the clients change with it"

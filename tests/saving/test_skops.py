"""skops files: an odd one is refused in a line, and scoring is quiet."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from skops.io import dump

from modelfleet.errors import Failure
from modelfleet.saving.formats import skops
from modelfleet.saving.inputs import Inputs

ROWS = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize("schema", ["[]", "5", '{"__class__": 5}', '{"__loader__": "ObjectNode", "__module__": 3}'])
def test_a_file_with_an_odd_schema_is_refused(tmp_path: Path, schema: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.skops", "w") as archive:
        archive.writestr("schema.json", schema)
    with pytest.raises(Failure, match="not a skops file"):
        skops.read(tmp_path / "a.skops", [])


@pytest.mark.parametrize("name", ["../../evil.txt", "/tmp/evil.txt", "..\\evil.txt", "a/../../evil.txt"])
def test_a_file_with_a_member_that_leads_out_of_it_is_refused(tmp_path: Path, name: str) -> None:
    dump(LinearRegression().fit(ROWS, ROWS[:, 0]), tmp_path / "a.skops")
    with zipfile.ZipFile(tmp_path / "a.skops", "a") as archive:
        archive.writestr(name, "")
    with pytest.raises(Failure, match=r"a\.skops: holds '.*evil\.txt', which leads out of it; don't trust this file$"):
        skops.read(tmp_path / "a.skops", [])


def test_an_estimator_fitted_on_a_frame_is_scored_without_a_warning_of_its_column_names(tmp_path: Path) -> None:
    frame = Inputs.of(ROWS, ["a", "b"])
    estimator = LinearRegression().fit(frame_of(frame), ROWS[:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scoring, _ = skops.write(estimator, frame, tmp_path, [])
    assert scoring.takes == "matrix"


def frame_of(inputs: Inputs) -> object:
    """The inputs as a data frame."""
    import pandas as pd

    return pd.DataFrame(inputs.batch)

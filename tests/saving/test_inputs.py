"""Example inputs from files: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelfleet.errors import Failure
from modelfleet.saving import examples
from modelfleet.saving.inputs import Inputs


def test_an_array_a_table_and_objects_give_the_same_rows(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1.0, 2.0]]))
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    (tmp_path / "c.json").write_text('[{"x": 1, "y": 2}]')
    read = [examples.read(tmp_path / name) for name in ("a.npy", "b.csv", "c.json")]
    assert [one.named for one in read] == [False, True, True]
    assert [one.instances() for one in read] == [[[1.0, 2.0]], [{"x": 1.0, "y": 2.0}], [{"x": 1.0, "y": 2.0}]]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"1", "not a file of examples"),
        ("a.npy", b"", "can't be read"),
        ("a.npz", b"PK\x03\x04junk", "can't be read"),
        ("a.csv", b"", "can't be read"),
        ("a.json", b"{", "can't be read"),
        ("a.json", b'{"x": 1}', "can't be read"),
        ("a.json", b'[{"x": 1}, {"x": [1, 2]}]', "holds mixed-integer values"),
        ("a.npy", b"\x93NUMPYjunk", "can't be read"),
    ],
)
def test_a_file_that_holds_no_examples_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Failure, match=words):
        examples.read(tmp_path / name)


def test_a_column_of_a_table_with_a_leading_zero_is_text_and_its_gaps_stay_gaps(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("postcode,price,rooms\n01234,0.5,0\n99423,00.5,10\n,1,3\n")
    read = examples.read(tmp_path / "a.csv")
    assert [tensor.dtype for tensor in read.tensors] == ["string", "float64", "int64"]
    assert read.batch["postcode"].tolist() == ["01234", "99423", None]


def test_a_pickled_array_is_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(Failure, match="can't be read"):
        examples.read(tmp_path / "a.npy")


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_an_array_whose_name_leads_out_of_its_file_is_refused(tmp_path: Path, suffix: str) -> None:
    np.savez(tmp_path / "a.npz", allow_pickle=False, **{"../../x": np.ones(2)})
    file = (tmp_path / "a.npz").rename(tmp_path / f"a{suffix}")
    with pytest.raises(Failure, match=r"holds '\.\./\.\./x\.npy', which leads out of it|can't be read"):
        examples.read(file)


def test_arrays_may_have_names_with_colons_and_slashes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", allow_pickle=False, **{"x:0": np.ones(2), "dense/out..1": np.ones(2)})
    assert [tensor.name for tensor in examples.read(tmp_path / "a.npz").tensors] == ["x:0", "dense/out..1"]


def test_a_unit_that_is_no_text_is_refused() -> None:
    with pytest.raises(Failure, match=r"about_inputs\.a\.unit: input should be a valid string; give a text"):
        Inputs.of(np.ones((2, 1)), ["a"]).described({"a": {"unit": 5}})  # type: ignore[dict-item]


@pytest.mark.parametrize("given", [[[1, 2], [3]], {"a": [[1, 2], [3]]}], ids=["rows", "by name"])
def test_ragged_rows_are_refused_in_a_line(given: Any) -> None:
    with pytest.raises(Failure, match="its rows are not of one length"):
        Inputs.of(given)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"a\.csv: there is no such file; check the path"):
        examples.read(tmp_path / "a.csv")

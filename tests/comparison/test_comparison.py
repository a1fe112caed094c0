"""Two saved versions scored on one evaluation set, kept or given."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelfleet import comparison, needs
from modelfleet import store as stores
from modelfleet.comparison import picture
from modelfleet.comparison.rows import kept, of_file
from modelfleet.comparison.verdict import BETTER, NOT_SHOWN, WORSE
from modelfleet.errors import Failure
from modelfleet.saving import files, golden
from modelfleet.saving.finish import Wish
from modelfleet.saving.inputs import Inputs
from modelfleet_service.model import Model
from modelfleet_service.runtimes import Allowed
from tests import rivals as versions

CODE = """
class Scorer:
    def __init__(self, folder):
        pass

    def predict(self, batch):
        return {"sum": batch["features"].sum(axis=1)}
"""


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """The held-out leaves as a file with the true answers in the column `tree`."""
    rows, targets = versions.leaves()
    frame = pd.DataFrame(rows[versions.TRAINED :], columns=versions.COLUMNS)
    frame.assign(tree=targets[versions.TRAINED :]).to_csv(tmp_path / "leaves.csv", index=False)
    return tmp_path / "leaves.csv"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("leaves:1", "leaves:2", BETTER),
        ("leaves:2", "leaves:1", WORSE),
        ("leaves:2", "leaves:3", NOT_SHOWN),
        ("slopes:1", "slopes:2", BETTER),
    ],
)
def test_the_second_is_judged_on_the_set_that_one_kept(rivals: Path, first: str, second: str, said: str) -> None:
    found = comparison.compare(first, second, store_path=rivals)
    assert (found.verdict.verdict, found.rows) == (said, 100)


def test_a_file_gives_what_the_kept_set_gives(rivals: Path, csv: Path) -> None:
    given = comparison.compare("leaves:1", "leaves:2", data=csv, target="tree", store_path=rivals)
    assert given.metrics == comparison.compare("leaves:1", "leaves:2", store_path=rivals).metrics


@pytest.mark.parametrize(
    ("first", "second", "rows", "doubts"),
    [("slopes:2", "slopes:1", 5, 1), ("slopes:1", "slopes:2", 5, 0), ("slopes:2", "slopes:1", 100, 0)],
    ids=["few rows", "better", "many rows"],
)
def test_metrics_that_are_much_worse_without_a_verdict_are_noted(
    rivals: Path, tmp_path: Path, first: str, second: str, rows: int, doubts: int
) -> None:
    given, targets = (part[100 : 100 + rows] for part in versions.slopes())
    np.savez(tmp_path / "slopes.npz", inputs=given, target=targets)
    found = comparison.compare(first, second, data=tmp_path / "slopes.npz", store_path=rivals)
    noted = [note for note in found.notes if "too few rows to tell" in note]
    assert len(noted) == doubts
    assert all(note.startswith("slopes:1 is worse in mae by ") for note in noted)


def test_a_text_that_holds_a_separator_of_lines_is_read_as_it_was_kept(tmp_path: Path) -> None:
    texts = ["one\u2028two", "one\u2029two", "one\x85two", "one\r\ntwo"]
    golden.write_evaluation(tmp_path, Inputs.of(texts), texts)
    model = Model(tmp_path, "", (), {"name": "texts", "version": 1})
    found = kept(model, model)
    assert (found.instances, found.targets) == (texts, texts)


def test_arrays_are_taken_from_an_npz_file(rivals: Path, tmp_path: Path) -> None:
    rows, targets = versions.slopes()
    np.savez(tmp_path / "slopes.npz", inputs=rows[100:], target=targets[100:])
    given = comparison.compare("slopes:1", "slopes:2", data=tmp_path / "slopes.npz", store_path=rivals)
    kept = comparison.compare("slopes:1", "slopes:2", store_path=rivals)
    assert [one.second for one in given.metrics] == pytest.approx([one.second for one in kept.metrics])


def test_rows_that_do_not_fit_are_one_line_with_the_field(rivals: Path, csv: Path) -> None:
    pd.read_csv(csv).drop(columns="width").to_csv(csv, index=False)
    with pytest.raises(Failure, match=r"leaves:1: .* does not fit its signature \(instances\[0\].width: .*; give"):
        comparison.compare("leaves:1", "leaves:2", data=csv, target="tree", store_path=rivals)


def test_a_column_that_is_not_there_names_those_that_are(rivals: Path, csv: Path) -> None:
    with pytest.raises(Failure, match=r"no column 'target' .*; name it with --target; it has length, width"):
        comparison.compare("leaves:1", "leaves:2", data=csv, store_path=rivals)


def test_a_true_answer_that_no_version_knows_is_refused(rivals: Path, csv: Path) -> None:
    csv.write_text(csv.read_text().replace("birch", "beech"))
    with pytest.raises(Failure, match="'beech' is a class of neither version; the classes are ash, birch, oak"):
        comparison.compare("leaves:1", "leaves:2", data=csv, target="tree", store_path=rivals)


def test_without_any_evaluation_set_the_cure_is_said(store: Path) -> None:
    with pytest.raises(Failure, match="neither kept an evaluation set; give one with --data FILE --target COLUMN"):
        comparison.compare("flowers:1", "flowers:1", store_path=store)


def test_a_classifier_is_not_compared_with_a_regressor(rivals: Path) -> None:
    with pytest.raises(Failure, match="one answers classes, the other values"):
        comparison.compare("slopes:1", "leaves:2", store_path=rivals)


def test_a_file_that_a_version_learned_from_is_said(rivals: Path, csv: Path) -> None:
    first, second = (stores.find(f"leaves:{number}", rivals) for number in (1, 2))
    second.card["training_data"] = {"name": "x", "digest": f"sha256:{hashlib.sha256(csv.read_bytes()).hexdigest()}"}
    assert "leaves:2 learned from this very file" in of_file(csv, "tree", first, second).notes[0]
    second.card["training_data"] = None
    assert "is not known" in of_file(csv, "tree", first, second).notes[0]


def test_differences_name_the_parameters(rivals: Path) -> None:
    (found,) = comparison.compare("slopes:1", "slopes:2", store_path=rivals).differences
    assert (found.section, found.field, found.first, found.second) == ("parameters", "alpha", 100.0, 0.1)


@pytest.mark.parametrize(("first", "second"), [("leaves:1", "leaves:2"), ("slopes:1", "slopes:2")])
def test_the_picture_is_a_png_of_1280_by_720(rivals: Path, tmp_path: Path, first: str, second: str) -> None:
    found = comparison.compare(first, second, store_path=rivals)
    picture.draw(found, tmp_path / "x.png")
    content = (tmp_path / "x.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    assert [int.from_bytes(content[start : start + 4]) for start in (16, 20)] == [1280, 720]
    assert len(content) > 10_000


def test_the_picture_can_be_svg_and_is_titled_with_both_references(rivals: Path, tmp_path: Path) -> None:
    picture.draw(comparison.compare("leaves:1", "leaves:2", store_path=rivals), tmp_path / "x.svg")
    said = (tmp_path / "x.svg").read_text()
    assert "<!-- leaves:2 is better than leaves:1 -->" in said


def test_another_picture_is_refused_before_anything_is_scored(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"name it with \.png or \.svg"):
        picture.check(tmp_path / "x.jpg")


def test_a_missing_library_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(Failure, match=r"scipy\.stats: .*; run `make setup` in .* `pip install -e '\.\[compare\]'`"):
        needs.library("scipy.stats", "compare")


def test_code_is_run_only_where_it_is_trusted(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/scorer.py").write_text(CODE)
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"instance": [{n}, 1], "target": {n + 1}}}\n' for n in range(8)))
    card, wish = {"algorithm": "a sum"}, Wish("sums", tmp_path / "store")
    files.save(tmp_path / "code", Inputs.of(np.ones((4, 2))), card, wish, "scorer:Scorer")
    given: dict[str, Any] = {"data": tmp_path / "rows.jsonl", "store_path": tmp_path / "store"}
    with pytest.raises(Failure, match=r"is Python code.* --python-code"):
        comparison.compare("sums:1", "sums:1", **given)
    found = comparison.compare("sums:1", "sums:1", allowed=Allowed(code=True), **given)
    assert (found.verdict.verdict, found.metrics[0].second) == (NOT_SHOWN, 0.0)


@pytest.mark.parametrize("act", ["1 / 0", "raise SystemExit(0)"])
def test_code_that_fails_on_a_row_is_one_line_and_no_success(tmp_path: Path, act: str) -> None:
    (tmp_path / "code").mkdir()
    for line in ("", f"        if batch['features'].max() > 2: {act}\n"):
        (tmp_path / "code/scorer.py").write_text(CODE.replace("        return", f"{line}        return"))
        wish = Wish("sums", tmp_path / "store")
        files.save(tmp_path / "code", Inputs.of(np.ones((4, 2))), {}, wish, "scorer:Scorer")
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"instance": [{n}, 1], "target": {n + 1}}}\n' for n in range(8)))
    with pytest.raises(Failure, match=r"^sums:2: can't score the rows of .*rows\.jsonl \(.*\); give --data"):
        comparison.compare(
            "sums:1",
            "sums:2",
            data=tmp_path / "rows.jsonl",
            allowed=Allowed(code=True),
            store_path=tmp_path / "store",
        )

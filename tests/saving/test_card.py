"""A card file is refused in a line that names the field, before anything is computed."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import modelfleet
from modelfleet import saving
from modelfleet.commands.model.save import command
from modelfleet.errors import Failure
from modelfleet.saving import card, finish
from modelfleet.saving.finish import Wish
from modelfleet.saving.inputs import Inputs


def written(folder: Path, text: str) -> Path:
    """A card file."""
    (folder / "card.yml").write_text(text)
    return folder / "card.yml"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nullable: 5", r"^card\.nullable: "),
        ("feature_names: 3", r"^card\.feature_names: "),
        ("classes: 3", r"^card\.classes: "),
        ("classes:", r"^card\.classes: "),
        ("classes: [0, 1, 8, 8]", r"^card\.classes: holds a label twice; mend the card; nothing was saved$"),
        ("classes: [0, 1, '9']", r"^card\.classes: holds labels of several types; mend the card"),
        ("classes: [false, 1]", r"^card\.classes: holds labels of several types; mend the card"),
        ("about_inputs: [1]", r"^card\.about_inputs: "),
        ("about_inputs: {features: degC}", r"^card\.about_inputs\.features: "),
        ("activation: foo", r"^card\.activation: "),
        ("lineage: x", r"^card\.lineage: "),
        ("evaluation: [{metric: acc}]", r"^card\.evaluation\.0\.data_set: "),
        ("licence: MIT", r"^card\.licence: "),
    ],
)
def test_a_field_of_the_wrong_type_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Failure, match=words):
        card.read(written(tmp_path, text))


def test_a_card_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.yml").write_bytes("author: Köln".encode("latin-1"))
    with pytest.raises(Failure, match="can't be read"):
        card.read(tmp_path / "card.yml")


def test_a_card_may_say_the_name_it_is_saved_under_and_nothing_that_saving_sets(tmp_path: Path) -> None:
    assert card.read(written(tmp_path, "{name: line, limits: none}"), "line")["limits"] == "none"
    with pytest.raises(Failure, match="says name, version, which saving sets"):
        card.read(written(tmp_path, "{name: other, version: 3}"), "line")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"evaluation": [("acc", 0.9)]}, r"card\.evaluation\.0"),
        ({"evaluation": 5}, r"card\.evaluation"),
        ({"training_data": "x"}, r"card\.training_data"),
        ({"lineage": "x"}, r"card\.lineage"),
        ({"tags": "abc"}, r"card\.tags"),
        ({"classes": ["a", "a"]}, r"card\.classes: holds a label twice"),
        ({"languages": "zh"}, r"card\.languages"),
        ({"nullable": "ab"}, r"card\.nullable"),
        ({"about_inputs": {"features": "degC"}}, r"card\.about_inputs\.features"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(Failure, match=words):
        modelfleet.save(object(), "line", inputs=np.ones((2, 1)), store_path=tmp_path, **given)


def test_classes_that_another_tool_s_card_brings_are_looked_at_too(store: Path, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"^card\.classes: holds a label twice"):
        saving.save_onnx(
            store / "squares/1/model.onnx", Inputs.of(np.ones((2, 3))), {"classes": [1, 1]}, Wish("x", tmp_path)
        )


def test_a_proof_whose_process_ends_without_an_answer_is_none(tmp_path: Path) -> None:
    words = r"^the saved files: the process that was to score them ended without an answer; nothing was saved"
    with pytest.raises(Failure, match=words):
        finish.prove(tmp_path, python="/bin/true")


def test_the_saver_needs_no_entry_in_the_list_of_users(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert finish.user().isdigit()


def test_a_name_is_looked_at_before_a_pickle_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"junk")
    done = CliRunner().invoke(command, [str(tmp_path / "a.pkl"), "--name", "No Name", "--trust-pickle"])
    assert isinstance(done.exception, Failure)
    assert "not a model name" in str(done.exception)
    assert "Saving" not in done.output

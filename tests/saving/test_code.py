"""A folder of code is tried in an environment that has what its own requirements name, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from modelfleet import saving
from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.saving.finish import Wish
from modelfleet.saving.formats import code
from modelfleet.saving.inputs import Inputs
from modelfleet_service.model import Model
from modelfleet_service.runtimes import Allowed
from modelfleet_service.scorer import load

CODE = """\
import idna
import numpy as np

class Scorer:
    def __init__(self, folder):
        self.width = len(idna.encode("köln"))

    def predict(self, batch):
        return {"value": np.asarray(batch["features"]).sum(axis=1) + self.width}
"""
ANSWERING = """\
import decimal
import enum
import numpy as np

class L(str, enum.Enum):
    A = "a"

class Scorer:
    def __init__(self, folder):
        pass

    def predict(self, batch):
        return {{{name!r}: {answer}}}
"""
ROWS = np.arange(6.0).reshape(3, 2)


def save(folder: Path, requirements: str) -> Model:
    """Save the code with these requirements, and read what was saved."""
    folder.mkdir()
    (folder / "scorer.py").write_text(CODE)
    (folder / "requirements.txt").write_text(requirements)
    saving.save_code(folder, "scorer:Scorer", Inputs.of(ROWS), {}, Wish("own", folder.parent / "store"))
    return stores.find("own:1", folder.parent / "store")


def test_code_whose_requirements_are_complete_is_saved(tmp_path: Path) -> None:
    model = save(tmp_path / "own", "idna\n")
    assert model.golden[0].prediction == {"value": 1.0 + len("xn--kln-sna")}
    assert "idna==" in (model.path / "requirements-3.13.lock").read_text()


def test_a_requirement_that_is_only_installed_here_is_missed_when_it_is_saved(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"requirements\.txt: its code needs 'idna', .*; name the package there"):
        save(tmp_path / "own", "# none\n")
    assert stores.names(tmp_path / "store") == []


def test_requirements_in_another_encoding_are_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes("# Köln\nidna\n".encode("latin-1"))
    with pytest.raises(Failure, match=r"requirements\.txt: can't be read \(.*\); write it in UTF-8"):
        code.requirements(tmp_path / "requirements.txt")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise SystemExit(0)", r"can't score the examples \(RuntimeError: the code wants to end the process"),
        ("import helper", "import it at the top, not within predict"),
        ("import os; os._exit(0)", r"^code/scorer:Scorer: its process ended without an answer \(status 0\); mend"),
    ],
)
def test_code_that_fails_while_it_scores_is_refused_in_a_line(tmp_path: Path, body: str, words: str) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/helper.py").touch()
    text = f"class Scorer:\n    def __init__(self, folder): pass\n    def predict(self, batch):\n        {body}\n"
    (tmp_path / "own/scorer.py").write_text(text)
    with pytest.raises(Failure, match=words):
        code.take(tmp_path / "own", "scorer:Scorer", tmp_path / "taken", Inputs.of(ROWS), [])


def test_what_is_no_plain_file_among_the_code_is_named(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/scorer.py").write_text(CODE)
    os.mkfifo(tmp_path / "own/queue")
    with pytest.raises(Failure, match=r"own/queue: is no plain file; move it out of the folder$"):
        code.take(tmp_path / "own", "scorer:Scorer", tmp_path / "taken", Inputs.of(ROWS), [])


def test_a_link_in_what_is_left_out_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "own/.venv/bin").mkdir(parents=True)
    (tmp_path / "own/.venv/bin/python").symlink_to("/usr/bin/python3")
    text = CODE.replace("import idna\n", "").replace('len(idna.encode("köln"))', "1")
    (tmp_path / "own/scorer.py").write_text(text)
    code.take(tmp_path / "own", "scorer:Scorer", tmp_path / "taken", Inputs.of(ROWS), [])
    assert [path.name for path in (tmp_path / "taken/code").iterdir()] == ["scorer.py"]


def scoring(folder: Path, answer: str, name: str = "value") -> Path:
    """Write code that answers an expression, of which ``batch`` is a part."""
    folder.mkdir()
    (folder / "scorer.py").write_text(ANSWERING.format(name=name, answer=answer))
    return folder


@pytest.mark.parametrize("text", ["L.A], dtype=object", "'a'], dtype=np.dtypes.StringDType()"])
def test_code_may_answer_texts_of_a_class_of_its_own_or_of_numpy_s(tmp_path: Path, text: str) -> None:
    folder = scoring(tmp_path / "own", f"np.repeat(np.array([{text}), len(batch['features']))")
    saving.save_code(folder, "scorer:Scorer", Inputs.of(ROWS), {}, Wish("own", tmp_path / "store"))
    model = stores.find("own:1", tmp_path / "store")
    (answer,) = load(model, Allowed(code=True)).predict([[0.0, 1.0]])
    assert type(answer["value"]) is str
    assert answer == model.golden[0].prediction == {"value": "a"}
    assert model.signature["outputs"][0]["dtype"] == "string"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("np.zeros((3, 0))", r"answers 'value' of shape \(3, 0\) to 3 rows; give only answers whose first axis is"),
        ("np.zeros(5)", r"answers 'value' of shape \(5,\) to 3 rows; give only answers"),
        ("np.float64(1)", r"answers 'value' of shape \(\) to 3 rows; give only answers"),
        (r"['a', 'b', '\ud800']", "answers 'value' with half of a surrogate pair; answer whole characters"),
        ("[b'a', b'b', b'c']", "answers 'value' as bytes_; give numbers, truth values or texts"),
        ("np.arange(3).astype('datetime64[ns]')", "answers 'value' as datetime64; give numbers"),
        ("[decimal.Decimal(1)] * 3", "answers 'value' as Decimal; give numbers"),
        ("np.array([1.0, np.nan, None], dtype=object)", "the model answers NaN or infinity"),
    ],
)
def test_answers_of_code_that_can_t_be_written_are_refused_in_a_line(tmp_path: Path, answer: str, words: str) -> None:
    folder = scoring(tmp_path / "own", answer)
    with pytest.raises(Failure, match=f"^code/scorer:Scorer: {words}") as caught:
        saving.save_code(folder, "scorer:Scorer", Inputs.of(ROWS), {}, Wish("own", tmp_path / "store"))
    assert "\n" not in str(caught.value)
    assert stores.names(tmp_path / "store") == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("np.ones((3, 3))", "answers 3 probabilities a row for 2 classes; answer one for each class"),
        ("np.array([['a', 'b']] * 3)", "answers 'probabilities' as str_; give numbers"),
        ("np.ones((2, 2))", r"answers 'labels' of shape \(2,\) to 3 rows"),
    ],
)
def test_odd_probabilities_of_code_are_refused_in_a_line(tmp_path: Path, answer: str, words: str) -> None:
    folder, wish = scoring(tmp_path / "own", answer, "probabilities"), Wish("own", tmp_path / "store")
    with pytest.raises(Failure, match=words):
        saving.save_code(folder, "scorer:Scorer", Inputs.of(ROWS), {"classes": ["no", "yes"]}, wish)

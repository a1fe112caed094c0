"""Models that are Python code: each has its own modules, in one process too."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import pytest

from modelfleet_service.errors import ModelError
from modelfleet_service.runtimes import Allowed
from modelfleet_service.runtimes.code import CodeRuntime

SCORER = """\
import helper
from inner import part

class Scorer:
    def __init__(self, folder):
        import late
        self.late = late.VALUE

    def predict(self, batch):
        return {"value": batch["x"] * helper.VALUE + part.VALUE + self.late}
"""


def loaded(folder: Path, value: int) -> CodeRuntime:
    """Write and load code whose modules hold a value of its own."""
    (folder / "inner").mkdir(parents=True)
    (folder / "scorer.py").write_text(SCORER)
    for name in ("helper.py", "late.py", "inner/part.py"):
        (folder / name).write_text(f"VALUE = {value}\n")
    return CodeRuntime(folder, [], ["value"], "scorer:Scorer", Allowed(code=True))


def test_two_models_in_one_process_use_the_modules_of_their_own_folders(tmp_path: Path) -> None:
    path = list(sys.path)
    runtimes = [loaded(tmp_path / name, value) for name, value in (("a", 1), ("b", 10))]
    answers = [runtime.score({"x": np.array([1.0])}).values["value"].tolist() for runtime in runtimes]
    assert answers == [[3.0], [30.0]]
    assert sys.path == path
    assert not {"helper", "late", "inner", "inner.part"} & sys.modules.keys()


def test_a_module_of_the_process_is_neither_used_nor_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = types.ModuleType("helper")
    monkeypatch.setitem(sys.modules, "helper", other)
    assert loaded(tmp_path / "a", 2).score({"x": np.array([1.0])}).values["value"].tolist() == [6.0]
    assert sys.modules["helper"] is other


def test_code_that_ends_the_process_can_not_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "scorer.py").write_text("import sys\nsys.exit(7)\n")
    with pytest.raises(ModelError, match=r"can't be loaded \(SystemExit: 7\)"):
        CodeRuntime(tmp_path, [], None, "scorer:Scorer", Allowed(code=True))


def test_code_that_ends_the_process_while_it_scores_is_a_fault_and_the_process_stays(tmp_path: Path) -> None:
    (tmp_path / "scorer.py").write_text(
        "class Scorer:\n    def __init__(self, folder): pass\n    def predict(self, batch): raise SystemExit(0)\n"
    )
    runtime = CodeRuntime(tmp_path, [], ["value"], "scorer:Scorer", Allowed(code=True))
    with pytest.raises(RuntimeError, match=r"wants to end the process, SystemExit\(0\)"):
        runtime.score({"x": np.array([1.0])})

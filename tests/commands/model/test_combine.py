"""`modelfleet model combine`: weights and routes as a person types them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from modelfleet import store as stores
from tests.commands.model.conftest import Run, Said


@pytest.fixture
def home(ensembles: Path, tmp_path: Path) -> Path:
    """A copy of the store of what can be combined."""
    return Path(shutil.copytree(ensembles, tmp_path / "store"))


def test_members_are_given_with_their_weights(said: Said, home: Path) -> None:
    members = ["--member", "squares:1=0.75", "--member", "cubes:1=0.25"]
    found = said(home, "combine", "sum", "--how", "weights", *members)
    assert (found["name"], found["version"]) == ("sum", 1)
    kept = stores.find("sum:1", home).card["ensemble"]["members"]
    assert [(one["name"], one["weight"]) for one in kept] == [("squares", 0.75), ("cubes", 0.25)]


def test_routes_are_given_by_value_and_the_rest_has_a_default(said: Said, home: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.npz"
    np.savez(rows, kind=["square", "cube"], features=[[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    routes = ["--field", "kind", "--route", "square=squares:1", "--default", "cubes:1"]
    found = said(home, "combine", "shapes", "--how", "route", *routes, "--examples", str(rows))
    assert [(one["name"], one["role"]) for one in found["members"]] == [("squares", "member"), ("cubes", "default")]
    assert stores.find("shapes:1", home).card["ensemble"]["members"][0]["routes"] == ["square"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--how", "weights", "--member", "squares:1=much"], "write it as REF=WEIGHT, such as digits:3=0.7"),
        (["--how", "route", "--route", "squares:1"], "--route squares:1: not a route; write it as VALUE=REF"),
    ],
)
def test_what_can_t_be_read_is_a_line(run: Run, ensembles: Path, arguments: list[str], words: str) -> None:
    done = run(ensembles, "combine", "sum", *arguments)
    assert (done.returncode, done.stderr.count("\n"), words in done.stderr) == (1, 1, True)

"""`modelfleet model alias`: set, move, list, drop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.store.tiny import publish
from tests.test_cli import run


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A store with many:1 and many:2."""
    assert [publish(tmp_path), publish(tmp_path)] == [1, 2]
    return tmp_path


def alias(store: Path, *arguments: str) -> str:
    done = run("model", "alias", "many", *arguments, "--store", str(store))
    return f"{done.returncode} {done.stdout}{done.stderr}".strip()


def test_an_alias_is_set_moved_listed_and_dropped_and_each_answer_says_so(two: Path) -> None:
    assert alias(two, "champion", "1") == "0 many@champion is many:1"
    assert alias(two, "champion", "2") == "0 many@champion is many:2; it was many:1"
    assert alias(two, "champion", "2") == "0 many@champion is many:2, as before"
    assert alias(two).startswith("0 many@champion  many:2  since ")
    assert alias(two, "champion", "--delete") == "0 dropped many@champion; it was many:2"


def test_no_alias_is_an_answer_and_no_failure(two: Path) -> None:
    assert alias(two) == "0 many has no alias"
    assert alias(two, "--json") == "0 []"


def test_the_list_is_an_array_with_the_history(two: Path) -> None:
    alias(two, "champion", "1")
    (row,) = json.loads(run("model", "alias", "many", "champion", "2", "--json", "--store", str(two)).stdout)
    assert set(row) == {"alias", "version", "since", "by", "history"}
    assert [entry["version"] for entry in row["history"]] == [1]


@pytest.mark.parametrize("arguments", [["champion"], ["champion", "1", "--delete"], ["--delete"], ["champion", "x"]])
def test_a_half_command_is_a_misuse(two: Path, arguments: list[str]) -> None:
    assert alias(two, *arguments).startswith("2 ")

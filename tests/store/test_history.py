"""The history of a name, on the smallest versions that a store takes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.store import audit
from modelfleet.store.history import history
from tests.store import tiny


def test_the_newest_is_first_and_a_deleted_one_keeps_its_figure(tmp_path: Path) -> None:
    for _ in range(3):
        tiny.publish(tmp_path)
    stores.delete("many:2", tmp_path)
    found = history("many", tmp_path)
    assert [(one.reference, one.state) for one in found] == [
        ("many:3", "saved"),
        ("many:2", "deleted"),
        ("many:1", "saved"),
    ]
    assert [one.change for one in found] == [0.0, 0.0, None]


def test_a_version_whose_files_are_gone_is_still_told(tmp_path: Path) -> None:
    tiny.publish(tmp_path)
    tiny.publish(tmp_path)
    (tmp_path / "many/1").chmod(0o755)
    shutil.rmtree(tmp_path / "many/1")
    gone = history("many", tmp_path)[-1]
    assert (gone.version, gone.state, gone.digest[:7]) == (1, "gone", "sha256:")


def test_deploys_and_aliases_are_told_of_the_version_they_were_of(tmp_path: Path) -> None:
    tiny.publish(tmp_path)
    tiny.publish(tmp_path)
    stores.set_alias("many", "champion", 1, tmp_path)
    stores.drop_alias("many", "champion", tmp_path)
    audit.record("deployed", tmp_path, fleet="/f.yml", services={"a": {"reference": "many:1"}})
    second, first = history("many", tmp_path)
    assert [(one["alias"], one["dropped"]) for one in first.aliases] == [("champion", False), ("champion", True)]
    assert [(one["fleet"], one["services"]) for one in first.deployed] == [("/f.yml", ["a"])]
    assert (second.aliases, second.deployed) == ((), ())


def test_a_name_without_a_past_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="has no model of this name"):
        history("none", tmp_path)

"""`modelfleet store log`: every act with time and author, of all models or of one."""

from __future__ import annotations

import json
from pathlib import Path

from modelfleet import store as stores
from modelfleet.store import audit
from tests.store.tiny import publish
from tests.test_cli import run


def test_the_log_is_an_array_that_can_be_narrowed_to_a_name(tmp_path: Path) -> None:
    publish(tmp_path)
    publish(tmp_path, "other")
    stores.set_alias("many", "champion", 1, tmp_path)
    audit.record("deployed", tmp_path, fleet="/f.yml", services={"route": {"reference": "many:1"}})
    found = json.loads(run("store", "log", "--json", "--name", "many", "--store", str(tmp_path)).stdout)
    assert [event["act"] for event in found] == ["saved", "aliased", "deployed"]
    assert all({"time", "act", "by"} <= set(event) for event in found)


def test_a_line_says_which_version_went_where(tmp_path: Path) -> None:
    publish(tmp_path)
    audit.record("deployed", tmp_path, fleet="/f.yml", services={"route": {"reference": "many:1"}})
    stores.set_alias("many", "champion", 1, tmp_path)
    lines = run("store", "log", "--store", str(tmp_path)).stdout.splitlines()
    assert lines[1].endswith("deployed      route many:1 to /f.yml")
    assert lines[2].endswith("aliased       many:1 as @champion")


def test_a_name_that_is_not_there_is_refused_with_those_there_are(tmp_path: Path) -> None:
    publish(tmp_path)
    done = run("store", "log", "--name", "mamy", "--store", str(tmp_path))
    assert (done.returncode, "did you mean many:1?" in done.stderr) == (1, True)
    assert run("store", "log", "--name", "mamy", "--json", "--store", str(tmp_path)).stdout == "[]\n"


def test_the_help_names_every_field_that_an_act_has() -> None:
    said = " ".join(run("store", "log", "--help").stdout.split())
    assert "reference, digest, alias, before, role, key, source, noted_by, fleet, services" in said

"""`modelfleet model list`: what is saved, with aliases and who signed."""

from __future__ import annotations

import json
from pathlib import Path

from modelfleet import store as stores
from tests.store.tiny import publish
from tests.test_cli import run

FIELDS = {
    *("name", "version", "digest", "created", "runtime", "size_bytes", "signature_digest", "metrics", "members"),
    *("signed", "aliases", "broken"),
}


def test_models_are_listed_as_json_with_the_words_of_the_design(store: Path) -> None:
    rows = json.loads(run("model", "list", "--json", "--store", str(store)).stdout)
    assert [(row["name"], row["version"]) for row in rows] == [("flowers", 1), ("squares", 1)]
    assert set(rows[0]) == FIELDS


def test_a_line_has_the_aliases_and_the_roles_that_signed(tmp_path: Path) -> None:
    publish(tmp_path)
    stores.set_alias("many", "champion", 1, tmp_path)
    (tmp_path / "many/1").chmod(0o755)
    (tmp_path / "many/1/manifest.sig").write_text('{"signatures": [{"role": "trainer"}]}')
    (line,) = run("model", "list", "--store", str(tmp_path)).stdout.splitlines()
    assert line.startswith("many:1  onnx ")
    assert line.endswith("@champion    signed by trainer")


def test_a_version_that_can_t_be_read_is_a_line_and_the_others_are_listed(tmp_path: Path) -> None:
    assert [publish(tmp_path), publish(tmp_path)] == [1, 2]
    (tmp_path / "many/1").chmod(0o755)
    (tmp_path / "many/1/model.yaml").unlink()
    done = run("model", "list", "--store", str(tmp_path))
    broken, whole = done.stdout.splitlines()
    assert (done.returncode, "see `modelfleet store fsck`" in broken, "onnx" in whole) == (0, True, True)


def test_an_unknown_name_is_refused_with_those_there_are(tmp_path: Path) -> None:
    publish(tmp_path)
    done = run("model", "list", "mamy", "--store", str(tmp_path))
    assert (done.returncode, "did you mean many:1?" in done.stderr) == (1, True)


def test_an_unknown_name_is_an_empty_array_in_json_as_the_help_says(tmp_path: Path) -> None:
    done = run("model", "list", "mamy", "--json", "--store", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "[]\n")
    assert "An unknown name is an empty array with --json" in " ".join(run("model", "list", "--help").stdout.split())

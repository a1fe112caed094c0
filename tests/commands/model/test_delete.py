"""`modelfleet model delete` and `restore`: what happened is said, and how it is undone."""

from __future__ import annotations

import json
from pathlib import Path

from modelfleet import store as stores
from tests.store.tiny import publish
from tests.test_cli import run


def test_a_version_is_deleted_and_restored_and_the_log_tells_it(tmp_path: Path) -> None:
    publish(tmp_path)
    done = run("model", "delete", "many:1", "--without-hosts", "--store", str(tmp_path))
    assert "`modelfleet model restore many:1` undoes it" in done.stdout, done.stderr
    assert stores.versions("many", tmp_path) == []
    assert run("model", "restore", "many:1", "--store", str(tmp_path)).stdout.startswith("restored many:1 (sha256:")
    said = run("store", "log", "--store", str(tmp_path)).stdout.splitlines()
    assert [line.split()[2] for line in said] == ["saved", "deleted", "restored"]


def test_a_restored_ensemble_says_which_of_its_members_are_in_the_trash(tmp_path: Path) -> None:
    publish(tmp_path)
    member = {"name": "many", "version": 1, "digest": stores.find("many:1", tmp_path).digest}
    publish(tmp_path, "both", more=f"ensemble: {json.dumps({'members': [member]})}\n")
    for reference in ("both:1", "many:1"):
        stores.delete(reference, tmp_path)
    done = run("model", "restore", "both:1", "--store", str(tmp_path))
    said = "both:1: its member many:1 is in the trash; restore it too: `modelfleet model restore many:1`\n"
    assert (done.returncode, done.stderr) == (0, said)


def test_a_damaged_version_is_restored_and_said_to_be_damaged(tmp_path: Path) -> None:
    publish(tmp_path)
    stores.delete("many:1", tmp_path)
    file = tmp_path / ".trash/many/1/model.onnx"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    done = run("model", "restore", "many:1", "--store", str(tmp_path))
    said = f"many:1: was restored, and is damaged ({tmp_path}/many/1/model.onnx was altered: "
    assert (done.returncode, done.stderr.startswith(said), "`modelfleet store heal`" in done.stderr) == (1, True, True)
    assert stores.versions("many", tmp_path) == [1]


def test_delete_and_restore_say_in_json_what_they_did(tmp_path: Path) -> None:
    publish(tmp_path)
    digest = stores.find("many:1", tmp_path).digest
    publish(tmp_path, "both", more=f"ensemble: {{members: [{{name: many, version: 1, digest: '{digest}'}}]}}\n")
    both = {"reference": "both:1", "name": "both", "version": 1}
    option = ("--json", "--store", str(tmp_path))
    done = run("model", "delete", "both:1", "--without-hosts", *option)
    assert (json.loads(done.stdout), done.stderr) == (both, "")
    stores.delete("many:1", tmp_path)
    done = run("model", "restore", "both:1", *option)
    assert (json.loads(done.stdout), done.stderr) == (both | {"members": ["many:1"]}, "")


def test_a_refusal_is_a_line_for_each_thing_that_refers_to_it(tmp_path: Path) -> None:
    publish(tmp_path)
    for alias in ("champion", "stable"):
        stores.set_alias("many", alias, 1, tmp_path)
    done = run("model", "delete", "many@stable", "--without-hosts", "--store", str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 2)


def test_a_version_that_a_fleet_file_has_is_not_deleted(tmp_path: Path) -> None:
    publish(tmp_path / "store")
    fleet = tmp_path / "fleet.yml"
    services = [{"name": "many", "model": "many:1", "port": 8001}]
    fleet.write_text(
        json.dumps({"all": {"vars": {"services": services}, "children": {"servers": {"hosts": {"one": {}}}}}})
    )
    arguments = ("--without-hosts", "--fleet", str(fleet), "--store", str(tmp_path / "store"))
    assert "fleet.yml has it as services.many.model" in run("model", "delete", "many:1", *arguments).stderr
    assert stores.versions("many", tmp_path / "store") == [1]

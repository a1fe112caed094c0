"""What forbids to delete a version: fleet files, by number or alias, and releases on servers."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelfleet import deployments
from modelfleet import store as stores
from modelfleet.errors import Failure, Failures
from modelfleet.evidence import releases_on_host
from modelfleet.evidence.session import Evidence
from modelfleet.fleet import Host
from modelfleet.store import audit, disk

FLEET = """all:
  vars: {{services: [{{name: many, model: "{model}", port: 8001}}]}}
  children: {{servers: {{hosts: {hosts}}}}}
"""
SILENT = "{one: {ansible_host: 127.0.0.1, ansible_port: 1}}"
SERVER = Host("one", "one", "one", 22, None, (), {})


@pytest.fixture(autouse=True)
def inventory(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory folder that is empty at first, so that no fleet file of this checkout counts."""
    folder = tmp_path_factory.mktemp("inventory")
    monkeypatch.setattr(deployments, "INVENTORY", folder)
    monkeypatch.delenv("MODELFLEET_FLEET", raising=False)
    return folder


def write(file: Path, model: str, hosts: str = SILENT) -> Path:
    file.write_text(FLEET.format(model=model, hosts=hosts))
    return file


def said(release: dict[str, Any]) -> list[str]:
    evidence = Evidence(SERVER, {"releases": [{"service": "many", "release": "0a", **release}]})
    return [str(failure) for failure in deployments.of_servers("many:2", "sha256:2", [evidence])]


@pytest.mark.parametrize("model", ["many:2", "many@champion"])
def test_a_version_in_a_fleet_file_of_the_inventory_is_not_deleted(three: Path, inventory: Path, model: str) -> None:
    stores.set_alias("many", "champion", 2, three)
    write(inventory / "my.yml", model)
    with pytest.raises(Failures, match=r"my\.yml has it as services\.many\.model"):
        deployments.delete("many:2", three, ask_hosts=False)
    assert deployments.delete("many:3", three, ask_hosts=False)


def test_the_example_and_a_file_that_is_no_inventory_refer_to_nothing(three: Path, inventory: Path) -> None:
    write(inventory / "example.yml", "many:2")
    (inventory / "broken.yml").write_text("all: [")
    assert deployments.delete("many:2", three)


def test_the_given_fleet_the_variable_s_and_those_deployed_to_count(
    three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, variable, deployed = (write(tmp_path / f"{name}.yml", "many:1") for name in ("given", "variable", "past"))
    monkeypatch.setenv("MODELFLEET_FLEET", str(variable))
    audit.record("deployed", three, fleet=str(deployed), services={})
    assert deployments.files(three) == sorted([variable, deployed])
    assert given in deployments.files(three, given)


@pytest.mark.parametrize("content", ["a: [", "all: {vars: {services: [{}]}, children: {servers: {hosts: {one: }}}}"])
def test_a_fleet_file_that_was_given_named_or_deployed_and_can_t_be_read_refuses(
    three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(content)
    said = r"many:2: can't tell whether .*broken\.yml needs it"
    with pytest.raises(Failures, match=said):
        deployments.delete("many:2", three, fleet=broken, ask_hosts=False)
    with monkeypatch.context() as patch:
        patch.setenv("MODELFLEET_FLEET", str(broken))
        with pytest.raises(Failures, match=said):
            deployments.delete("many:2", three, ask_hosts=False)
    audit.record("deployed", three, fleet=str(broken), services={})
    with pytest.raises(Failures, match=said):
        deployments.delete("many:2", three, ask_hosts=False)
    broken.unlink()
    with pytest.raises(Failure, match="no such fleet file"):
        deployments.delete("many:2", three, fleet=broken, ask_hosts=False)
    assert deployments.delete("many:2", three, ask_hosts=False)


def test_a_fleet_that_another_machine_deployed_it_to_refuses_until_its_file_is_given(
    three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = {"fleet": "/elsewhere/theirs.yml", "services": {"many": {"reference": "many:2"}}}
    audit.record("deployed", three, **deployed)
    assert deployments.delete("many:2", three)
    stores.restore("many:2", three)
    with monkeypatch.context() as patch:
        patch.setattr(disk, "who", lambda: "ann@other")
        audit.record("deployed", three, **deployed)
    with pytest.raises(Failures, match=r"ann@other deployed it on .* with /elsewhere/theirs\.yml, which is not on"):
        deployments.delete("many:2", three)
    assert deployments.delete("many:3", three)
    theirs = tmp_path / "theirs.yml"
    theirs.write_text("all: {children: {servers: {hosts: {}}}}")
    assert deployments.delete("many:2", three, fleet=theirs)


def test_two_machines_fleets_at_the_same_path_are_two(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for who, reference in (("ann@laptop", "many:2"), ("otto@desktop", "many:3")):
        monkeypatch.setattr(disk, "who", lambda by=who: by)
        audit.record("deployed", three, fleet="/srv/ours.yml", services={"many": {"reference": reference}})
    monkeypatch.setattr(disk, "who", lambda: "cyd@server")
    for who, reference in (("ann@laptop", "many:2"), ("otto@desktop", "many:3")):
        with pytest.raises(Failures, match=f"{who} deployed it on"):
            deployments.delete(reference, three)


def test_a_fleet_file_of_the_inventory_may_end_in_yaml(three: Path, inventory: Path) -> None:
    write(inventory / "my.yaml", "many:2")
    with pytest.raises(Failures, match=r"my\.yaml has it"):
        deployments.delete("many:2", three, ask_hosts=False)


def test_a_server_that_can_t_be_asked_refuses_unless_told_otherwise(three: Path, inventory: Path) -> None:
    write(inventory / "my.yml", "other:1")
    with pytest.raises(Failures, match=r"one can't be asked whether it serves it .*--without-hosts"):
        deployments.delete("many:2", three)
    assert deployments.delete("many:2", three, ask_hosts=False)


def test_the_release_that_serves_it_and_one_kept_for_a_rollback_are_named() -> None:
    (current,) = said({"current": True, "digests": ["sha256:2"]})
    assert "the release 0a of many on one serves it" in current
    (kept,) = said({"current": False, "digests": ["sha256:1", "sha256:2"]})
    assert "is kept for a rollback" in kept
    assert said({"current": True, "digests": ["sha256:1"]}) == []


def test_a_release_that_can_t_be_read_refuses() -> None:
    (line,) = said({"current": False, "digests": None})
    assert "can't be read" in line


def test_a_server_tells_which_digests_its_releases_hold(tmp_path: Path) -> None:
    releases = tmp_path / "many/releases"
    for name, content in {"0a": {"digest": "a"}, "0b": {"digest": "b", "members": [{"digest": "c"}]}}.items():
        (releases / name).mkdir(parents=True)
        (releases / name / "release.json").write_text(json.dumps({"model": content}))
    (releases / "0c").mkdir()
    (tmp_path / "many/current").symlink_to("releases/0b")
    found = releases_on_host.releases(tmp_path)
    assert [(one["release"], one["current"], one["digests"]) for one in found] == [
        ("0a", False, ["a"]),
        ("0b", True, ["b", "c"]),
        ("0c", False, None),
    ]


def test_the_store_knows_nothing_of_fleets_and_copies() -> None:
    code = "import sys, pkgutil, importlib, modelfleet.store as s\n"
    code += "[importlib.import_module(f'{s.__name__}.{one.name}') for one in pkgutil.iter_modules(s.__path__)]\n"
    code += "print([one for one in sys.modules if one.startswith('modelfleet.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"modelfleet.fleet", "modelfleet.evidence", "modelfleet.copies"} & set(ast.literal_eval(done.stdout))

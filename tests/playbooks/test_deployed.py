"""The module `deployed`: one record a change of what a fleet serves, none in check mode."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from modelfleet.bundle import Bundle
from modelfleet.fleet import BIN
from modelfleet.store import audit
from modelfleet.tree import ROOT
from tests.store.tiny import publish


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with many:1."""
    publish(tmp_path / "store")
    return tmp_path / "store"


def deploy(store: Path, release: str, *options: str) -> bool:
    """Run the module on localhost as the playbook does; return whether it changed anything."""
    model = {"name": "many", "version": 1, "digest": "sha256:1"}
    document = store.parent / "bundle.json"
    Bundle("route", release, model, (), (), (), {}, {}, {}, {}, {}).write(document)
    given = {"path": str(store.parent / "my.yml"), "bundles": {"route": str(document)}, "store": str(store)}
    inventory = store.parent / "my.yml"
    inventory.write_text("all: {hosts: {localhost: {ansible_connection: local}}}\n")
    act = ["-i", str(inventory), "-M", "playbooks/library", "-m", "deployed", "-a", json.dumps(given)]
    environment = {"ANSIBLE_STDOUT_CALLBACK": "minimal", "ANSIBLE_LOCALHOST_WARNING": "false"}
    python = ["-e", f"ansible_python_interpreter={BIN / 'python'}"]
    done = subprocess.run(
        [str(BIN / "ansible"), "localhost", *act, *python, *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(store.parent), **environment},
    )
    assert "SUCCESS" in done.stdout or "CHANGED" in done.stdout, done.stdout + done.stderr
    return "CHANGED" in done.stdout


def test_what_is_served_is_recorded_once_and_again_only_when_it_changes(store: Path) -> None:
    assert [deploy(store, "0a", "--check"), deploy(store, "0a"), deploy(store, "0a")] == [True, True, False]
    assert deploy(store, "0b")
    first, second = audit.read(store)[1:]
    assert (first["act"], first["fleet"]) == ("deployed", str(store.parent / "my.yml"))
    assert first["services"] == {"route": {"reference": "many:1", "digest": "sha256:1", "release": "0a"}}
    assert second["services"]["route"]["release"] == "0b"

"""From `store keygen` over `model sign` to `model verify`, as a trainer and an approver type them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from modelfleet.fleet import BIN
from modelfleet.tree import INVENTORY
from modelfleet_service.signing import is_key

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, copied: Callable[[str], Path]) -> Run:
    """Run the installed command on a store of its own with flowers:1, and a folder of keys of its own."""
    store = copied("flowers:1").parent.parent
    own = {"MODELFLEET_STORE": str(store), "XDG_CONFIG_HOME": str(tmp_path / "config")}

    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        variables = os.environ | own | variables
        command = [str(BIN / "modelfleet"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=variables, stdin=subprocess.DEVNULL)

    return call


def fleet_file(path: Path, *lines: str) -> str:
    """Write the example with other keys, which demands a trainer and an approver."""
    content = yaml.safe_load((INVENTORY / "example.yml").read_text())
    content["all"]["vars"] |= {"models_keys": yaml.safe_load("\n".join(lines))}
    content["all"]["vars"] |= {"models_required_roles": ["trainer", "approver"]}
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_keygen_prints_the_line_for_the_fleet_file(run: Run, tmp_path: Path) -> None:
    done = run("store", "keygen", "ann", "--role", "approver")
    (entry,) = yaml.safe_load(done.stdout.splitlines()[-1])
    assert (entry["name"], entry["role"], is_key(entry["key"])) == ("ann", "approver", True)
    assert (tmp_path / "config/modelfleet/keys/ann.pem").is_file()
    assert set(json.loads(run("store", "keygen", "bea", "--json").stdout)) == {"name", "path", "key"}


def test_a_fleet_s_demands_are_met_by_a_trainer_and_an_approver(run: Run, tmp_path: Path) -> None:
    lines = [run("store", "keygen", *given).stdout.splitlines()[-1] for given in (["ann"], ["bea", "--role=approver"])]
    fleet = fleet_file(tmp_path / "fleet.yml", *lines)
    keys = tmp_path / "config/modelfleet/keys"
    assert run("model", "sign", "flowers:1", "--role", "trainer", "--key", str(keys / "ann.pem")).returncode == 0
    refused = run("model", "verify", "flowers:1", "--fleet", fleet)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "flowers:1: no signature as approver by bea" in refused.stderr
    assert run("model", "sign", "flowers:1", "--role", "approver", MODELFLEET_KEY=str(keys / "bea.pem")).returncode == 0
    accepted = run("model", "verify", "flowers:1", "--fleet", fleet)
    assert "signed as trainer by ann" in accepted.stdout
    assert "signed as approver by bea" in accepted.stdout


def test_verify_tells_as_json_who_signed(run: Run) -> None:
    run("store", "keygen", "ann")
    signed = json.loads(run("model", "sign", "flowers:1", "--role", "trainer", "--json").stdout)
    said = json.loads(run("model", "verify", "flowers:1", "--json").stdout)
    assert set(said) == {"name", "version", "digest", "files", "signatures", "members"}
    (entry,) = said["signatures"]
    assert set(entry) == {"role", "key", "signed", "by", "signature", "signer"}
    assert (entry["role"], entry["key"], said["digest"]) == ("trainer", signed["key"], signed["digest"])


def test_signing_again_says_that_nothing_was_changed(run: Run) -> None:
    run("store", "keygen", "ann")
    assert "signed flowers:1 (sha256:" in run("model", "sign", "flowers:1", "--role", "trainer").stdout
    assert "nothing was changed" in run("model", "sign", "flowers:1", "--role", "trainer").stdout


def test_a_withdrawn_signature_is_named_and_a_demand_unmet_again(run: Run) -> None:
    run("store", "keygen", "ann")
    signed = json.loads(run("model", "sign", "flowers:1", "--role", "trainer", "--json").stdout)
    assert run("model", "unsign", "flowers:1", "--role", "trainer", "--key", "other").returncode == 1
    done = run("model", "unsign", "flowers:1", "--role", "trainer")
    assert done.stdout.startswith("withdrew the signature of flowers:1 (sha256:")
    assert done.stdout.endswith(f" as trainer by the key {signed['key']}\n")
    assert "nobody signed it" in run("model", "verify", "flowers:1").stdout
    again = run("model", "unsign", "flowers:1", "--role", "trainer", "--json")
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert " unsigned " in run("store", "log").stdout


def test_a_key_with_a_passphrase_signs_without_a_terminal_only_by_the_variable(run: Run) -> None:
    run("store", "keygen", "ann", MODELFLEET_KEY_PASSWORD="secret")
    refused = run("model", "sign", "flowers:1", "--role", "trainer")
    assert "the key has a passphrase; set MODELFLEET_KEY_PASSWORD" in refused.stderr
    done = run("model", "sign", "flowers:1", "--role", "trainer", MODELFLEET_KEY_PASSWORD="secret")
    assert done.returncode == 0
    assert "secret" not in done.stdout + done.stderr


def test_a_tampered_signature_is_one_line(run: Run, tmp_path: Path) -> None:
    run("store", "keygen", "ann")
    run("model", "sign", "flowers:1", "--role", "trainer")
    path = tmp_path / "copy/flowers/1/manifest.sig"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"trainer", b"tester"))
    done = run("model", "verify", "flowers:1")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "manifest.sig: the signature as 'tester' is not valid for flowers:1; find out" in done.stderr


def test_an_unsigned_model_is_whole_and_said_to_be_unsigned(run: Run) -> None:
    said = run("model", "verify", "flowers:1").stdout
    assert "flowers:1 is as it was saved: " in said
    assert "nobody signed it" in said

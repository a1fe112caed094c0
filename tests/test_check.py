"""`modelfleet check`: every mistake in a fleet file is named before a host is contacted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelfleet import check, store
from modelfleet.errors import Failure
from modelfleet.tree import INVENTORY
from modelfleet_service.model import Model

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def full_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The store is another test's matter: here it has every model but `missing`; nobody signed them."""

    def find(reference: str, store_path: Path | None = None) -> Model:
        if reference.startswith("missing"):
            raise Failure(reference, "the store has no such model", "save it first")
        name, version = reference.split(":")
        return Model(
            tmp_path / "model", "sha256:00", (), {"name": name, "version": int(version), "scoring": {"runtime": "onnx"}}
        )

    monkeypatch.setattr(store, "find", find)


def failures(tmp_path: Path, edit: Edit) -> list[str]:
    """Check the example after an edit."""
    content = yaml.safe_load((INVENTORY / "example.yml").read_text())
    edit(content["all"])
    path = tmp_path / "fleet.yml"
    path.write_text(yaml.safe_dump(content))
    return [str(failure).removeprefix(str(path)) for failure in check.failures(path)]


def put(*keys: Any) -> Edit:
    """Return an edit that sets the value at a path of keys; the last one is the value."""

    def edit(content: dict[str, Any]) -> None:
        *path, last, value = keys
        for key in path:
            content = content[key]
        content[last] = value

    return edit


def test_the_annotated_example_is_valid(tmp_path: Path) -> None:
    assert failures(tmp_path, lambda _: None) == []


SERVICE = ("vars", "services", 0)
MISTAKES = [
    (put("vars", "service_backlgo", 5), "unknown setting service_backlgo; did you mean service_backlog?"),
    (put(*SERVICE, "wrokers", 5), "unknown setting services.wrokers; did you mean workers?"),
    (put(*SERVICE, "port", "eight"), "unable to convert to int"),
    (put(*SERVICE, "port", 70000), "services.digits: 70000 is not a port"),
    (put(*SERVICE, "name", "blobs"), "services.blobs: the kit has a folder of this name"),
    (put("vars", "host_operators", 0, "name", "deploy"), "the operator deploy is an account of its own"),
    (put("vars", "host_operators", 0, "name", "root"), "the operator root is an account of its own"),
    (put(*SERVICE, "workers", None), "services.workers has no value"),
    (put(*SERVICE, "servers", []), "servers is empty"),
    (put(*SERVICE, "servers", None), "services.servers has no value"),
    (put("vars", "service_workers", 0), "service_workers is 0"),
    (put("vars", "service_listen_address", "localhost"), "service_listen_address is localhost"),
    (put("vars", "ansible_prot", 22), "unknown setting ansible_prot; did you mean ansible_port?"),
    (put(*SERVICE, "environment", {"TOKEN": None}), "the value of TOKEN is no text"),
    (put(*SERVICE, "environment", {"TOKEN": True}), "the value of TOKEN is no text"),
    (put("vars", "service_threads", None), "service_threads has no value"),
    (put("children", "servers", "hosts", "ml1", "ansible_port", "ssh"), "ansible_port is 'ssh'"),
    (put("children", "servers", "vars", {"service_backlog": 5}), "service_backlog is not the same for every host"),
    (put("children", "balancers", "vars", "public_port", 70000), "70000 is not a port"),
    (put("children", "balancers", "vars", "balancer_read_timeout_seconds", 300), "is not less than service_graceful"),
    (put("children", "balancers", "vars", "public_port", 8099), "port 8099 is where Nginx tells"),
    (put(*SERVICE, "port", 8002), "port 8002 is also that of digits; give each service a port of its own"),
    (put(*SERVICE, "name", "cancer"), "two services have this name"),
    (put(*SERVICE, "name", "Bad_Name"), "not a service name"),
    (put(*SERVICE, "name", "x;}\nevil"), "not a service name"),
    (put(*SERVICE, "model", "missing:9"), "the store has no such model; save it first"),
    (put(*SERVICE, "servers", ["ml4"]), "ml4 is not a server of the fleet; did you mean ml"),
    (put(*SERVICE, "workers", 0), "workers is 0; give 1 or more"),
    (put(*SERVICE, "environment", {"A B": "x"}), "no name of an environment variable"),
    (put(*SERVICE, "environment", {"A": "x\ny"}), "has more than one line"),
    (put("children", "servers", "hosts", {}), "the group servers has no host"),
    (put("children", "balancers", {}), "the group balancers has no host"),
    (put("children", "servers", "hosts", "ml1", "address", "1.2.3.4; evil"), "is no address"),
    (put("vars", "host_time_service", "cron"), "host_time_service"),
    (put("vars", "models_key", []), "unknown setting models_key; did you mean models_keys?"),
    (put("vars", "models_keys", 0, "kye", "x"), "unknown setting models_keys.kye; did you mean key?"),
    (put("vars", "models_keys", 0, "key", "AAAA"), "models_keys.training: the key is no Ed25519 public key"),
    (put("vars", "models_required_roles", ["aprover"]), "has the role aprover; did you mean approver?"),
    (put("vars", "models_required_roles", ["approver"]), "digits:1: no signature as approver by review"),
    (put("vars", "models_required_roles", "trainer"), "no signature as trainer by training or review"),
    (put("vars", "models_required_fields", ["limit"]), "no card has a field limit; did you mean limits?"),
    (put("vars", "models_required_fields", ["limits", "evaluation"]), "digits:1: its card lacks limits, evaluation"),
]


@pytest.mark.parametrize(("edit", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_is_named_with_its_cure(tmp_path: Path, edit: Edit, said: str) -> None:
    found = failures(tmp_path, edit)
    assert any(said in line for line in found), found
    assert all("\n" not in line and "; " in line for line in found)


def test_a_missing_setting_is_named(tmp_path: Path) -> None:
    found = failures(tmp_path, lambda content: content["vars"]["services"][0].pop("port"))
    assert any("port" in line and "missing" in line for line in found)


def test_a_mistake_that_many_hosts_share_is_said_once(tmp_path: Path) -> None:
    assert len(failures(tmp_path, put("vars", "service_backlgo", 5))) == 1

"""One home per truth: specifications, defaults, the wiring and the example agree."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from modelfleet import settings
from modelfleet.fleet import BIN
from modelfleet.tree import INVENTORY, PLAYBOOKS, ROOT

ROLES = ("host", "service", "balancer")


def options(role: str) -> dict[str, dict[str, object]]:
    """Read a role's whole specification."""
    path = PLAYBOOKS / "roles" / role / "meta/argument_specs.yml"
    found: dict[str, dict[str, object]] = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_setting_has_a_default_or_is_required(role: str) -> None:
    spec = options(role)
    required = {name for name, option in spec.items() if option.get("required")}
    assert set(spec) == required | set(settings.defaults(role))
    assert not required & set(settings.defaults(role))


@pytest.mark.parametrize("role", ROLES)
def test_no_default_is_written_twice(role: str) -> None:
    assert not [name for name, option in options(role).items() if "default" in option]


@pytest.mark.parametrize("role", ROLES)
def test_every_setting_carries_its_role_s_name_and_a_description(role: str) -> None:
    assert all(name.startswith(f"{role}_") and option["description"] for name, option in options(role).items())


def test_the_example_shows_every_setting_of_every_role() -> None:
    text = (INVENTORY / "example.yml").read_text()
    names = {name for role in ROLES for name in settings.role(role).settable()}
    nested = set(settings.role("service").options["service_services"]["options"])
    assert [name for name in names | nested if f"{name}:" not in text] == []


def test_the_example_s_values_marked_as_defaults_are_the_defaults() -> None:
    example = yaml.safe_load((INVENTORY / "example.yml").read_text())["all"]
    shown = example["vars"] | example["children"]["balancers"]["vars"]
    roles = [settings.role(name) for name in ROLES]
    given = {role.said(name): value for role in roles for name, value in settings.defaults(role.name).items()}
    differ = {name for name, value in given.items() if shown[name] != value}
    assert differ == {"host_operators", "models_keys"}


def test_the_time_outs_are_one_chain() -> None:
    service, balancer = settings.defaults("service"), settings.defaults("balancer")
    assert balancer["balancer_keepalive_timeout_seconds"] < service["service_keep_alive_seconds"]
    assert (
        balancer["balancer_read_timeout_seconds"]
        < service["service_graceful_timeout_seconds"]
        < service["service_stop_timeout_seconds"]
    )


def test_what_the_fleet_demands_of_signatures_reaches_the_release() -> None:
    """The bundle task's ``settings.signing``, templated by Ansible for the example."""
    (task,) = yaml.safe_load((PLAYBOOKS / "roles/service/tasks/bundle.yml").read_text())
    message = json.dumps({"msg": task["bundle"]["settings"]["signing"]})
    command = [str(BIN / "ansible"), "localhost", "-i", str(INVENTORY / "example.yml"), "-m", "debug", "-a", message]
    done = subprocess.run([*command, "--playbook-dir", str(PLAYBOOKS)], cwd=ROOT, capture_output=True, text=True)
    example = yaml.safe_load((INVENTORY / "example.yml").read_text())["all"]["vars"]
    said = json.loads(done.stdout.partition("=>")[2])["msg"]
    assert said == {"keys": example["models_keys"], "roles": example["models_required_roles"]}

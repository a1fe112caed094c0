"""Reading a fleet file through ansible-inventory."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelfleet import fleet
from modelfleet.errors import Failure
from modelfleet.tree import INVENTORY

EXAMPLE = INVENTORY / "example.yml"


@pytest.fixture(scope="module")
def example() -> fleet.Fleet:
    """The annotated example, as Ansible resolves it."""
    return fleet.read(EXAMPLE)


def test_servers_and_balancers_come_in_the_file_s_order(example: fleet.Fleet) -> None:
    assert [host.name for host in example.servers] == ["ml1", "ml2", "ml3"]
    assert [host.name for host in example.balancers] == ["lb1"]


def test_a_group_has_the_hosts_of_its_child_groups_each_once() -> None:
    resolved = {"servers": {"hosts": ["a"], "children": ["east"]}, "east": {"hosts": ["a", "b"]}}
    assert fleet.members(resolved, "servers") == ["a", "b"]


def test_a_host_s_address_defaults_to_where_ssh_reaches_it(example: fleet.Fleet) -> None:
    assert [host.address for host in example.servers] == ["192.0.2.11", "192.0.2.12", "192.0.2.13"]


def test_a_service_runs_on_every_server_unless_it_names_its_own(example: fleet.Fleet) -> None:
    assert {service.name: service.servers for service in example.services} == {
        "digits": ("ml1", "ml2", "ml3"),
        "cancer": ("ml1", "ml2"),
    }
    assert [service.name for service in example.services_on("ml3")] == ["digits"]


def test_the_ssh_command_has_the_port_the_user_and_the_pinned_keys(example: fleet.Fleet) -> None:
    argv = example.servers[2].ssh("true")
    assert argv[-2:] == ["ml3.example.com", "true"]
    assert argv[argv.index("-p") + 1] == "2222"
    assert argv[argv.index("-l") + 1] == "deploy"
    assert "StrictHostKeyChecking=yes" in argv


def test_a_yaml_error_is_said_with_line_and_column_and_is_never_an_empty_fleet(tmp_path: Path) -> None:
    path = tmp_path / "broken.yml"
    path.write_text("all:\n  children:\n    servers: {hosts: [\n    balancers:\n")
    with pytest.raises(Failure, match=r"broken\.yml:\d+:\d+: not valid YAML"):
        fleet.read(path)


def test_a_file_that_is_no_inventory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.yml"
    path.write_text("- a\n- b\n")
    with pytest.raises(Failure, match="not a valid inventory"):
        fleet.read(path)


def test_a_missing_fleet_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="there is no such fleet file"):
        fleet.find(tmp_path / "none.yml")


def test_the_environment_variable_comes_after_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text("all: {}\n")
    monkeypatch.setenv("MODELFLEET_FLEET", str(tmp_path / "b.yml"))
    assert fleet.find(tmp_path / "a.yml").name == "a.yml"
    assert fleet.find(None).name == "b.yml"

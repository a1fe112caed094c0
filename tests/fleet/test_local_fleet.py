"""The local fleet: repeated, side by side, past taken ports, and gone without a trace."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from modelfleet.errors import Failure
from modelfleet.fleet import BIN
from modelfleet.local import fleet as local
from modelfleet.local import free, inventory
from modelfleet.tree import ROOT
from tests.fleet.live import NAME, Live

pytestmark = pytest.mark.fleet

OTHER = f"{NAME}-other"


def modelfleet(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return subprocess.run([str(BIN / "modelfleet"), *arguments], capture_output=True, text=True, env=os.environ)


@pytest.fixture(scope="module")
def other(live: Live) -> Iterator[dict[str, Any]]:
    """A second fleet of one server beside the session's, made while something holds the next free port."""
    modelfleet("down", "--name", OTHER)
    taken = free.port(max(host.ssh_port for host in live.fleet.hosts) + 1, ())
    with socket.create_server(("127.0.0.1", taken)):
        done = modelfleet("up", "--name", OTHER, "--servers", "1", "--json")
    assert done.returncode == 0, done.stderr
    yield json.loads(done.stdout) | {"taken": taken}
    modelfleet("down", "--name", OTHER)


def test_a_second_fleet_has_ports_and_addresses_of_its_own(live: Live, other: dict[str, Any]) -> None:
    mine = {host.ssh_port for host in live.fleet.hosts} | {host.address for host in live.fleet.hosts}
    assert not mine & {value for host in other["hosts"] for value in (host["ssh_port"], host["address"])}
    assert live.answers("digits")["predictions"]


def test_a_taken_port_is_avoided(other: dict[str, Any]) -> None:
    assert other["taken"] not in {host["ssh_port"] for host in other["hosts"]}


def test_repeating_up_changes_nothing(other: dict[str, Any]) -> None:
    file = inventory.path(OTHER)
    before = (file.read_bytes(), file.stat().st_mtime_ns, _ids())
    again = modelfleet("up", "--name", OTHER, "--json")
    assert json.loads(again.stdout)["hosts"] == other["hosts"]
    assert (file.read_bytes(), file.stat().st_mtime_ns, _ids()) == before
    assert again.stderr == ""


def test_a_stopped_host_comes_back_with_its_port_key_and_address(other: dict[str, Any]) -> None:
    container = docker.from_env().containers.get(f"modelfleet-{OTHER}-server1")
    container.kill()
    assert modelfleet("up", "--name", OTHER).returncode == 0
    said = modelfleet("ssh", "--name", OTHER, "server1", "hostname -I")
    assert said.stdout.strip() == next(host["address"] for host in other["hosts"] if host["name"] == "server1")


def test_a_fleet_grows_and_shrinks_around_the_hosts_that_stay(other: dict[str, Any]) -> None:
    grown = json.loads(modelfleet("up", "--name", OTHER, "--servers", "2", "--json").stdout)["hosts"]
    assert [host for host in grown if host["name"] != "server2"] == other["hosts"]
    shrunk = json.loads(modelfleet("up", "--name", OTHER, "--servers", "1", "--json").stdout)["hosts"]
    assert shrunk == other["hosts"]


def test_ssh_names_the_hosts_there_are(other: dict[str, Any]) -> None:
    done = modelfleet("ssh", "--name", OTHER, "sever1")
    assert (done.returncode, "did you mean server1?" in done.stderr) == (1, True)


def test_only_loopback_is_published(other: dict[str, Any]) -> None:
    for container in docker.from_env().containers.list(filters={"label": f"modelfleet.fleet={OTHER}"}):
        bindings = container.attrs["HostConfig"]["PortBindings"].values()
        assert {entry["HostIp"] for ports in bindings for entry in ports} == {"127.0.0.1"}
        assert container.attrs["HostConfig"]["Privileged"] is False


def test_one_host_can_be_server_and_balancer_in_one(live: Live, other: dict[str, Any]) -> None:
    """The fleet of README's second example, on a single host."""
    fleet = Live(inventory.path(OTHER), live.store, live.scratch)

    def edit(content: dict[str, Any]) -> None:
        content["vars"]["services"] = [{"name": "digits", "model": "digits:1", "port": 8001}]
        content["children"]["balancers"] = {"hosts": {"server1": None}, "vars": {"public_port": 80}}
        address = content["children"]["servers"]["hosts"]["server1"]["address"]
        content["children"]["balancers"]["vars"]["public_url"] = f"http://{address}"

    deployed = fleet.deploy(fleet.edited(edit))
    assert deployed.status == 0, deployed.output
    assert "0 failed" in deployed.output

    def empty(content: dict[str, Any]) -> None:
        edit(content)
        content["vars"]["services"] = []

    emptied = fleet.deploy(fleet.edited(empty))
    assert emptied.status == 0, emptied.output
    assert "modelfleet" not in fleet.ssh("server1", "systemctl list-units --plain --no-legend 'modelfleet*'")


def test_another_checkouts_fleet_is_refused_unless_that_checkout_is_gone(
    other: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkout is stood in for by another folder; the containers, their labels and the engine are real."""
    container = docker.from_env().containers.get(f"modelfleet-{OTHER}-server1")
    monkeypatch.setattr(local, "ROOT", tmp_path)
    monkeypatch.setattr(inventory, "INVENTORY", tmp_path)
    with pytest.raises(Failure, match=f"it belongs to the checkout at {ROOT}"):
        local.down(OTHER)
    assert container.id in _ids()
    folder = ROOT / ".fleets" / OTHER
    aside = folder.rename(tmp_path / "aside")
    try:
        with pytest.raises(Failure, match=f"`modelfleet down --name {OTHER}` removes them"):
            local.up(OTHER, 1, 1, [])
        assert local.down(OTHER) == ["balancer1", "server1"]
    finally:
        aside.rename(folder)
    assert container.id not in _ids()


def test_down_leaves_nothing(live: Live, other: dict[str, Any]) -> None:
    assert modelfleet("down", "--name", OTHER).returncode == 0
    client = docker.from_env()
    assert client.containers.list(all=True, filters={"label": f"modelfleet.fleet={OTHER}"}) == []
    assert client.networks.list(names=[f"modelfleet-{OTHER}"]) == []
    assert not inventory.path(OTHER).exists()
    assert not (ROOT / ".fleets" / OTHER).exists()
    assert modelfleet("down", "--name", OTHER).returncode == 0
    assert live.answers("digits")["predictions"]


def _ids() -> list[str]:
    return sorted(str(container.id) for container in docker.from_env().containers.list())

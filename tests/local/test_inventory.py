"""A local fleet's file: written for its hosts, and what the user put under vars is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from modelfleet import fleet
from modelfleet.local import inventory, keys
from modelfleet.local.containers import LocalHost

HOSTS = [
    LocalHost("server1", "bookworm", "10.213.0.11", 2201, None),
    LocalHost("server2", "trixie", "10.213.0.12", 2202, None),
    LocalHost("balancer1", "bookworm", "10.213.0.201", 2203, 8080),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the fleet's keys, beside one for its file."""
    monkeypatch.setattr(inventory, "INVENTORY", tmp_path)
    return tmp_path / "keys"


def test_ansible_reads_the_file_as_the_hosts_it_was_written_for(folder: Path) -> None:
    read = fleet.read(inventory.write("local", folder, HOSTS, ["digits:1", "cancer:2"]))
    assert [(host.name, host.address, host.ssh_port) for host in read.servers] == [
        ("server1", "10.213.0.11", 2201),
        ("server2", "10.213.0.12", 2202),
    ]
    assert [host.settings["public_url"] for host in read.balancers] == ["http://127.0.0.1:8080"]
    assert [(service.name, service.model, service.port) for service in read.services] == [
        ("digits", "digits:1", 8001),
        ("cancer", "cancer:2", 8002),
    ]


def test_host_keys_are_pinned(folder: Path) -> None:
    inventory.write("local", folder, HOSTS, [])
    lines = (folder / "known_hosts").read_text().splitlines()
    assert [line.split(" ssh-ed25519 ")[0] for line in lines] == [
        "[127.0.0.1]:2203",
        "[127.0.0.1]:2201",
        "[127.0.0.1]:2202",
    ]
    assert keys.public(keys.host(folder, "server1")) in lines[1]


def test_a_repeated_write_touches_nothing(folder: Path) -> None:
    file = inventory.write("local", folder, HOSTS, ["digits:1"])
    before = file.stat().st_mtime_ns
    assert inventory.write("local", folder, HOSTS, ["digits:1"]).stat().st_mtime_ns == before


def test_what_the_user_put_under_vars_is_kept(folder: Path) -> None:
    file = inventory.write("local", folder, HOSTS, ["digits:1"])
    content = yaml.safe_load(file.read_text())
    content["all"]["vars"]["service_workers"] = 7
    content["all"]["vars"]["services"][0]["threads"] = 9
    file.write_text(yaml.safe_dump(content))
    inventory.write("local", folder, HOSTS[:2], ["digits:2"])
    kept = yaml.safe_load(file.read_text())["all"]
    assert kept["vars"]["service_workers"] == 7
    assert kept["vars"]["services"] == [{"model": "digits:2", "name": "digits", "port": 8001, "threads": 9}]
    assert list(kept["children"]["servers"]["hosts"]) == ["server1", "server2"]


def test_each_fleet_has_a_file_of_its_own(folder: Path) -> None:
    assert inventory.path("local").name == "local.yml"
    assert inventory.path("other").name == "other.local.yml"

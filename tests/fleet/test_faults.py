"""Crashes, stops and reboots: the release of record always comes back."""

from __future__ import annotations

import pytest

from modelfleet import curl, store
from tests.fleet.live import Live, put
from tests.fleet.load import Load

pytestmark = pytest.mark.fleet


def pid(live: Live, host: str) -> str:
    """The main process of the digits service on a server; 0 if none runs."""
    unit = f"modelfleet-digits@{live.release(host, 'digits')}.service"
    return live.ssh(host, f"systemctl show --property=MainPID --value {unit}").strip()


def answers(live: Live, host: str) -> bool:
    """Whether the server itself answers on the service's port."""
    request = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8001/readyz', timeout=20).status)"
    return live.ssh(host, f'python3 -c "{request}"', check=False).strip() == "200"


def test_a_killed_master_is_started_again(live: Live) -> None:
    old = pid(live, "server1")
    live.ssh("server1", f"sudo kill -9 {old}")
    live.until(lambda: pid(live, "server1") not in ("0", old), 30, "a new master")
    live.until(lambda: answers(live, "server1"), 30, "an answer")
    live.ssh("server1", "sudo systemctl reset-failed 'modelfleet-digits@*.service'")


def test_a_request_to_a_stopped_service_starts_the_release_of_record(live: Live) -> None:
    release = live.release("server1", "digits")
    live.ssh("server1", "sudo systemctl stop 'modelfleet-digits@*.service'")
    assert pid(live, "server1") == "0"
    assert answers(live, "server1")
    assert pid(live, "server1") != "0"
    assert live.release("server1", "digits") == release


def test_a_server_that_reboots_comes_back_on_the_release_of_record(live: Live) -> None:
    release = live.release("server2", "digits")
    boot = live.ssh("server2", "cat /proc/sys/kernel/random/boot_id; systemctl show --property=UserspaceTimestamp")
    live.ssh("server2", "sudo systemctl reboot", check=False)
    asked = "cat /proc/sys/kernel/random/boot_id; systemctl show --property=UserspaceTimestamp"
    live.until(lambda: live.ssh("server2", asked, check=False) not in ("", boot), 60, "the reboot")
    live.until(lambda: answers(live, "server2"), 60, "an answer")
    assert live.release("server2", "digits") == release
    assert live.deploy().status == 0


@pytest.mark.parametrize(
    ("seen", "threads"), [("Stage the release", 6), ("Hand the socket", 7), ("Write the configuration", 8)]
)
def test_a_controller_that_dies_loses_no_request_and_the_next_deploy_completes_it(
    live: Live, seen: str, threads: int
) -> None:
    digits = live.fleet.services[0]
    body = {"instances": [store.find(digits.model, live.store).golden[0].instance]}
    path = live.edited(put("vars", "services", 0, "threads", threads))
    with Load(f"{curl.public_url(live.fleet.balancers[0])}/models/digits/predict", body, rate=50) as load:
        live.deploy_and_die(path, seen)
        completed = live.deploy(path)
    assert completed.status == 0, completed.output
    assert load.failed() == [], f"{len(load.failed())} of {len(load.ledger)} failed"
    for server in live.fleet.servers:
        units = live.ssh(server.name, "systemctl list-units --plain --no-legend 'modelfleet-digits@*'").splitlines()
        assert [unit.split()[0] for unit in units] == [
            f"modelfleet-digits@{live.release(server.name, 'digits')}.service"
        ]


def test_a_run_that_was_killed_midway_is_completed_by_the_next(live: Live) -> None:
    """What a dead controller leaves: two instances on one socket and the old release of record."""
    assert live.deploy().status == 0
    release = live.release("server1", "digits")
    copy = "sudo cp -r --preserve=links /opt/modelfleet/digits/releases/{0} /opt/modelfleet/digits/releases/other"
    live.ssh("server1", copy.format(release))
    live.ssh("server1", "sudo systemctl start modelfleet-digits@other.service")
    live.ssh("server1", "sudo mkdir -p /opt/modelfleet/digits/releases/.half /opt/modelfleet/environments/.half")
    assert live.deploy().status == 0
    units = live.ssh("server1", "systemctl list-units --plain --no-legend 'modelfleet-digits@*'").splitlines()
    assert len(units) == 1
    assert f"@{release}." in units[0]
    live.ssh("server1", "sudo rm -rf /opt/modelfleet/digits/releases/other")

"""From bare hosts to a fleet that answers, and again without a change or a lost request."""

from __future__ import annotations

import json
import subprocess

import pytest

from modelfleet import curl, store
from modelfleet.fleet import BIN
from modelfleet_service import golden
from tests.fleet.live import Live, Run, put
from tests.fleet.load import Load

pytestmark = pytest.mark.fleet

TASKS_PER_SERVER = 25


def test_check_mode_works_on_a_bare_fleet_and_changes_nothing(bare: Live, looked: Run) -> None:
    assert looked.status == 0, looked.output
    assert looked.changed()["server1"] > 0


def test_ansible_playbook_alone_brings_bare_hosts_to_services_that_passed_their_smoke_tests(first: Run) -> None:
    assert first.status == 0, first.output
    assert "failed=0" in first.output


def test_every_service_answers_its_golden_set_through_the_balancer(live: Live) -> None:
    for service in live.fleet.services:
        rows = store.find(service.model, live.store).golden[:1]
        assert golden.differences(rows, live.answers(service.name)["predictions"]) == []


@pytest.fixture(scope="module")
def again(live: Live) -> Run:
    """A deploy of what is live already."""
    return live.deploy()


def test_the_second_run_changes_nothing_in_few_tasks(again: Run) -> None:
    assert again.status == 0, again.output
    assert set(again.changed().values()) == {0}
    assert max(count for host, count in again.tasks().items() if host != "localhost") <= TASKS_PER_SERVER


def test_check_mode_works_on_a_live_fleet(live: Live) -> None:
    before = live.state()
    checked = live.deploy(None, "--check", "--diff")
    assert checked.status == 0, checked.output
    assert set(checked.changed().values()) == {0}
    assert live.state() == before


def test_deploy_ends_with_a_curl_that_works(again: Run) -> None:
    line = next(line for line in again.output.splitlines() if line.startswith("curl "))
    done = subprocess.run(["sh", "-c", line + " --fail"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["predictions"]


def test_a_new_release_takes_over_without_a_lost_request_and_the_ledgers_agree(live: Live) -> None:
    """0 failed of all requests sent while every server hands over; each answer is in exactly one server's log."""
    digits = next(service for service in live.fleet.services if service.name == "digits")
    url = f"{curl.public_url(live.fleet.balancers[0])}/models/digits/predict"
    body = {"instances": [store.find(digits.model, live.store).golden[0].instance]}
    releases = {host.name: live.release(host.name, "digits") for host in live.fleet.servers}
    path = live.edited(put("vars", "services", 0, "threads", 3))
    with Load(url, body, rate=100) as load:
        deployed = live.deploy(path)
    assert deployed.status == 0, deployed.output
    assert all(live.release(host, "digits") != release for host, release in releases.items())
    assert load.failed() == [], f"{len(load.failed())} of {len(load.ledger)} failed"
    assert len(load.ledger) > 500
    answered = [entry for host in live.fleet.servers for entry in served(live, host.name)]
    sent = {entry.request_id for entry in load.ledger}
    assert sorted(entry for entry in answered if entry in sent) == sorted(sent)


def served(live: Live, host: str) -> list[str]:
    """The ids of the requests that a server's own log says it answered."""
    lines = live.ssh(host, "sudo journalctl --no-pager --output=cat --unit='modelfleet-digits@*'").splitlines()
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    return [entry["request_id"] for entry in entries if entry.get("path") == "/models/digits/predict"]


def test_previous_hands_back_to_the_release_before(live: Live) -> None:
    before = live.release("server1", "digits")
    assert live.deploy(live.edited(put("vars", "services", 0, "threads", 5))).status == 0
    assert live.release("server1", "digits") != before
    asked = ["ansible", "server1", "-i", str(live.path), "--become", "-m", "release"]
    done = live.execute(str(BIN / asked[0]), *asked[1:], "-a", "state=previous service=digits")
    assert done.status == 0, done.output
    assert live.release("server1", "digits") == before
    assert live.answers("digits")["predictions"]
    assert live.deploy().status == 0


def test_operators_come_and_go_by_the_fleet_file_alone(live: Live) -> None:
    key = live.scratch / "operator"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    operators = [{"name": "olga", "key": key.with_suffix(".pub").read_text().strip()}]
    provision = [str(BIN / "ansible-playbook"), "playbooks/provision.yml", "-i"]
    path = str(live.edited(put("vars", "host_operators", operators)))
    for options in (["--check"], [], []):
        last = live.execute(*provision, path, *options)
        assert last.status == 0, last.output
    assert set(last.changed().values()) == {0}
    asked = ["olga@127.0.0.1", "id -nG; journalctl --lines=1 --unit=ssh >/dev/null && ! sudo -n true 2>/dev/null"]
    known = [word for word in live.host("server1").ssh_arguments if "=" in word and "IdentitiesOnly" not in word]
    options = [word for setting in known for word in ("-o", setting)]
    port = str(live.host("server1").ssh_port)
    login = ["ssh", *options, "-p", port, "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", *asked]
    said = subprocess.run(login, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert "systemd-journal" in said.stdout
    assert live.execute(*provision, str(live.path)).status == 0
    assert "olga" not in live.ssh("server1", "getent passwd")
    assert subprocess.run(login, capture_output=True).returncode == 255


def test_an_account_that_is_there_is_not_taken_over(live: Live) -> None:
    path = live.edited(put("vars", "host_operators", [{"name": "daemon", "key": "ssh-ed25519 AAAA"}]))
    run = live.execute(str(BIN / "ansible-playbook"), "-i", str(path), "playbooks/provision.yml")
    assert "daemon is an account of this host already; choose another name" in run.last_line()


def test_what_was_rendered_passes_the_checkers_of_its_host(live: Live) -> None:
    for server in live.fleet.servers:
        for service in live.fleet.services:
            instance = f"{service.unit}@{live.release(server.name, service.name)}.service"
            verify = f"sudo systemd-analyze verify {service.unit}.socket {service.unit}.service {instance} 2>&1"
            assert [line for line in live.ssh(server.name, verify).splitlines() if "modelfleet" in line] == []
    live.ssh("balancer1", "sudo nginx -t -q")


def test_nginx_that_was_stopped_is_put_in_force_again(live: Live) -> None:
    live.ssh("balancer1", "sudo systemctl stop nginx")
    assert live.deploy().status == 0
    assert live.answers("digits")["predictions"]


def test_a_release_that_was_altered_on_a_server_is_mended(live: Live) -> None:
    release = live.release("server2", "digits")
    model = f"/opt/modelfleet/digits/releases/{release}/model"
    live.ssh("server2", f"sudo sh -c 'echo x >> {model}/golden.jsonl; rm {model}/model.yaml'")
    mended = live.deploy()
    assert mended.status == 0, mended.output
    assert mended.changed() == {"balancer1": 0, "server1": 0, "server2": 1, "localhost": 0}


def test_a_service_that_the_fleet_no_longer_lists_is_retired_and_comes_back(live: Live) -> None:
    path = live.edited(lambda content: content["vars"]["services"].pop(1))
    assert live.deploy(path).status == 0
    assert live.ssh("server1", "ls /opt/modelfleet").split().count("cancer") == 0
    assert live.ssh("server1", "ls /etc/systemd/system").count("modelfleet-cancer") == 0
    assert live.deploy().status == 0
    assert live.answers("cancer")["predictions"]


def test_secrets_are_in_no_output_and_no_process_list(live: Live) -> None:
    canary = "canary-5ecret-value"
    path = live.edited(put("vars", "services", 0, "environment", {"TOKEN": canary, "OMP_NUM_THREADS": 1}))
    for callback in ("modelfleet", "default"):
        deployed = live.deploy(path, "--diff", "--", "-vvv", ANSIBLE_STDOUT_CALLBACK=callback)
        assert deployed.status == 0, deployed.output[-3000:]
        assert canary not in deployed.output, callback
    assert canary not in live.ssh(
        "server1", "sudo sh -c 'cat /proc/[0-9]*/cmdline; journalctl --no-pager' | tr '\\0' ' '"
    )
    held = live.ssh("server1", "sudo cat /opt/modelfleet/digits/current/service.env")
    assert canary in held
    assert live.deploy().status == 0


def test_the_same_smoke_tests_run_as_pytest_and_as_a_verb(live: Live) -> None:
    assert live.run("smoke", "--fleet", str(live.path)).status == 0
    assert live.execute(str(BIN / "pytest"), "-q", "smoke_tests", "--fleet", str(live.path)).status == 0

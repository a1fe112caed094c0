"""Each bad input ends in one line that says where, what and the cure, exit 1, and no working host is changed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from modelfleet import curl, store, wheels
from tests.fleet.live import Edit, Live, Run, put
from tests.fleet.load import Load

pytestmark = pytest.mark.fleet

NAMED_WITHIN_SECONDS = 15


def refused(run: Run, *words: str) -> None:
    """Claim that a run ended with exit 1 and a last line that has the words and a cure."""
    assert run.status == 1, run.output
    line = run.last_line()
    assert all(word in line for word in words), line
    assert "; " in line, line
    assert "Traceback" not in run.output


@contextmanager
def unchanged(live: Live) -> Iterator[None]:
    """Claim that no host changes meanwhile."""
    before = live.state()
    yield
    assert live.state() == before


def test_a_host_that_does_not_answer_is_named_in_time(live: Live) -> None:
    path = live.edited(put("children", "servers", "hosts", "server2", "ansible_port", 1))
    with unchanged(live):
        run = live.deploy(path)
    refused(run, "server2", "does not answer SSH")
    assert run.seconds < NAMED_WITHIN_SECONDS


def test_a_host_that_swallows_packets_is_named_in_time(live: Live) -> None:
    """server2's SSH port is a port that accepts a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent, unchanged(live):
        port = silent.getsockname()[1]
        run = live.deploy(live.edited(put("children", "servers", "hosts", "server2", "ansible_port", port)))
    refused(run, "server2", "does not answer SSH")
    assert run.seconds < NAMED_WITHIN_SECONDS


def test_a_changed_host_key_is_named_in_time(live: Live) -> None:
    known = Path(
        next(word for word in live.host("server1").ssh_arguments if word.startswith("UserKnownHostsFile=")).split("=")[
            1
        ]
    )
    lines = known.read_text().splitlines()
    forged = live.scratch / "known_hosts"
    port = live.host("server2").ssh_port
    other = next(line for line in lines if f":{live.host('server1').ssh_port} " in line).split(" ", 1)[1]
    forged.write_text(
        "\n".join(line if f":{port} " not in line else f"[127.0.0.1]:{port} {other}" for line in lines) + "\n"
    )

    def edit(content: dict[str, Any]) -> None:
        arguments = content["vars"]["ansible_ssh_common_args"]
        content["vars"]["ansible_ssh_common_args"] = arguments.replace(str(known), str(forged)) + " -o ControlPath=none"

    with unchanged(live):
        run = live.deploy(live.edited(edit))
    refused(run, "server2", "host key")
    assert run.seconds < NAMED_WITHIN_SECONDS


def test_a_user_without_sudo_is_named(live: Live) -> None:
    live.ssh("server1", "id plain >/dev/null 2>&1 || sudo useradd -m -s /bin/bash plain")
    live.ssh(
        "server1",
        "sudo sh -c 'mkdir -p ~plain/.ssh && cp ~deploy/.ssh/authorized_keys ~plain/.ssh/"
        " && chown -R plain ~plain/.ssh'",
    )
    path = live.edited(put("children", "servers", "hosts", "server1", "ansible_user", "plain"))
    with unchanged(live):
        refused(live.deploy(path), "server1", "sudo")


def test_an_unsupported_distribution_is_named(live: Live) -> None:
    live.ssh(
        "server2",
        "sudo sh -c 'rm /etc/os-release; sed s/VERSION_ID=.*/VERSION_ID=9/ /usr/lib/os-release > /etc/os-release'",
    )
    try:
        with unchanged(live):
            refused(live.deploy(), "server2", "is not supported", "Debian 12 or 13")
    finally:
        live.ssh("server2", "sudo sh -c 'rm /etc/os-release; ln -s ../usr/lib/os-release /etc/os-release'")


def test_too_little_disk_is_named_with_both_numbers(live: Live) -> None:
    live.ssh("server1", "sudo mount -t tmpfs -o size=20m tmpfs /opt/modelfleet")
    try:
        run = live.deploy(live.edited(put("vars", "services", 0, "threads", 7)))
    finally:
        live.ssh("server1", "sudo umount /opt/modelfleet")
    refused(run, "server1", "MB of disk")
    assert re.search(r"needs [\d,]+ MB of disk under /opt/modelfleet and has [\d,]+ MB", run.last_line())
    assert live.release("server2", "digits") == live.release("server1", "digits")


def test_a_bad_request_for_memory_is_named_with_both_numbers(live: Live) -> None:
    with unchanged(live):
        run = live.deploy(live.edited(put("vars", "services", 0, "workers", 5000)))
    refused(run, "MB of memory")
    assert re.search(r"needs [\d,]+ MB of memory .* and has [\d,]+ MB", run.last_line())


def test_a_port_in_use_is_named_with_its_holder(live: Live) -> None:
    live.ssh("server1", "sudo systemd-run --unit=squatter python3 -m http.server 8009")
    live.until(lambda: ":8009" in live.ssh("server1", "ss -ltn"), 10, "the squatter listens")
    try:
        run = live.deploy(live.edited(put("vars", "services", 0, "port", 8009)))
    finally:
        live.ssh("server1", "sudo systemctl stop squatter")
    refused(run, "server1", "port 8009 is in use by python3", "another port")


def test_a_balancer_s_port_in_use_is_named_with_its_holder(live: Live) -> None:
    live.ssh("balancer1", "sudo systemd-run --unit=squatter python3 -m http.server 8090")
    live.until(lambda: ":8090" in live.ssh("balancer1", "ss -ltn"), 10, "the squatter listens")
    try:
        with unchanged(live):
            run = live.deploy(live.edited(put("children", "balancers", "hosts", "balancer1", "public_port", 8090)))
    finally:
        live.ssh("balancer1", "sudo systemctl stop squatter")
    refused(run, "balancer1", "port 8090 is in use by python3")


def test_a_live_service_can_not_be_moved_to_another_port_under_its_clients(live: Live) -> None:
    run = live.deploy(live.edited(put("vars", "services", 0, "port", 8077)))
    refused(
        run, "digits listens with ListenStream=0.0.0.0:8001", "without losing requests", "take it out of the fleet file"
    )
    assert live.answers("digits")["predictions"]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (put("vars", "services", 0, "model", "digits:99"), ("digits:99",)),
        (put("vars", "services", 0, "model", "nothing:1"), ("nothing",)),
        (put("vars", "services", 1, "port", 8001), ("port 8001",)),
        (put("vars", "service_wrokers", 8), ("service_wrokers", "did you mean service_workers?")),
    ],
    ids=["version", "model", "port", "setting"],
)
def test_a_mistake_in_the_fleet_file_is_named(live: Live, edit: Edit, words: tuple[str, ...]) -> None:
    with unchanged(live):
        refused(live.deploy(live.edited(edit)), *words)


def test_a_yaml_error_is_never_an_empty_fleet(live: Live) -> None:
    path = live.scratch / "broken.yml"
    path.write_text(live.path.read_text().replace("services:", "services: [", 1))
    refused(live.deploy(path), "broken.yml:", "not valid YAML")


def altered_store(live: Live, name: str) -> Path:
    """A copy of the store, writable."""
    copy = live.scratch / name
    shutil.copytree(live.store, copy)
    for path in copy.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return copy


def test_one_flipped_bit_in_the_artefact_is_refused_before_any_host_is_touched(live: Live) -> None:
    copy = altered_store(live, "flipped")
    path = copy / "digits/1/model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with unchanged(live):
        run = live.deploy(None, MODELFLEET_STORE=str(copy))
    refused(run, "model.onnx")
    assert "Look at every host" not in run.output


def test_a_cached_wheel_that_fails_its_hash_is_refused_before_any_host_is_touched(live: Live) -> None:
    """The cache is copied as hard links, so that the flipped wheel is the copy's alone."""
    cache = live.scratch / "cache"
    subprocess.run(["cp", "-al", str(wheels.cache()), str(cache)], check=True)
    known = [wheel for path in (cache / "wheels").glob("*.json") for wheel in json.loads(path.read_text())]
    flask = next(wheel["sha256"] for wheel in known if wheel["name"].startswith("flask-"))
    wheel = cache / "blobs/sha256" / flask
    content = bytearray(wheel.read_bytes())
    content[len(content) // 2] ^= 1
    wheel.unlink()
    wheel.write_bytes(content)
    with unchanged(live):
        refused(live.deploy(None, MODELFLEET_CACHE=str(cache)), "flask", "fails its hash", "delete that file")


def test_one_flipped_bit_on_the_host_never_takes_a_request(live: Live) -> None:
    """The release dies before it answers, again and again; the other server answers every request meanwhile.

    It is restarted, not killed: a kill may cut an answer of the sound model in two, which is another claim.
    """
    release = live.release("server1", "digits")
    unit = f"modelfleet-digits@{release}.service"
    model = f"/opt/modelfleet/digits/releases/{release}/model/model.onnx"
    flip = (
        f"import os; p='{model}'; d=bytearray(open(p,'rb').read()); d[len(d)//2]^=1; "
        "os.unlink(p); open(p,'wb').write(d)"
    )
    url = f"{curl.public_url(live.fleet.balancers[0])}/models/digits/predict"
    body = {"instances": [store.find("digits:1", live.store).golden[0].instance]}
    live.ssh("server1", f'sudo cp -p {model} /root/kept.onnx && sudo python3 -c "{flip}"')
    try:
        with Load(url, body, rate=50) as load:
            live.ssh("server1", f"sudo systemctl restart --no-block {unit}")
            log = f"sudo journalctl --no-pager --lines=200 --output=cat --unit={unit}"
            live.until(lambda: live.ssh("server1", log).count("model.onnx") > 3, 60, "several refusals in the log")
    finally:
        live.ssh("server1", f"sudo systemctl stop {unit} && sudo cp -p /root/kept.onnx {model}")
        live.ssh("server1", f"sudo systemctl start {unit} && sudo systemctl reset-failed {unit}")
    assert load.failed() == [], f"{len(load.failed())} of {len(load.ledger)} failed"


def wrong_golden(folder: Path) -> None:
    """Make the golden set wrong, and manifest and ledger fit it, as a mistake at save time would."""
    path = folder / "golden.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if "prediction" in line:
            line["prediction"]["label"] = (int(line["prediction"]["label"]) + 1) % 10
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        if entry["path"] == "golden.jsonl":
            content = path.read_bytes()
            entry |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder.parent / "ledger.jsonl").unlink()


def test_a_release_with_wrong_golden_answers_never_takes_a_request(live: Live) -> None:
    copy = altered_store(live, "wrong")
    wrong_golden(copy / "digits/1")
    assert store.find("digits:1", copy)
    releases = [live.release(host.name, "digits") for host in live.fleet.servers]
    run = live.deploy(None, MODELFLEET_STORE=str(copy))
    refused(run, "server1", "did not start", "serves on")
    assert [live.release(host.name, "digits") for host in live.fleet.servers] == releases
    assert live.answers("digits")["predictions"]


def test_an_app_that_dies_at_import_leaves_the_old_release_serving(live: Live) -> None:
    releases = [live.release(host.name, "digits") for host in live.fleet.servers]
    live.ssh("server1", "sudo mkdir -p /opt/broken && echo 'raise ImportError(1)' | sudo tee /opt/broken/orjson.py")
    edit = put("vars", "services", 0, "environment", {"PYTHONPATH": "/opt/broken"})
    refused(live.deploy(live.edited(edit)), "server1", "did not start", "ImportError", "serves on")
    assert [live.release(host.name, "digits") for host in live.fleet.servers] == releases
    assert live.answers("digits")["predictions"]


def test_an_invalid_nginx_configuration_leaves_the_old_one_in_place_and_in_force(live: Live) -> None:
    asked = "ls -a /etc/nginx; cat /etc/nginx/nginx.conf; python3 -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8099/configuration').read())\""
    before = live.ssh("balancer1", asked)
    run = live.deploy(
        live.edited(put("children", "balancers", "hosts", "balancer1", "balancer_keepalive_connections", -1))
    )
    refused(run, "balancer1", "keepalive")
    assert live.ssh("balancer1", asked) == before
    assert live.answers("digits")["predictions"]


def test_after_all_this_the_fleet_is_what_its_file_says(live: Live) -> None:
    assert live.deploy().status == 0
    again = live.deploy()
    assert set(again.changed().values()) == {0}, again.output

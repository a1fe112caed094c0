"""Ask every host at the same time, in one SSH session each."""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelfleet import curl, store
from modelfleet.errors import Failure
from modelfleet.fleet import Fleet, Host
from modelfleet_service.model import Model

SCRIPT = Path(__file__).with_name("on_host.py")
TIMEOUT_SECONDS = 90
REQUESTS_PER_SERVER = 6


@dataclass(frozen=True)
class Evidence:
    """What one host said; ``error`` is why it said nothing. ``clock_skew_seconds`` is beyond the call's own time."""

    host: Host
    said: dict[str, Any]
    error: str = ""
    clock_skew_seconds: float = 0.0


@dataclass(frozen=True)
class Gathered:
    """The fleet, the models that its file asks for, what each host said, and what clients get from outside."""

    fleet: Fleet
    models: dict[str, Model]
    hosts: dict[str, Evidence]
    outside: dict[str, str]


def gather(fleet: Fleet) -> Gathered:
    """Gather everything. Raises Failure where the store lacks a model that the fleet asks for."""
    models = {service.name: store.find(service.model) for service in fleet.services}
    with ThreadPoolExecutor(max_workers=32) as pool:
        found = list(pool.map(lambda host: _ask(host, _question(fleet, models, host)), fleet.hosts))
        outside = dict(pool.map(lambda service: (service, _outside(fleet, service)), models))
    return Gathered(fleet, models, {evidence.host.name: evidence for evidence in found}, outside)


def _question(fleet: Fleet, models: dict[str, Model], host: Host) -> dict[str, Any]:
    services = [
        {
            "name": service.name,
            "port": service.port,
            "instances": [row.instance for row in models[service.name].golden],
        }
        for service in fleet.services_on(host.name)
    ]
    if host.name not in {balancer.name for balancer in fleet.balancers}:
        return {"services": services}
    routes = [{"name": name, "instance": model.golden[0].instance} for name, model in models.items()]
    port = host.settings.get("public_port")
    asked = {"port": port, "routes": routes, "requests": REQUESTS_PER_SERVER * len(fleet.servers)}
    return {"services": services, "balancer": asked}


def _ask(host: Host, question: dict[str, Any]) -> Evidence:
    script = f"import json\nQUESTION = json.loads({json.dumps(json.dumps(question))})\n{SCRIPT.read_text()}"
    before = time.time()
    try:
        done = subprocess.run(
            host.ssh("sudo", "-n", "python3", "-"),
            input=script,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Evidence(host, {}, f"no answer within {TIMEOUT_SECONDS} s")
    after = time.time()
    if done.returncode != 0:
        return Evidence(host, {}, _reason(done.stderr))
    said = json.loads(done.stdout.splitlines()[-1])
    skew = max(0.0, before - said["time"], said["time"] - after)
    return Evidence(host, said, clock_skew_seconds=skew)


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if any("password is required" in line for line in lines):
        return "sudo wants a password"
    return lines[-1] if lines else "ssh failed and said nothing"


def _outside(fleet: Fleet, name: str) -> str:
    """Send the service's example request as a client would; return the answer's status line, or why there is none."""
    service = next(service for service in fleet.services if service.name == name)
    try:
        command = [*curl.command(fleet, service), "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}"]
    except Failure as failure:
        return str(failure)
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else done.stderr.strip()

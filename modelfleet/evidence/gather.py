"""Ask every host at the same time, in one SSH session each."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelfleet import curl, rendering, store
from modelfleet.evidence import session
from modelfleet.evidence.session import Evidence
from modelfleet.fleet import Fleet, Host
from modelfleet_service.model import Model

SCRIPT = Path(__file__).with_name("on_host.py")
CLIENT_TIMEOUT_SECONDS = 20
REQUESTS_PER_SERVER = 6


@dataclass(frozen=True)
class Gathered:
    """The fleet, the models and units that its file asks for, what each host said, and what clients get."""

    fleet: Fleet
    models: dict[str, Model]
    units: dict[str, str]
    hosts: dict[str, Evidence]
    outside: dict[str, str]


def gather(fleet: Fleet) -> Gathered:
    """Gather everything. Raises Failure where the store lacks a model that the fleet asks for."""
    models = {service.name: store.find(service.model) for service in fleet.services}
    with ThreadPoolExecutor(max_workers=32) as pool:
        found = list(pool.map(lambda host: session.ask(host, _script(_question(fleet, models, host))), fleet.hosts))
        outside = dict(pool.map(lambda name: (name, _outside(fleet, name, models[name])), models))
    units = {service.name: rendering.unit(fleet, service) for service in fleet.services}
    return Gathered(fleet, models, units, {evidence.host.name: evidence for evidence in found}, outside)


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
    routes = [
        {
            "name": service.name,
            "instance": models[service.name].golden[0].instance,
            "servers": len(service.servers),
        }
        for service in fleet.services
    ]
    port = host.settings.get("public_port")
    addresses = sorted({server.address for server in fleet.servers})
    requests = REQUESTS_PER_SERVER * len(fleet.servers)
    asked = {"port": port, "routes": routes, "requests": requests, "addresses": addresses}
    return {"services": services, "balancer": asked}


def _script(question: dict[str, Any]) -> str:
    return f"import json\nQUESTION = json.loads({json.dumps(json.dumps(question))})\n{SCRIPT.read_text()}"


def _outside(fleet: Fleet, name: str, model: Model) -> str:
    """Send the service's example request as a client would; return the answer's status, or why there is none."""
    if not fleet.balancers:
        return "no balancer"
    url, body = curl.predict_url(fleet, name), json.dumps(curl.example(model)).encode()
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - the fleet file's
    try:
        with urllib.request.urlopen(asked, timeout=CLIENT_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (OSError, ValueError) as error:
        return str(error)

"""A `curl` line that works: a service's public address and, as its body, the first row of the model's golden set."""

from __future__ import annotations

import json
from pathlib import Path

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.fleet import Fleet, Host, Service


def public_url(balancer: Host) -> str:
    """Return where clients reach a balancer: its ``public_url``, or else its SSH address and ``public_port``."""
    port = balancer.settings.get("public_port", 80)
    return str(balancer.settings.get("public_url") or f"http://{balancer.ssh_host}:{port}").rstrip("/")


def command(fleet: Fleet, service: Service, store_path: Path | None = None) -> list[str]:
    """Return the argument vector of a complete request to the service through the first balancer."""
    if not fleet.balancers:
        raise Failure(str(fleet.path), "the group balancers has no host", "add a host under balancers: hosts:")
    golden = store.find(service.model, store_path).golden
    body = json.dumps({"instances": [golden[0].instance]}, separators=(",", ":"))
    url = f"{public_url(fleet.balancers[0])}/models/{service.name}/predict"
    return ["curl", "-sS", url, "-H", "Content-Type: application/json", "-d", body]

"""A `curl` line that works: a service's public address and, as its body, the first row of the model's golden set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.fleet import Fleet, Host, Service
from modelfleet_service.model import Model


def public_url(balancer: Host) -> str:
    """Return where clients reach a balancer: its ``public_url``, or else its SSH address and ``public_port``."""
    port = balancer.settings.get("public_port", 80)
    return str(balancer.settings.get("public_url") or f"http://{balancer.ssh_host}:{port}").rstrip("/")


def predict_url(fleet: Fleet, service: str) -> str:
    """Return where clients have a service score, through the first balancer."""
    return f"{public_url(fleet.balancers[0])}/models/{service}/predict"


def example(model: Model) -> dict[str, Any]:
    """Return a complete body for a request: the first row of the model's golden set."""
    return {"instances": [model.golden[0].instance]}


def command(fleet: Fleet, service: Service, store_path: Path | None = None) -> list[str]:
    """Return the argument vector of a complete request to the service through the first balancer."""
    if not fleet.balancers:
        raise Failure(str(fleet.path), "the group balancers has no host", "add a host under balancers: hosts:")
    body = json.dumps(example(store.find(service.model, store_path)), separators=(",", ":"))
    return ["curl", "-sS", predict_url(fleet, service.name), "-H", "Content-Type: application/json", "-d", body]

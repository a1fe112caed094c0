"""The fleet file of a local fleet: written by `up`, then the user's to edit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from modelfleet.local import keys
from modelfleet.local.containers import PUBLIC_PORT, LocalHost
from modelfleet.tree import INVENTORY

FIRST_PORT = 8001
HEADER = """\
# Written by `modelfleet up`; `modelfleet down` removes it. `up` keeps what stands under vars, so services and settings
# may be edited here: inventory/example.yml explains each one.
---
"""


def path(fleet: str) -> Path:
    """Return where a local fleet's file is."""
    return INVENTORY / ("local.yml" if fleet == "local" else f"{fleet}.local.yml")


def write(fleet: str, folder: Path, hosts: Sequence[LocalHost], models: Iterable[str]) -> Path:
    """Write the fleet file, keeping what stands under vars; an unchanged file is not touched."""
    file = path(fleet)
    content = yaml.safe_load(file.read_text()) if file.exists() else None
    given = ((content or {}).get("all") or {}).get("vars") or {}
    kept = {**_reach(folder, hosts), **given, "services": with_models(given.get("services") or [], models)}
    content = {"all": {"vars": kept, "children": {"servers": _group(hosts, False), "balancers": _group(hosts, True)}}}
    text = HEADER + yaml.safe_dump(content, sort_keys=False, width=120)
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
    return file


def with_models(services: Sequence[dict[str, Any]], models: Iterable[str]) -> list[dict[str, Any]]:
    """Add a service for each model, or give the service of that name the model's version."""
    result = [dict(service) for service in services]
    for model in models:
        name = re.split("[:@]", model)[0]
        known = next((service for service in result if service["name"] == name), None)
        if known:
            known["model"] = model
        else:
            port = max([FIRST_PORT - 1, *(int(service["port"]) for service in result)]) + 1
            result.append({"name": name, "model": model, "port": port})
    return result


def _reach(folder: Path, hosts: Sequence[LocalHost]) -> dict[str, Any]:
    known = keys.pin(folder, {host.name: host.ssh_port for host in hosts})
    pinned = f"-o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes"
    return {
        "ansible_user": "deploy",
        "ansible_ssh_private_key_file": str(folder / keys.LOGIN),
        "ansible_ssh_common_args": f"{pinned} -o IdentitiesOnly=yes -o HostKeyAlgorithms=ssh-ed25519",
    }


def _group(hosts: Sequence[LocalHost], balancers: bool) -> dict[str, Any]:
    return {"hosts": {host.name: _host(host) for host in hosts if host.is_balancer == balancers}}


def _host(host: LocalHost) -> dict[str, Any]:
    said: dict[str, Any] = {"ansible_host": "127.0.0.1", "ansible_port": host.ssh_port, "address": host.address}
    if host.public_port is not None:
        said |= {"public_port": PUBLIC_PORT, "public_url": f"http://127.0.0.1:{host.public_port}"}
    return said

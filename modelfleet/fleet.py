"""The fleet as Ansible sees it: hosts and services, read with ansible-inventory and never merged here."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from modelfleet.errors import Failure
from modelfleet.tree import INVENTORY, ROOT

BIN = Path(sys.executable).parent
LOCAL = INVENTORY / "local.yml"
CURE = "mend the file; nothing was contacted"


@dataclass(frozen=True)
class Host:
    """One host: how to reach it by SSH, and at which address balancers reach it."""

    name: str
    address: str
    ssh_host: str
    ssh_port: int
    ssh_user: str | None
    ssh_arguments: tuple[str, ...]
    settings: dict[str, Any]

    def ssh(self, *command: str) -> list[str]:
        """Return the whole argument vector that runs a command on the host, or opens a shell.

        It is to run in the checkout, as Ansible does: a fleet file's paths are relative to that.
        """
        quiet = ["-o", "BatchMode=yes"] if command else []
        return ["ssh", *quiet, *self.ssh_arguments, self.ssh_host, *command]


@dataclass(frozen=True)
class Service:
    """One service as the fleet file asks for it; ``model`` is a reference such as ``digits:3``."""

    name: str
    model: str
    port: int
    servers: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def unit(self) -> str:
        """The stem of the service's unit names on a server."""
        return f"modelfleet-{self.name}"


@dataclass(frozen=True)
class Fleet:
    """One inventory file, as ansible-inventory resolves it."""

    path: Path
    servers: tuple[Host, ...]
    balancers: tuple[Host, ...]
    services: tuple[Service, ...]
    settings: dict[str, Any]

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every host once, servers first; one host may be both."""
        return tuple({host.name: host for host in (*self.servers, *self.balancers)}.values())

    def services_on(self, server: str) -> tuple[Service, ...]:
        """The services that a server runs."""
        return tuple(service for service in self.services if server in service.servers)


def find(option: str | Path | None = None) -> Path:
    """Find the fleet file: ``--fleet``, then MODELFLEET_FLEET, then the local fleet; raise Failure if absent."""
    path = Path(option or os.environ.get("MODELFLEET_FLEET") or LOCAL)
    if path.is_file():
        return path.resolve()
    cure = "run `modelfleet up`, or name a fleet file with --fleet" if path == LOCAL else "check the path"
    raise Failure(str(path), "there is no such fleet file", cure)


def listing(path: Path) -> dict[str, Any]:
    """Ask ansible-inventory for the resolved fleet; raise Failure where it can't be parsed."""
    refuse_broken(path)
    command = [str(BIN / "ansible-inventory"), "-i", str(path), "--list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise _unreadable(path, done.stderr)
    resolved: dict[str, Any] = json.loads(done.stdout)
    return resolved


def read(path: Path) -> Fleet:
    """Read a fleet file; types are only as good as `modelfleet check` found them."""
    return resolve(path, listing(path))


def members(resolved: dict[str, Any], name: str) -> list[str]:
    """Name the hosts of a group and of its child groups, in the inventory's order."""
    group = resolved.get(name, {})
    found = list(group.get("hosts", []))
    for child in group.get("children", []):
        found += [host for host in members(resolved, child) if host not in found]
    return found


def resolve(path: Path, resolved: dict[str, Any]) -> Fleet:
    """Build the fleet from ansible-inventory's answer."""
    hostvars = resolved.get("_meta", {}).get("hostvars", {})
    servers = members(resolved, "servers")
    settings: dict[str, Any] = next(iter(hostvars.values()), {})
    return Fleet(
        path=path,
        servers=tuple(_host(name, hostvars.get(name, {})) for name in servers),
        balancers=tuple(_host(name, hostvars.get(name, {})) for name in members(resolved, "balancers")),
        services=tuple(_service(entry, servers) for entry in settings.get("services") or []),
        settings=settings,
    )


def _host(name: str, settings: dict[str, Any]) -> Host:
    ssh_host = str(settings.get("ansible_host", name))
    return Host(
        name=name,
        address=str(settings.get("address", ssh_host)),
        ssh_host=ssh_host,
        ssh_port=int(settings.get("ansible_port", 22)),
        ssh_user=settings.get("ansible_user"),
        ssh_arguments=tuple(_ssh_arguments(settings)),
        settings=settings,
    )


def _ssh_arguments(settings: dict[str, Any]) -> list[str]:
    arguments = ["-o", "ConnectTimeout=6"]
    if "ansible_port" in settings:
        arguments += ["-p", str(settings["ansible_port"])]
    if "ansible_user" in settings:
        arguments += ["-l", str(settings["ansible_user"])]
    if "ansible_ssh_private_key_file" in settings:
        arguments += ["-i", str(settings["ansible_ssh_private_key_file"])]
    for name in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        arguments += shlex.split(settings.get(name, ""))
    return arguments


def _service(entry: dict[str, Any], servers: list[str]) -> Service:
    return Service(
        name=str(entry["name"]),
        model=str(entry["model"]),
        port=int(entry["port"]),
        servers=tuple(entry.get("servers") or servers),
        settings=entry,
    )


def refuse_broken(path: Path) -> None:
    """Raise Failure, with line and column, where a fleet file is not YAML; its content is not looked at."""
    try:
        for _ in yaml.parse(path.read_text()):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise Failure(where, f"not valid YAML ({error.problem})", CURE) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Failure(str(path), f"not valid YAML ({' '.join(str(error).split())})", CURE) from None


def _unreadable(path: Path, stderr: str) -> Failure:
    lines = [line.strip() for line in stderr.splitlines() if "rror" in line or "arse" in line]
    return Failure(str(path), f"not a valid inventory ({(lines or ['no reason given'])[0]})", CURE)

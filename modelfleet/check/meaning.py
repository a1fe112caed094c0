"""Values: names, ports and limits that are well typed and can't work."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from modelfleet import settings
from modelfleet.check import models
from modelfleet.check.shape import meant
from modelfleet.errors import Failure
from modelfleet.fleet import Fleet, Host

SERVICE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ACCOUNT_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
RESERVED = {"blobs", "copies", "environments", "installers"}
HIGHEST_PORT = 65535
DIGEST_PORT = 8099
CHAINS = (
    ("balancer_read_timeout_seconds", "service_graceful_timeout_seconds", "service_stop_timeout_seconds"),
    ("balancer_keepalive_timeout_seconds", "service_keep_alive_seconds"),
)


def failures(path: Path, read: Fleet, store_path: Path | None) -> Iterator[Failure]:
    """Return what is wrong with the values of a fleet file whose names and types are right."""
    yield from _services(path, read)
    yield from _numbers(path, read)
    yield from _hosts(path, read)
    yield from _operators(path, read)
    yield from models.failures(path, read, store_path)


def _services(path: Path, read: Fleet) -> Iterator[Failure]:
    servers = {host.name for host in read.servers}
    taken: dict[int, str] = {}
    names: set[str] = set()
    for service in read.services:
        named = SERVICE_NAME.fullmatch(service.name)
        where = f"{path}: services.{service.name if named else repr(service.name)}"
        if not named:
            yield Failure(where, "not a service name", "use up to 40 lower-case letters, digits and hyphens")
        if service.name in RESERVED:
            yield Failure(where, "the kit has a folder of this name on every server", "choose another name")
        if service.name in names:
            yield Failure(where, "two services have this name", "rename one of them")
        names.add(service.name)
        if not 0 < service.port <= HIGHEST_PORT:
            yield Failure(where, f"{service.port} is not a port", f"give one from 1 to {HIGHEST_PORT}")
        if service.port in taken:
            clash = f"port {service.port} is also that of {taken[service.port]}"
            yield Failure(where, clash, "give each service a port of its own")
        taken[service.port] = service.name
        if "servers" in service.settings and not service.settings["servers"]:
            yield Failure(where, "servers is empty", "name the servers that run it, or leave it out for all")
        for server in service.servers:
            if server not in servers:
                yield Failure(where, f"{server} is not a server of the fleet", meant(server, servers))
        yield from _limits(where, service.settings)


def _limits(where: str, given: dict[str, Any]) -> Iterator[Failure]:
    for name in ("workers", "threads"):
        if name in given and int(given[name]) < 1:
            yield Failure(where, f"{name} is {given[name]}", "give 1 or more")
    for name, value in (given.get("environment") or {}).items():
        if not VARIABLE_NAME.fullmatch(str(name)):
            yield Failure(where, f"{name!r} is no name of an environment variable", "use letters, digits and _")
        encrypted = isinstance(value, dict) and "__ansible_vault" in value
        if isinstance(value, bool | list | dict | None) and not encrypted:
            yield Failure(where, f"the value of {name} is no text", "give a string in quotes, or a number")
        if isinstance(value, str) and ("\n" in value or "\0" in value):
            yield Failure(where, f"the value of {name} has more than one line", "give one line")


def _numbers(path: Path, read: Fleet) -> Iterator[Failure]:
    """Numbers that are at least one, and time-outs that must follow each other for no request to be lost."""
    for host in read.hosts:
        fronts = host in read.balancers
        roles = ("host", "service", "balancer") if fronts else ("host", "service")
        defaults = {name: value for role in roles for name, value in settings.defaults(role).items()}
        effective = {name: host.settings.get(name, value) for name, value in defaults.items()}
        for name, value in effective.items():
            if isinstance(defaults[name], int) and int(value) < 1:
                yield Failure(f"{path}: {host.name}", f"{name} is {value}", "give 1 or more")
        for shorter, longer in (pair for chain in CHAINS for pair in pairwise(chain) if fronts):
            if int(effective[shorter]) >= int(effective[longer]):
                what = f"{shorter} ({effective[shorter]}) is not less than {longer} ({effective[longer]})"
                yield Failure(f"{path}: {host.name}", what, "an update would lose requests: raise the second")
        if not _is_ip(str(effective["service_listen_address"])):
            what = f"service_listen_address is {effective['service_listen_address']}"
            yield Failure(f"{path}: {host.name}", what, "give an IPv4 address, such as 0.0.0.0")


def _is_ip(address: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(address))
    except ValueError:
        return False


def _operators(path: Path, read: Fleet) -> Iterator[Failure]:
    for host in read.hosts:
        for name in _names(host):
            if not ACCOUNT_NAME.fullmatch(name):
                yield Failure(
                    f"{path}: {host.name}", f"{name!r} is no account's name", "use lower-case letters and digits"
                )
            elif name in ("root", host.ssh_user):
                what = f"the operator {name} is an account of its own, whose key would be replaced"
                yield Failure(f"{path}: {host.name}", what, "choose another name for the operator")


def _names(host: Host) -> list[str]:
    operators: list[dict[str, Any]] = host.settings.get("host_operators") or []
    return [str(operator.get("name")) for operator in operators]


def _hosts(path: Path, read: Fleet) -> Iterator[Failure]:
    for host in read.hosts:
        if not ADDRESS.fullmatch(host.address):
            yield Failure(f"{path}: {host.name}", f"{host.address!r} is no address", "give a name or an IPv4 address")
        port = host.settings.get("public_port")
        if port is not None and not 0 < int(port) <= HIGHEST_PORT:
            yield Failure(f"{path}: {host.name}", f"{port} is not a port", f"give one from 1 to {HIGHEST_PORT}")
        if host in read.balancers and DIGEST_PORT in {port, *(one.port for one in read.services_on(host.name))}:
            what = f"port {DIGEST_PORT} is where Nginx tells which configuration is in force"
            yield Failure(f"{path}: {host.name}", what, "use another port")
        clash = next((service for service in read.services_on(host.name) if service.port == port), None)
        if port is not None and clash:
            what = f"public_port {port} is also that of the service {clash.name}"
            yield Failure(f"{path}: {host.name}", what, "give one of them another port")

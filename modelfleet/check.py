"""What `modelfleet check` finds wrong with a fleet file before any host is contacted."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from modelfleet import fleet, settings, store
from modelfleet.errors import Failure
from modelfleet.fleet import Fleet
from modelfleet.settings import Role

ROLES_OF = {"servers": ("host", "service"), "balancers": ("host", "balancer")}
OF_HOSTS = {"address", "public_url"}
SERVICE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
RESERVED = {"blobs", "cache", "environments", "installers"}
HIGHEST_PORT = 65535
DIGEST_PORT = 8099


def failures(path: Path, store_path: Path | None = None) -> list[Failure]:
    """Return all that is wrong with a fleet file, the plain mistakes first; empty if it can be deployed.

    Raises Failure where the file can't be read at all.
    """
    resolved = fleet.listing(path)
    hostvars: dict[str, dict[str, Any]] = resolved.get("_meta", {}).get("hostvars", {})
    wrong = [*_groups(path, resolved), *_settings(path, resolved, hostvars)]
    if wrong:
        return wrong
    read = fleet.resolve(path, resolved)
    return [*_services(path, read), *_hosts(path, read), *_models(path, read, store_path)]


def _groups(path: Path, resolved: dict[str, Any]) -> Iterator[Failure]:
    for group in ROLES_OF:
        if not fleet.members(resolved, group):
            yield Failure(str(path), f"the group {group} has no host", f"add a host under {group}: hosts:")


def _settings(path: Path, resolved: dict[str, Any], hostvars: dict[str, dict[str, Any]]) -> list[Failure]:
    """Unknown names and wrong types, each said once however many hosts share the setting."""
    roles = {name: settings.role(name) for names in ROLES_OF.values() for name in names}
    known = set().union(*(role.settable() for role in roles.values())) | OF_HOSTS
    found: dict[str, Failure] = {}
    for group, names in ROLES_OF.items():
        for host in fleet.members(resolved, group):
            given = hostvars.get(host, {})
            for failure in (
                *_unknown(path, given, known),
                *_mistyped(path, given, [roles[name] for name in names]),
            ):
                found.setdefault(str(failure), failure)
    return list(found.values())


def _unknown(path: Path, given: dict[str, Any], known: set[str]) -> Iterator[Failure]:
    for name in given:
        if name not in known and not name.startswith("ansible_"):
            yield Failure(str(path), f"unknown setting {name}", _meant(name, known))


def _mistyped(path: Path, given: dict[str, Any], roles: Iterable[Role]) -> Iterator[Failure]:
    for role in roles:
        result = ArgumentSpecValidator(role.options).validate(role.arguments(given))
        for message in result.error_messages:
            yield _in_the_files_words(path, message, role)


def _in_the_files_words(path: Path, message: str, role: Role) -> Failure:
    """Say what Ansible's validator found with the fleet file's names instead of the role's."""
    for option in role.options:
        message = re.sub(rf"\b{option}\b", role.said(option), message)
    unknown = re.match(r"([\w.]+)\. Supported parameters include: (.*)", message)
    if unknown:
        known = set(re.findall(r"\w+", unknown.group(2)))
        return Failure(str(path), f"unknown setting {unknown.group(1)}", _meant(unknown.group(1).split(".")[-1], known))
    cure = f"see playbooks/roles/{role.name}/meta/argument_specs.yml"
    return Failure(str(path), " ".join(message.split()).rstrip(".").replace(";", ","), cure)


def _services(path: Path, read: Fleet) -> Iterator[Failure]:
    servers = {host.name for host in read.servers}
    taken: dict[int, str] = {}
    names: set[str] = set()
    if not read.services:
        yield Failure(str(path), "services is empty", "list at least one service with name, model and port")
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
        for server in service.servers:
            if server not in servers:
                yield Failure(where, f"{server} is not a server of the fleet", _meant(server, servers))
        yield from _limits(where, service.settings)


def _limits(where: str, given: dict[str, Any]) -> Iterator[Failure]:
    for name in ("workers", "threads"):
        if name in given and int(given[name]) < 1:
            yield Failure(where, f"{name} is {given[name]}", "give 1 or more")
    for name, value in (given.get("environment") or {}).items():
        if not VARIABLE_NAME.fullmatch(str(name)):
            yield Failure(where, f"{name!r} is no name of an environment variable", "use letters, digits and _")
        if isinstance(value, str) and ("\n" in value or "\0" in value):
            yield Failure(where, f"the value of {name} has more than one line", "give one line")


def _hosts(path: Path, read: Fleet) -> Iterator[Failure]:
    for host in read.hosts:
        if not ADDRESS.fullmatch(host.address):
            yield Failure(f"{path}: {host.name}", f"{host.address!r} is no address", "give a name or an IPv4 address")
        if any(operator.get("name") == host.ssh_user for operator in host.settings.get("host_operators") or []):
            what = f"the operator {host.ssh_user} is also ansible_user, whose key would be replaced"
            yield Failure(f"{path}: {host.name}", what, "give operators accounts of their own")
        port = host.settings.get("public_port")
        if host in read.balancers and DIGEST_PORT in {port, *(one.port for one in read.services_on(host.name))}:
            what = f"port {DIGEST_PORT} is where Nginx tells which configuration is in force"
            yield Failure(f"{path}: {host.name}", what, "use another port")
        clash = next((service for service in read.services_on(host.name) if service.port == port), None)
        if port is not None and clash:
            what = f"public_port {port} is also that of the service {clash.name}"
            yield Failure(f"{path}: {host.name}", what, "give one of them another port")


def _models(path: Path, read: Fleet, store_path: Path | None) -> Iterator[Failure]:
    for service in read.services:
        try:
            store.find(service.model, store_path)
        except Failure as failure:
            yield Failure(f"{path}: services.{service.name}.model: {failure.where}", failure.what, failure.cure)


def _meant(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"

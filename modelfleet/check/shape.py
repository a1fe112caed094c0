"""Names and types: unknown settings, wrong types, empty groups, settings that have no value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from modelfleet import fleet, settings
from modelfleet.errors import Failure
from modelfleet.settings import Role

ROLES_OF = {"servers": ("host", "service"), "balancers": ("host", "balancer")}
OF_HOSTS = {"address", "public_url"}
OF_ANSIBLE = {"ansible_host", "ansible_port", "ansible_user", "ansible_password", "ansible_connection"} | {
    f"ansible_{name}" for name in ("python_interpreter", "remote_tmp", "shell_type", "shell_executable")
}
OF_CONNECTIONS = ("ansible_ssh_", "ansible_become", "ansible_scp_", "ansible_sftp_", "ansible_pipelining")
Settings = dict[str, Any]


def failures(path: Path, resolved: dict[str, Any]) -> list[Failure]:
    """Return what is wrong with names and types, each once however many hosts share the setting."""
    hostvars: dict[str, Settings] = resolved.get("_meta", {}).get("hostvars", {})
    roles = {name: settings.role(name) for names in ROLES_OF.values() for name in names}
    known = set().union(*(role.settable() for role in roles.values())) | OF_HOSTS
    found = {str(failure): failure for failure in _groups(path, resolved)}
    for group, names in ROLES_OF.items():
        for host in fleet.members(resolved, group):
            given = hostvars.get(host, {})
            wrong = [*_unknown(path, given, known), *_empty(path, given), *_port(path, host, given)]
            wrong = wrong or list(_mistyped(path, given, [roles[name] for name in names]))
            found |= {str(failure): failure for failure in wrong}
    return [*found.values(), *_uneven(path, hostvars, roles["service"])]


def meant(name: str, known: set[str]) -> str:
    """Say which known name was probably meant, or which there are."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"


def _groups(path: Path, resolved: dict[str, Any]) -> Iterator[Failure]:
    for group in ROLES_OF:
        if not fleet.members(resolved, group):
            yield Failure(str(path), f"the group {group} has no host", f"add a host under {group}: hosts:")


def _unknown(path: Path, given: Settings, known: set[str]) -> Iterator[Failure]:
    for name in given:
        if name not in known | OF_ANSIBLE and not name.startswith(OF_CONNECTIONS):
            known_here = OF_ANSIBLE if name.startswith("ansible_") else known
            yield Failure(str(path), f"unknown setting {name}", meant(name, known_here))


def _empty(path: Path, given: Settings) -> Iterator[Failure]:
    services = given.get("services")
    entries = [entry for entry in services if isinstance(entry, dict)] if isinstance(services, list) else []
    named = [*given.items(), *((f"services.{name}", value) for entry in entries for name, value in entry.items())]
    for name, value in named:
        if value is None:
            yield Failure(str(path), f"{name} has no value", "give one, or leave the line out")


def _port(path: Path, host: str, given: Settings) -> Iterator[Failure]:
    if not str(given.get("ansible_port", 22)).isdecimal():
        yield Failure(f"{path}: {host}", f"ansible_port is {given['ansible_port']!r}", "give a number, such as 22")


def _uneven(path: Path, hostvars: dict[str, Settings], role: Role) -> Iterator[Failure]:
    """A bundle is built once for the whole fleet, so its settings can't be those of some hosts."""
    for name in sorted(role.settable()):
        if len({repr(given.get(name)) for given in hostvars.values()}) > 1:
            yield Failure(str(path), f"{name} is not the same for every host", "set it under all: vars:")


def _mistyped(path: Path, given: Settings, roles: Iterable[Role]) -> Iterator[Failure]:
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
        return Failure(str(path), f"unknown setting {unknown.group(1)}", meant(unknown.group(1).split(".")[-1], known))
    cure = f"see playbooks/roles/{role.name}/meta/argument_specs.yml"
    return Failure(str(path), " ".join(message.split()).rstrip(".").replace(";", ","), cure)

"""Which settings a fleet file may hold: the roles' own argument specifications, joined by the wiring file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from modelfleet.tree import PLAYBOOKS

Spec = dict[str, Any]
WIRED = re.compile(r"^\s*\{\{\s*\(*(\w+)")


@dataclass(frozen=True)
class Role:
    """One role's settings: the specification by the role's names, and which of them the fleet file calls otherwise."""

    name: str
    options: Spec
    wired: dict[str, str]

    def settable(self) -> set[str]:
        """The names that a fleet file may use for this role's settings."""
        plain = {name for name in self.options if name not in self.wired}
        return plain | set(self.wired.values())

    def arguments(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Pick this role's settings out of a host's, under the role's names."""
        named = {option: self.wired.get(option, option) for option in self.options}
        return {option: settings[name] for option, name in named.items() if name in settings}

    def said(self, option: str) -> str:
        """The name a fleet file uses for a role's option."""
        return self.wired.get(option, option)


def role(name: str) -> Role:
    """Read one role's specification and its part of the wiring.

    An option whose wiring is computed from other hosts' settings is no setting: it is left out.
    """
    folder = PLAYBOOKS / "roles" / name
    options = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    wiring = yaml.safe_load((PLAYBOOKS / "group_vars/all.yml").read_text())
    wired = {option: _first_name(str(wiring[option])) for option in options if option in wiring}
    computed = {option for option, source in wired.items() if source in wiring or source in ("dict", "groups")}
    return Role(
        name=name,
        options={option: spec for option, spec in options.items() if option not in computed},
        wired={option: source for option, source in wired.items() if option not in computed},
    )


def defaults(name: str) -> dict[str, Any]:
    """Read a role's defaults."""
    found: dict[str, Any] = yaml.safe_load((PLAYBOOKS / "roles" / name / "defaults/main.yml").read_text())
    return found


def _first_name(expression: str) -> str:
    found = WIRED.match(expression)
    return found.group(1) if found else ""

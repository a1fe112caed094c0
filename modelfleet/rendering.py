"""What templates/ renders, with Jinja2 alone: byte for byte what Ansible puts on a host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from modelfleet import settings
from modelfleet.fleet import Fleet, Service
from modelfleet.tree import TEMPLATES

UNIT = TEMPLATES / "service/etc/systemd/system/modelfleet-NAME@.service.j2"


def render(template: Path, variables: dict[str, Any]) -> str:
    """Render a template as Ansible would; raise jinja2.UndefinedError where a variable is missing."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - units and configurations are no HTML
    )
    return environment.from_string(template.read_text()).render(variables)


def unit(fleet: Fleet, service: Service) -> str:
    """Return the text that the templated unit of a service has to have on every server."""
    defaults = settings.defaults("service")
    given = {name: value for name, value in fleet.settings.items() if name in defaults}
    return render(UNIT, {**defaults, **given, "service": service.settings})

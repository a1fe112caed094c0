"""`modelfleet store log`: who did what, and when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from modelfleet import store
from modelfleet.options import STORE
from modelfleet.store import audit

FIELDS = (
    "time, act, by, and what the act has: "
    "reference, digest, alias, before, role, key, source, noted_by, fleet, services"
)


@click.command("log")
@click.option("--name", help="Only what was done with versions of this model.")
@click.option("--json", "as_json", is_flag=True, help=f"Print an array, the oldest first: {FIELDS}.")
@STORE
def command(name: str | None, as_json: bool, store_path: Path | None) -> None:
    """Tell who saved, aliased, deleted, restored, signed, unsigned and deployed which version, the oldest first.

    An unknown name is an empty array with --json, and else a failure that says which names there are.
    """
    found = audit.read(store_path, name)
    if name and not found and not as_json:
        store.latest(name, store_path)
    if as_json:
        click.echo(json.dumps(found))
        return
    for event in found:
        click.echo(f"{event['time']}  {event['by']:<20} {event['act']:<13} {_said(event)}")
    if not found:
        click.echo("nothing is recorded yet")


def _said(event: dict[str, Any]) -> str:
    if event["act"] == "deployed":
        services = (f"{name} {one['reference']}" for name, one in event["services"].items())
        return f"{', '.join(services)} to {event['fleet']}"
    alias = f" as @{event['alias']}" if event.get("alias") else ""
    before = f", which was version {event['before']}" if event.get("before") else ""
    roles = f" by {event['role']}" if event.get("role") else ""
    return f"{event.get('reference', '')}{alias}{before}{roles}"

"""`modelfleet model delete`: a version goes to the trash, unless something refers to it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet import deployments
from modelfleet.options import STORE
from modelfleet.store import finding


@click.command("delete")
@click.argument("reference")
@click.option("--fleet", type=click.Path(path_type=Path), help="One more fleet file to look at.")
@click.option("--without-hosts", is_flag=True, help="Don't ask the servers, nor mind fleets of other machines.")
@click.option("--json", "as_json", is_flag=True, help="Print an object: reference, name, version.")
@STORE
def command(reference: str, fleet: Path | None, without_hosts: bool, as_json: bool, store_path: Path | None) -> None:
    """Move a version, such as digits:3, to the store's trash; `modelfleet model restore` undoes it.

    Refused while an alias, an ensemble, a fleet file or a release on a server refers to it. Looked at are the fleet
    files of inventory/, that of --fleet or MODELFLEET_FLEET, those that were deployed to, and all their servers. A
    fleet that another machine deployed to, by the store's log, is one whose file must be given.
    """
    deleted = deployments.delete(reference, store_path, fleet=fleet, ask_hosts=not without_hosts)
    if as_json:
        name, version = finding.split(deleted)
        click.echo(json.dumps({"reference": deleted, "name": name, "version": version}))
        return
    click.echo(f"deleted {deleted}; `modelfleet model restore {deleted}` undoes it. Its number is not given again.")

"""`modelfleet check`: read a fleet file and say all that is wrong with it; no host is contacted."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet import check, fleet
from modelfleet.errors import Failures


@click.command("check")
@click.option("--fleet", "fleet_option", metavar="FILE", help="The fleet file; the local fleet if not given.")
@click.option("--store", type=click.Path(path_type=Path), help="The store; the default store if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the fields fleet, hosts, services.")
def command(fleet_option: str | None, store: Path | None, as_json: bool) -> None:
    """Read a fleet file and say all that is wrong with it; no host is contacted."""
    path = fleet.find(fleet_option)
    wrong = check.failures(path, store)
    if wrong:
        raise Failures(wrong)
    read = fleet.read(path)
    if as_json:
        services = [{"name": service.name, "model": service.model} for service in read.services]
        hosts = [host.name for host in read.hosts]
        click.echo(json.dumps({"fleet": str(path), "hosts": hosts, "services": services}))
        return
    click.echo(f"{path} can be deployed:")
    click.echo(f"  servers    {', '.join(host.name for host in read.servers)}")
    click.echo(f"  balancers  {', '.join(host.name for host in read.balancers)}")
    for service in read.services:
        click.echo(f"  service    {service.name} serves {service.model} on {', '.join(service.servers)}")

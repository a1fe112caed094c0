"""`modelfleet up`: a fleet of real hosts on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet import store as stores
from modelfleet.local import fleet
from modelfleet.local.containers import LocalHost
from modelfleet.local.image import SUITES


@click.command("up")
@click.option("--name", default="local", show_default=True, help="The fleet's name; several live side by side.")
@click.option("--servers", type=int, help="How many servers; 3 in a new fleet.")
@click.option("--balancers", type=int, help="How many balancers; 1 in a new fleet.")
@click.option("--model", "models", multiple=True, metavar="NAME[:VERSION|@ALIAS]", help="Serve it; may be repeated.")
@click.option("--store", type=click.Path(path_type=Path), help="The store; the default store if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the fields fleet and hosts.")
def command(
    name: str, servers: int | None, balancers: int | None, models: tuple[str, ...], store: Path | None, as_json: bool
) -> None:
    """Make a fleet of real hosts on this machine, and its fleet file; repeating it changes nothing."""
    chosen = [model if {":", "@"} & set(model) else stores.latest(model, store) for model in models]
    file, hosts = fleet.up(name, servers, balancers, chosen)
    if as_json:
        click.echo(json.dumps({"fleet": str(file), "hosts": [vars(host) for host in hosts]}))
        return
    option = "" if name == "local" else f" --name {name}"
    click.echo(f"The fleet {name} is up; its file is {file}.")
    for host in hosts:
        click.echo(f"  {host.name:<12}{SUITES[host.suite]}   modelfleet ssh {host.name}{option}{_public(host)}")
    click.echo("Next: modelfleet deploy" + ("" if name == "local" else f" --fleet {file}"))


def _public(host: LocalHost) -> str:
    return f"   http://127.0.0.1:{host.public_port}" if host.is_balancer else ""

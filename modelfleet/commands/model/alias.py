"""`modelfleet model alias`: movable names for versions."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from modelfleet import store
from modelfleet.options import STORE
from modelfleet.store import alias as naming


@click.command("alias")
@click.argument("name")
@click.argument("alias", required=False)
@click.argument("version", required=False, type=click.IntRange(min=1))
@click.option("--delete", is_flag=True, help="Drop the alias; the version stays.")
@click.option("--json", "as_json", is_flag=True, help="Print an array: alias, version, since, by, history.")
@STORE
def command(
    name: str, alias: str | None, version: int | None, delete: bool, as_json: bool, store_path: Path | None
) -> None:
    """Point ALIAS at VERSION of NAME, or list the aliases of NAME.

    `modelfleet model alias digits champion 4` makes digits@champion stand for digits:4 wherever a reference is taken.
    What serves it already changes with the next deploy.
    """
    fits = (version is not None) != delete if alias else not delete
    if not fits:
        raise click.UsageError("give ALIAS and VERSION, or ALIAS and --delete, or neither to list")
    if alias and delete:
        click.echo(f"dropped {name}@{alias}; it was {name}:{store.drop_alias(name, alias, store_path)}", err=as_json)
    elif alias and version:
        before = store.set_alias(name, alias, version, store_path)
        click.echo(f"{name}@{alias} is {name}:{version}{_was(name, version, before)}", err=as_json)
    if as_json or not alias:
        _list(name, as_json, store_path)


def _was(name: str, version: int, before: int | None) -> str:
    if before is None:
        return ""
    return ", as before" if before == version else f"; it was {name}:{before}"


def _list(name: str, as_json: bool, store_path: Path | None) -> None:
    store.latest(name, store_path)
    found = naming.read(name, store_path)
    if as_json:
        click.echo(json.dumps([{"alias": one, **asdict(entry)} for one, entry in found.items()]))
        return
    if not found:
        click.echo(f"{name} has no alias")
    for one, entry in found.items():
        before = f"  before: {name}:{entry.history[-1]['version']}" if entry.history else ""
        click.echo(f"{name}@{one}  {name}:{entry.version}  since {entry.since} by {entry.by}{before}")

"""`modelfleet model list`: what is saved."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet import store
from modelfleet.options import STORE


@click.command("list")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print an array: name, version, digest, created, runtime.")
@STORE
def command(name: str | None, as_json: bool, store_path: Path | None) -> None:
    """List the saved versions, of one name or of all; each is verified."""
    names = [name] if name else store.names(store_path)
    found = [store.find(f"{one}:{version}", store_path) for one in names for version in store.versions(one, store_path)]
    rows = [
        {
            "name": model.name,
            "version": model.version,
            "digest": model.digest,
            "created": model.card["created"],
            "runtime": model.scoring["runtime"],
        }
        for model in found
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(f"{row['name']}:{row['version']:<4} {row['runtime']:<6} {row['created']}  {row['digest'][:19]}")
    if not rows:
        click.echo(
            f"{store.path(store_path)} holds no model; save one with modelfleet.save() or `modelfleet model save`."
        )

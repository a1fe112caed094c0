"""`modelfleet store`: where models are kept."""

from __future__ import annotations

from pathlib import Path

import click

from modelfleet import store


@click.group("store")
def command() -> None:
    """Where saved models are kept."""


@command.command("path")
@click.option("--store", "option", type=click.Path(path_type=Path), help="The store, if not the default one.")
def path(option: Path | None) -> None:
    """Print the store's folder."""
    click.echo(store.path(option))

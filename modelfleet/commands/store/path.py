"""`modelfleet store path`: where models are kept."""

from __future__ import annotations

from pathlib import Path

import click

from modelfleet import store
from modelfleet.options import STORE


@click.command("path")
@STORE
def command(store_path: Path | None) -> None:
    """Print the store's folder."""
    click.echo(store.path(store_path))

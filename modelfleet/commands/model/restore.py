"""`modelfleet model restore`: a deleted version comes back."""

from __future__ import annotations

from pathlib import Path

import click

from modelfleet import store
from modelfleet.options import STORE


@click.command("restore")
@click.argument("reference")
@STORE
def command(reference: str, store_path: Path | None) -> None:
    """Bring a deleted version, such as digits:3, back from the trash, and verify it."""
    restored = store.find(store.restore(reference, store_path), store_path)
    click.echo(f"restored {restored.reference} ({restored.digest[:19]}) at {restored.path}")

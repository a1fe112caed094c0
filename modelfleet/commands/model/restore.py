"""`modelfleet model restore`: a deleted version comes back."""

from __future__ import annotations

from pathlib import Path

import click

from modelfleet import store
from modelfleet.options import STORE
from modelfleet.store import trash


@click.command("restore")
@click.argument("reference")
@STORE
def command(reference: str, store_path: Path | None) -> None:
    """Bring a deleted version, such as digits:3, back from the trash, and verify it.

    The members of an ensemble that lie in the trash are named; each comes back with a command of its own.
    """
    restored = store.find(store.restore(reference, store_path), store_path)
    click.echo(f"restored {restored.reference} ({restored.digest[:19]}) at {restored.path}")
    for member in trash.members(restored.reference, store_path):
        cure = f"restore it too: `modelfleet model restore {member}`"
        click.echo(f"{restored.reference}: its member {member} is in the trash; {cure}", err=True)

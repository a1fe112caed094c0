"""`modelfleet model restore`: a deleted version comes back."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.options import STORE
from modelfleet.store import trash
from modelfleet_service.model import Model


@click.command("restore")
@click.argument("reference")
@click.option("--json", "as_json", is_flag=True, help="Print an object: reference, name, version, members (in trash).")
@STORE
def command(reference: str, as_json: bool, store_path: Path | None) -> None:
    """Bring a deleted version, such as digits:3, back from the trash, and verify it.

    The members of an ensemble that lie in the trash are named; each comes back with a command of its own. Exit status
    1 where the version is damaged; it is back all the same.
    """
    restored = _verified(store.restore(reference, store_path), store_path)
    members = trash.members(restored.reference, store_path)
    if as_json:
        named = {"reference": restored.reference, "name": restored.name, "version": restored.version}
        click.echo(json.dumps(named | {"members": members}))
        return
    click.echo(f"restored {restored.reference} ({restored.digest[:19]}) at {restored.path}")
    for member in members:
        cure = f"restore it too: `modelfleet model restore {member}`"
        click.echo(f"{restored.reference}: its member {member} is in the trash; {cure}", err=True)


def _verified(reference: str, store_path: Path | None) -> Model:
    try:
        return store.find(reference, store_path)
    except Failure as damage:
        what = f"was restored, and is damaged ({damage.where} {damage.what})"
        raise Failure(reference, what, damage.cure) from damage

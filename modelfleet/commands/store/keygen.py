"""`modelfleet store keygen`: make a key to sign models with."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from modelfleet import keys, signing


@click.command("keygen")
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), help="The folder for the key; the user's own if not given.")
@click.option("--role", default="trainer", show_default=True, help="The role in the printed line.")
@click.option("--password", "ask", is_flag=True, help=f"Ask for a passphrase; {keys.PASSWORD} gives one, too.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the fields name, path, key.")
def command(name: str, out: Path | None, role: str, ask: bool, as_json: bool) -> None:
    """Make an Ed25519 key called NAME, and print the line for the fleet file; only its owner can read the file."""
    signing.check_role(role)
    password = os.environ.get(keys.PASSWORD)
    if ask and not password:
        password = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    made = keys.make(name, out, password)
    if as_json:
        click.echo(json.dumps({"name": made.name, "path": str(made.path), "key": made.public}))
        return
    click.echo(
        f"{made.path} is the private key{', under its passphrase' if password else ''}: keep it, and show nobody."
    )
    click.echo("The public half goes into the fleet file, under models_keys:")
    click.echo(f"  {made.entry(role)}")

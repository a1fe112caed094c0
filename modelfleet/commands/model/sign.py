"""`modelfleet model sign`: vouch for a saved version in a role."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from modelfleet import keys, signing
from modelfleet.errors import Failure
from modelfleet.options import STORE
from modelfleet.progress import Progress


@click.command("sign")
@click.argument("reference")
@click.option("--role", required=True, help="The role you sign in, such as trainer or approver.")
@click.option("--key", type=click.Path(path_type=Path), help="Your key; else MODELFLEET_KEY, or your only key.")
@click.option("--json", "as_json", is_flag=True, help="Print an object: name, version, digest, role, key, signed, new.")
@STORE
def command(reference: str, role: str, key: Path | None, as_json: bool, store_path: Path | None) -> None:
    """Verify REFERENCE, such as digits:4, and sign it; a key with a passphrase asks for it.

    MODELFLEET_KEY_PASSWORD answers where there is no terminal.
    """
    private = keys.load(keys.find(key), _ask)
    with Progress(f"verifying {reference}"):
        done = signing.sign(reference, private, role, store_path)
    model, signature = done.model, done.signature
    if as_json:
        said = model.named() | {"role": signature.role}
        click.echo(json.dumps(said | {"key": signature.key, "signed": signature.signed, "new": done.new}))
    elif done.new:
        click.echo(f"signed {model.reference} ({model.digest[:19]}) as {role} with the key {signature.key}")
    else:
        click.echo(f"this key signed {model.reference} as {role} on {signature.signed}; nothing was changed")


def _ask(path: Path) -> str:
    if not sys.stdin.isatty():
        raise Failure(str(path), "the key has a passphrase", f"set {keys.PASSWORD}, or run this in a terminal")
    answer: str = click.prompt(f"Passphrase of {path}", hide_input=True, err=True)
    return answer

"""`modelfleet model unsign`: take back who vouched for a saved version."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet import signing
from modelfleet.options import STORE
from modelfleet.progress import Progress


@click.command("unsign")
@click.argument("reference")
@click.option("--role", required=True, help="The role in which it was signed, such as approver.")
@click.option("--key", help="Only the signature by this public key, as `modelfleet model show` prints it.")
@click.option("--json", "as_json", is_flag=True, help="Print an object: name, version, digest, role, keys.")
@STORE
def command(reference: str, role: str, key: str | None, as_json: bool, store_path: Path | None) -> None:
    """Withdraw the signatures of REFERENCE, such as digits:4, in a role; lost ones are given up.

    No private key is needed, and the store's log says who did it. Fleets that demand the role refuse the next deploy;
    what is served already stays.
    """
    with Progress(f"verifying {reference}"):
        model, keys = signing.unsign(reference, role, key, store_path)
    if as_json:
        click.echo(json.dumps(model.named() | {"role": role, "keys": keys}))
        return
    for one in keys:
        click.echo(f"withdrew the signature of {model.reference} ({model.digest[:19]}) as {role} by the key {one}")

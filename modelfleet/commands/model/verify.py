"""`modelfleet model verify`: every byte and every signature of a saved version, and what a fleet demands of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from modelfleet import fleet, signing, store
from modelfleet.check import models
from modelfleet.errors import Failures
from modelfleet.options import STORE
from modelfleet.signing import Demands


@click.command("verify")
@click.argument("reference")
@click.option("--fleet", "fleet_option", metavar="FILE", help="A fleet file, whose demands the model must meet, too.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print an object: name, version, digest, files, signatures, members."
)
@STORE
def command(reference: str, fleet_option: str | None, as_json: bool, store_path: Path | None) -> None:
    """Verify every byte and every signature of REFERENCE, such as digits:4, and say who signed it.

    An ensemble's members are verified, too, and have to be signed as the fleet demands of the ensemble.
    In the JSON a signature has the fields role, key, signed, by, signature, and signer: the name that the fleet
    gives the key, null without a fleet or where the fleet doesn't list it for this role.
    """
    path = fleet.find(fleet_option) if fleet_option else None
    demands = models.demands(path) if path else Demands((), (), ())
    model = store.find(reference, store_path)
    signatures, members = signing.signatures(model), store.members(model, store_path)
    wrong = models.unmet(model, demands, members)
    if wrong:
        raise Failures(wrong)
    if as_json:
        said: dict[str, Any] = model.named()
        entries = [asdict(entry) | {"signer": demands.signer(entry)} for entry in signatures]
        said |= {"files": len(model.files) + 1, "signatures": entries}
        click.echo(json.dumps(said | {"members": [member.reference for member in members]}))
        return
    click.echo(f"{model.reference} is as it was saved: {len(model.files) + 1} files, {model.digest}")
    if members:
        click.echo(f"  so are its members {', '.join(member.reference for member in members)}")
    for entry in signatures:
        signer = demands.signer(entry) or f"the key {entry.key}"
        click.echo(f"  signed as {entry.role} by {signer} on {entry.signed} (account {entry.by})")
    if not signatures:
        click.echo("  nobody signed it")
    if path:
        click.echo(f"  {path} may run it")

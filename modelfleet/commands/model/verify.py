"""`modelfleet model verify`: every byte and every signature of a saved version, and what a fleet demands of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from modelfleet import fleet, signing, store
from modelfleet.check import models
from modelfleet.errors import Failures
from modelfleet.options import STORE
from modelfleet.progress import Progress
from modelfleet.signing import Demands
from modelfleet_service.model import Model
from modelfleet_service.signing import Signature


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
    with Progress(f"verifying {reference}"):
        model = store.find(reference, store_path)
        signatures, members = signing.signatures(model), store.members(model, store_path)
        wrong = models.unmet(model, demands, members)
    if wrong:
        raise Failures(wrong)
    if as_json:
        click.echo(json.dumps(_said(model, signatures, members, demands)))
        return
    for line in _lines(model, signatures, members, demands):
        click.echo(line)
    if path:
        click.echo(f"  {path} may run it")


def _said(model: Model, signatures: Sequence[Signature], members: Sequence[Model], demands: Demands) -> dict[str, Any]:
    return model.named() | {
        "files": len(model.files) + 1,
        "signatures": [asdict(entry) | {"signer": demands.signer(entry)} for entry in signatures],
        "members": [member.reference for member in members],
    }


def _lines(model: Model, signatures: Sequence[Signature], members: Sequence[Model], demands: Demands) -> Iterator[str]:
    yield f"{model.reference} is as it was saved: {len(model.files) + 1} files, {model.digest}"
    if members:
        yield f"  so are its members {', '.join(member.reference for member in members)}"
    for entry in signatures:
        signer = demands.signer(entry) or f"the key {entry.key}"
        yield f"  signed as {entry.role} by {signer} on {entry.signed} (account {entry.by})"
    if not signatures:
        yield "  nobody signed it"

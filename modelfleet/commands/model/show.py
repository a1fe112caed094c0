"""`modelfleet model show`: all that matters of a version, on one screen."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet.options import STORE
from modelfleet.progress import Progress

FIELDS = (
    "name, version, digest, path, size_bytes, aliases, signatures, ensembles, fleets (fleet, services, time, by), "
    "completeness (score, missing), card"
)


@click.command("show")
@click.argument("reference")
@click.option("--json", "as_json", is_flag=True, help=f"Print an object: {FIELDS}.")
@STORE
def command(reference: str, as_json: bool, store_path: Path | None) -> None:
    """Verify REFERENCE, such as digits:4, and show it: its signature, evaluation, signers, and what refers to it.

    The fleets are those whose last recorded deploy has it.
    """
    from modelfleet import showing, tables

    with Progress(f"verifying {reference}"):
        shown = showing.gather(reference, store_path)
    if as_json:
        click.echo(json.dumps(shown.said(), default=str))
        return
    tables.show(*showing.parts(shown))

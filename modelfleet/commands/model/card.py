"""`modelfleet model card`: the card of a version, for people or for programs, and how complete it is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet import store
from modelfleet.options import STORE
from modelfleet_service.model import PAGE


@click.command("card")
@click.argument("reference")
@click.option("--score", is_flag=True, help="Say how complete it is, and what is missing.")
@click.option("--json", "as_json", is_flag=True, help="Print model.yaml as an object; with --score: score, missing.")
@STORE
def command(reference: str, score: bool, as_json: bool, store_path: Path | None) -> None:
    """Print MODEL_CARD.md of REFERENCE, such as digits:4."""
    model = store.find(reference, store_path)
    if score:
        _score(model.reference, model.card, as_json)
    elif as_json:
        click.echo(json.dumps(model.card, default=str))
    else:
        click.echo((model.path / PAGE).read_text(), nl=False)


def _score(reference: str, card: dict[str, object], as_json: bool) -> None:
    from modelfleet.saving import completeness

    share, lacks = completeness.score(card)
    if as_json:
        click.echo(json.dumps({"score": share, "missing": lacks}))
        return
    click.echo(f"{reference}: the card is {share} % complete")
    for field in lacks:
        click.echo(f"  missing: {field}")

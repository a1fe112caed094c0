"""`modelfleet model schema`: what a model.yaml may say, as JSON Schema."""

from __future__ import annotations

import json

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of the card, model.yaml; docs/model.schema.json is the same."""
    from modelfleet.saving.card import Card

    click.echo(json.dumps(Card.model_json_schema(), indent=2, ensure_ascii=False))

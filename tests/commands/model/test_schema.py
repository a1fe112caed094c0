"""`modelfleet model schema`: the card as a JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from modelfleet.saving.card import Card
from modelfleet.tree import ROOT
from tests.commands.model.conftest import Run, Said


def test_the_schema_is_the_one_that_is_published(run: Run) -> None:
    published = (ROOT / "docs/model.schema.json").read_text()
    assert json.loads(published) == Card.model_json_schema()
    assert run(ROOT, "schema").stdout == published


def test_a_saved_card_is_valid_by_the_schema_and_a_misspelt_one_is_not(said: Said, rivals: Path) -> None:
    schema, card = json.loads((ROOT / "docs/model.schema.json").read_text()), said(rivals, "card", "leaves:2")
    jsonschema.validate(card, schema)
    with pytest.raises(jsonschema.ValidationError, match="algoritm"):
        jsonschema.validate(card | {"algoritm": "x"}, schema)

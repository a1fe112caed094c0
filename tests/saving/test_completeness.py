"""How complete a card is: a field that says nothing is missing, and the score is the share of those that speak."""

from __future__ import annotations

from typing import Any

import pytest

from modelfleet.saving import completeness

FULL: dict[str, Any] = {
    **dict.fromkeys(("author", "algorithm", "description", "intended_use", "limits", "license"), "said"),
    "parameters": {"alpha": 0.0},
    "libraries": {"numpy": "2.0"},
    "training_data": {"name": "iris", "location": "here", "rows": 0, "digest": "00"},
    "evaluation": [{"metric": "accuracy", "data_set": "iris", "value": 0.9}],
    "signature": {"inputs": [{"name": "a", "unit": "cm"}, {"name": "b", "description": "the colour"}]},
}


def test_a_full_card_scores_100_and_an_empty_one_0() -> None:
    assert completeness.score(FULL) == (100, [])
    percent, lacks = completeness.score({})
    assert (percent, lacks) == (0, [*completeness.FIELDS, completeness.DESCRIBED])


@pytest.mark.parametrize("field", [field for field in completeness.FIELDS if "." not in field])
def test_each_field_counts_and_is_named_where_it_is_missing(field: str) -> None:
    card = {name: value for name, value in FULL.items() if name != field}
    assert completeness.score(card) == (100 * 13 // 14, [field])


def test_one_input_without_unit_or_description_counts() -> None:
    card = FULL | {"signature": {"inputs": [{"name": "a", "unit": "cm"}, {"name": "b", "unit": ""}]}}
    assert completeness.score(card) == (92, [completeness.DESCRIBED])


@pytest.mark.parametrize("value", [None, "", " \n", [], {}])
def test_what_says_nothing_is_missing(value: Any) -> None:
    assert completeness.missing({"limits": value}, ["limits"]) == ["limits"]


@pytest.mark.parametrize("value", [0, 0.0, False, "x", [0]])
def test_zero_and_false_say_something(value: Any) -> None:
    assert completeness.missing({"limits": value}, ["limits"]) == []


def test_a_path_leads_into_parts_and_into_names_with_dots() -> None:
    card = {"training_data": {"rows": 3}, "parameters": {"step.alpha": 1}, "limits": "text"}
    paths = ["training_data.rows", "parameters.step.alpha", "limits.more", "training_data.digest"]
    assert completeness.missing(card, paths) == ["limits.more", "training_data.digest"]


def test_every_counted_field_is_one_that_a_card_can_have() -> None:
    known = completeness.paths()
    assert [field for field in completeness.FIELDS if not completeness.exists(field, known)] == []

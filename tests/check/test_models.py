"""What a fleet demands of models: unmet demands are named with their cure, impossible ones before any model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelfleet.check import models
from modelfleet.errors import Failure
from modelfleet.signing import Demands
from modelfleet_service.model import Model
from tests.signing import entry, public, sign, small_model

BOTH = ["trainer", "approver"]


def impossible(**settings: Any) -> list[str]:
    """Check the demands alone."""
    return [str(failure) for failure in models.impossible(Path("fleet.yml"), Demands.of(settings))]


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A small model, digits:3, whose card has hardly a field."""
    return small_model(tmp_path / "digits/3")


def unmet(model: Model, **settings: Any) -> list[str]:
    """Check one model against the demands."""
    return [str(failure) for failure in models.unmet(model, Demands.of(settings))]


def test_a_fleet_that_demands_nothing_runs_a_model_that_nobody_signed(model: Model) -> None:
    assert (impossible(), unmet(model)) == ([], [])


def test_every_missing_field_is_named_in_one_line(model: Model) -> None:
    (said,) = unmet(model, models_required_fields=["name", "evaluation", "training_data.digest", "limits"])
    assert said.startswith("digits:3: its card lacks evaluation, training_data.digest, limits, which")


def test_a_missing_signature_is_named_with_its_role_the_keys_allowed_and_the_command(model: Model) -> None:
    sign(model, ann="trainer")
    keys = [entry("ann", "trainer"), entry("bea", BOTH), entry("cid", "approver")]
    (said,) = unmet(model, models_keys=keys, models_required_roles=BOTH)
    assert "digits:3: no signature as approver by bea or cid" in said
    assert "; have it signed: `modelfleet model sign digits:3 --role approver`" in said


def test_a_model_that_was_signed_in_each_role_is_accepted(model: Model) -> None:
    sign(model, ann="trainer", cid="approver")
    keys = [entry("ann", "trainer"), entry("cid", "approver")]
    assert unmet(model, models_keys=keys, models_required_roles=BOTH) == []


def test_a_member_that_nobody_signed_does_not_slip_in_with_a_signed_ensemble(model: Model, tmp_path: Path) -> None:
    member = small_model(tmp_path / "zeros/1", "zeros", 1)
    sign(model, ann="trainer")
    demands = Demands.of({"models_keys": [entry("ann", "trainer")], "models_required_roles": ["trainer"]})
    (said,) = [str(failure) for failure in models.unmet(model, demands, [member])]
    assert said.startswith("zeros:1, a member of digits:3: no signature as trainer by ann")
    sign(member, ann="trainer")
    assert models.unmet(model, demands, [member]) == []


def test_a_false_signature_is_refused_even_where_none_is_demanded(model: Model) -> None:
    (model.path / "manifest.sig").write_text("{}")
    with pytest.raises(Failure, match=r"manifest\.sig: was altered"):
        unmet(model)


@pytest.mark.parametrize("key", ["", "AAAA", public("ann")[:-1], public("ann") + "=", "ssh-ed25519 AAAAC3Nz", "ä" * 44])
def test_what_is_no_public_key_is_refused(key: str) -> None:
    (said,) = impossible(models_keys=[{"name": "ann", "role": "trainer", "key": key}])
    assert said.startswith("fleet.yml: models_keys.ann: the key is no Ed25519 public key")


IMPOSSIBLE = [
    ([entry("ann", "trainer"), entry("ann", "trainer") | {"name": "bea"}], [], "models_keys.bea: has the key of ann"),
    ([entry("ann", "trainer"), entry("bea", "approver") | {"name": "ann"}], [], "models_keys.ann: two keys have this"),
    ([entry("ann", [])], [], "models_keys.ann: has no role"),
    ([entry("ann", "trainer")], ["trianer"], "has the role trianer; did you mean trainer?"),
    ([], ["trainer"], "no key in models_keys has the role trainer; list the keys"),
    ([entry("ann", BOTH)], BOTH, "trainer, approver can't all be signed, since one key counts for one role"),
]


@pytest.mark.parametrize(("keys", "roles", "said"), IMPOSSIBLE, ids=[said for *_, said in IMPOSSIBLE])
def test_demands_that_no_model_can_meet_are_refused(keys: list[dict[str, Any]], roles: list[str], said: str) -> None:
    (found,) = impossible(models_keys=keys, models_required_roles=roles)
    assert said in found


@pytest.mark.parametrize(
    "field", ["limits", "training_data.rows", "parameters.max_iter", "evaluation", "scoring.runtime"]
)
def test_a_field_that_a_card_can_have_may_be_demanded(field: str) -> None:
    assert impossible(models_required_fields=[field]) == []


@pytest.mark.parametrize(
    ("field", "meant"),
    [("limit", "limits"), ("training_data.digset", "training_data.digest"), ("evaluation.metric", ""), ("tags.x", "")],
)
def test_a_field_that_no_card_can_have_is_refused_with_what_was_meant(field: str, meant: str) -> None:
    (said,) = impossible(models_required_fields=[field])
    assert f"no card has a field {field}; " in said
    assert f"did you mean {meant}" in said

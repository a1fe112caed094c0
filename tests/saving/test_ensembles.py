"""Ensembles: each combination answers what its members' own answers say, and members that don't agree are refused."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from numpy.typing import NDArray

import modelfleet
from modelfleet import saving
from modelfleet import store as stores
from modelfleet.commands.model.combine import command
from modelfleet.errors import Failure, Failures
from modelfleet.saving import Inputs, Wish, locks
from modelfleet_service import model as models
from modelfleet_service.errors import ModelError, RequestError
from modelfleet_service.runtimes import Runtime, ensemble, open_runtime
from modelfleet_service.scorer import Scorer, load
from tests.ensembles import COLUMNS, IRIS, ROWS

FLOWERS = [dict(zip(COLUMNS, row, strict=True)) for row in IRIS.data[::3].tolist()]
NUMBERS = ROWS.tolist()
PAIR = ["flowers:1", "roses:1"]
VALUES = ["squares:1", "cubes:1"]


@pytest.fixture(scope="module")
def home(ensembles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the store of what can be combined, to save ensembles in."""
    return Path(shutil.copytree(ensembles, tmp_path_factory.mktemp("ensembles") / "store"))


@pytest.fixture(scope="module")
def scorer(home: Path) -> Callable[[str], Scorer]:
    """Load a version as a host does."""
    return lambda reference: load(stores.find(reference, home), members=lambda digest: stores.by_digest(digest, home))


def shares(scorer: Scorer, instances: list[Any] = FLOWERS) -> NDArray[np.float64]:
    """A classifier's probabilities in alphabetical order of the classes."""
    return np.array(
        [[one["probabilities"][name] for name in sorted(IRIS.target_names)] for one in scorer.predict(instances)]
    )


def values(scorer: Scorer) -> NDArray[np.float64]:
    """A regressor's values."""
    return np.array([one["value"] for one in scorer.predict(NUMBERS)])


def test_the_members_have_their_classes_in_different_orders(home: Path) -> None:
    """So that the comparisons below say something."""
    one, other = (stores.find(reference, home).signature["classes"] for reference in PAIR)
    assert one == other[::-1]


def test_mean_is_the_mean_of_the_probabilities_class_by_class(scorer: Callable[[str], Scorer]) -> None:
    expected = np.mean([shares(scorer(one)) for one in PAIR], axis=0)
    assert np.allclose(shares(scorer("both:1")), expected, atol=1e-6)
    labels = [one["label"] for one in scorer("both:1").predict(FLOWERS)]
    assert labels == np.array(sorted(IRIS.target_names))[expected.argmax(axis=1)].tolist()


def test_weights_are_a_weighted_mean_of_values(home: Path, scorer: Callable[[str], Scorer]) -> None:
    modelfleet.combine("weighed", members=VALUES, how="weights", weights=[3, 1], store_path=home)
    expected = (3 * values(scorer("squares:1")) + values(scorer("cubes:1"))) / 4
    assert np.allclose(values(scorer("weighed:1")), expected, atol=1e-5)


def test_a_vote_is_the_share_of_the_members_that_say_so(home: Path, scorer: Callable[[str], Scorer]) -> None:
    """A tie goes to the higher mean probability; both:1, itself an ensemble, is a third member."""
    modelfleet.combine("voted", members=[*PAIR, "both:1"], how="vote", store_path=home)
    names = np.array(sorted(IRIS.target_names))
    said = [np.array([row["label"] for row in scorer(one).predict(FLOWERS)]) for one in (*PAIR, "both:1")]
    votes = np.mean([one[:, None] == names for one in said], axis=0)
    assert np.allclose(shares(scorer("voted:1")), votes)
    got = np.array([row["label"] for row in scorer("voted:1").predict(FLOWERS)])
    clear = votes.max(axis=1) > 0.5
    assert clear.any()
    assert (got[clear] == names[votes.argmax(axis=1)][clear]).all()


def test_a_tied_vote_goes_to_the_higher_mean_probability(home: Path, scorer: Callable[[str], Scorer]) -> None:
    modelfleet.combine("tied", members=PAIR, how="vote", store_path=home)
    names = np.array(sorted(IRIS.target_names))
    apart = shares(scorer("tied:1")).max(axis=1) == 0.5
    assert apart.any()
    means = np.mean([shares(scorer(one)) for one in PAIR], axis=0)
    got = np.array([row["label"] for row in scorer("tied:1").predict(FLOWERS)])
    assert (got[apart] == names[means.argmax(axis=1)][apart]).all()


def test_stacking_answers_as_the_final_model_does_on_the_stack(home: Path, scorer: Callable[[str], Scorer]) -> None:
    modelfleet.combine("stacked", members=PAIR, how="stacking", final="judge:1", store_path=home)
    stack = modelfleet.stack(PAIR, IRIS.data[::3], store_path=home)
    assert np.allclose(stack, np.hstack([shares(scorer(one)) for one in PAIR]), atol=1e-6)
    assert np.allclose(shares(scorer("stacked:1")), shares(scorer("judge:1"), stack.tolist()), atol=1e-6)


def test_a_route_on_a_field_of_its_own_answers_as_the_member_of_each_instance(
    home: Path, scorer: Callable[[str], Scorer]
) -> None:
    routes = {"north": "squares:1", "south": "cubes:1"}
    modelfleet.combine("routed", how="route", field="region", routes=routes, store_path=home)
    names = ["north" if number % 3 else "south" for number in range(len(NUMBERS))]
    instances = [{"features": row, "region": name} for row, name in zip(NUMBERS, names, strict=True)]
    expected = np.where(np.array(names) == "north", values(scorer("squares:1")), values(scorer("cubes:1")))
    assert np.allclose([one["value"] for one in scorer("routed:1").predict(instances)], expected, atol=1e-5)
    instances[7]["region"] = "west"
    with pytest.raises(RequestError, match="expected one of 'north', 'south', got 'west'") as caught:
        scorer("routed:1").predict(instances)
    assert (caught.value.status, caught.value.field) == (422, "instances[7].region")
    with pytest.raises(RequestError, match="expected text, got nothing"):
        scorer("routed:1").predict([{"features": NUMBERS[0]}])


def test_all_other_values_go_to_the_default(home: Path, scorer: Callable[[str], Scorer]) -> None:
    """The default, both:1, has its classes in another order than the member that comes first."""
    routes = {"DE": "roses:1", "AT": "roses:1"}
    modelfleet.combine("sent", how="route", field="country", routes=routes, default="both:1", store_path=home)
    instances = [one | {"country": ["DE", "AT", "FR"][number % 3]} for number, one in enumerate(FLOWERS)]
    other = (np.arange(len(FLOWERS)) % 3 == 2)[:, None]
    expected = np.where(other, shares(scorer("both:1")), shares(scorer("roses:1")))
    assert np.allclose(shares(scorer("sent:1"), instances), expected, atol=1e-6)
    kept = {row.instance["country"] for row in stores.find("sent:1", home).golden}
    assert kept == {"DE", "AT", "other"}


def test_an_unrouted_instance_in_an_ensemble_of_ensembles_is_named_by_its_place_in_the_request(
    home: Path, scorer: Callable[[str], Scorer]
) -> None:
    for name in ("inner", "twin"):
        routes = {"a": "squares:1", name: "cubes:1"}
        modelfleet.combine(name, how="route", field="letter", routes=routes, store_path=home)
    routes = {"x": "inner:1", "y": "twin:1"}
    modelfleet.combine("outer", how="route", field="side", routes=routes, store_path=home)
    letters, sides = ["a", "a", "twin", "inner"], ["x", "y", "y", "y"]
    instances = [{"features": NUMBERS[0], "letter": one, "side": two} for one, two in zip(letters, sides, strict=True)]
    with pytest.raises(RequestError, match="got 'inner'") as caught:
        scorer("outer:1").predict(instances)
    assert caught.value.field == "instances[3].letter"


def test_an_ensemble_is_a_version_with_a_card_a_golden_set_and_the_locks_of_its_members(home: Path) -> None:
    found = stores.find("both:1", home)
    members = [stores.find(one, home) for one in PAIR]
    assert [one["digest"] for one in found.card["ensemble"]["members"]] == [one.digest for one in members]
    assert len(found.golden) == 24
    assert found.memory_bytes > 50_000_000
    lock = (found.path / "requirements-3.11.lock").read_text()
    assert [name for name in ("numpy==", "skops==", "onnxruntime==") if lock.count(f"\n{name}") != 1] == []
    assert "flowers:1 (sha256:" in (found.path / "MODEL_CARD.md").read_text()
    assert next(one for one in stores.entries("both", home)).members == tuple(one.digest for one in members)


def test_an_alias_stands_for_the_version_that_it_points_to_when_it_is_combined(home: Path) -> None:
    stores.set_alias("flowers", "champion", 1, home)
    arguments = ["aliased", "--how", "weights", "--member", "flowers@champion=1", "--member", "roses:1=2"]
    done = CliRunner().invoke(command, [*arguments, "--json", "--store", str(home)], catch_exceptions=False)
    said = json.loads(done.stdout)
    assert (said["name"], said["version"], done.exit_code) == ("aliased", 1, 0)
    assert [(one["name"], one["version"], one["role"]) for one in said["members"]] == [
        ("flowers", 1, "member"),
        ("roses", 1, "member"),
    ]
    assert said["members"][0]["digest"] == stores.find("flowers:1", home).digest


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"how": "median", "members": PAIR}, "how: 'median' is none; use one of mean"),
    ({"how": "mean"}, "members: missing; name two or more"),
    ({"how": "mean", "members": ["flowers:1"]}, "members: there is only flowers:1"),
    ({"how": "mean", "members": ["flowers:1", "flowers:1"]}, "flowers:1 is listed twice"),
    ({"how": "mean", "members": ["flowers:1", "flowers:9"]}, "flowers:9: the store .* lacks it"),
    ({"how": "mean", "members": ["flowers:1", "squares:1"]}, "squares:1: its inputs are not those of flowers:1"),
    ({"how": "mean", "members": PAIR, "weights": [1, 2]}, "weights: given, and"),
    ({"how": "weights", "members": PAIR}, "weights: missing; give each member one"),
    ({"how": "weights", "members": PAIR, "weights": [1]}, "weights: there are 1 for 2 members"),
    ({"how": "weights", "members": PAIR, "weights": [1, 0]}, "weights.roses:1: 0 is not positive"),
    ({"how": "vote", "members": VALUES}, "vote: squares:1 is no classifier"),
    ({"how": "stacking", "members": PAIR}, "final: missing"),
    ({"how": "stacking", "members": VALUES, "final": "judge:1"}, "it takes 6 values where the members answer 2"),
    ({"how": "route", "routes": {"a": "cubes:1"}}, "field: missing"),
    ({"how": "route", "field": "features", "routes": {"a": "cubes:1"}}, "features: holds several values"),
    ({"how": "route", "field": "petal width", "routes": {"a": "roses:1"}}, "routes.a: is no value of petal width"),
    ({"how": "route", "field": "x", "routes": {"a": "cubes:1", 1: "squares:1"}}, "routes: are values of several types"),
    ({"how": "mean", "members": PAIR, "bogus": 1}, "card.bogus: "),
    ({"how": "mean", "members": VALUES, "inputs": [[1.0, 2.0]]}, r"inputs.instances\[0\]: expected 3 numbers, got 2"),
]


@pytest.mark.parametrize(("asked", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_can_t_be_combined_is_refused_in_a_line_and_nothing_is_saved(
    home: Path, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(Failure, match=said) as caught:
        modelfleet.combine("never", store_path=home, **asked)
    assert "; " in str(caught.value)
    assert stores.versions("never", home) == []


@pytest.mark.parametrize("act", ["1 / 0", "raise SystemExit(0)"])
def test_a_member_whose_code_fails_on_an_example_is_refused_in_a_line(tmp_path: Path, act: str) -> None:
    text = (
        "class Scorer:\n    def __init__(self, folder): pass\n    def predict(self, batch):\n"
        f"        if batch['features'].max() > 2: {act}\n        return {{'sum': batch['features'].sum(axis=1)}}\n"
    )
    (tmp_path / "code").mkdir()
    (tmp_path / "code/scorer.py").write_text(text)
    for name in ("one", "two"):
        saving.save_code(
            tmp_path / "code", "scorer:Scorer", Inputs.of([[0.0, 1.0]]), {}, Wish(name, tmp_path / "store")
        )
    asked: dict[str, Any] = {"inputs": [[3.0, 1.0]], "python_code": True, "store_path": tmp_path / "store"}
    with pytest.raises(Failure, match=r"^inputs: a member can't score them \(.*\); give examples"):
        modelfleet.combine("never", how="mean", members=["one:1", "two:1"], **asked)
    with pytest.raises(Failure, match=r"^inputs: a member can't score them \(.*\); give examples"):
        modelfleet.stack(["one:1", "two:1"], **asked)


def test_examples_that_no_member_takes_are_refused_where_there_is_no_default(home: Path) -> None:
    rows = {"features": ROWS, "region": ["north"] * 5 + ["west"] + ["north"] * 34}
    with pytest.raises(Failure, match=r"inputs\.instances\[5\]\.region: expected one of 'north', got 'west'"):
        modelfleet.combine(
            "never", how="route", field="region", routes={"north": "cubes:1"}, inputs=rows, store_path=home
        )


def locked(folder: Path, version: str) -> models.Model:
    """A model that is a lock and a card."""
    folder.mkdir()
    (folder / "requirements-3.11.lock").write_text(f"numpy=={version} \\\n    --hash=sha256:{version}\n")
    return models.Model(folder, "", (), {"name": folder.name, "version": 1})


def test_members_that_pin_two_versions_of_a_package_can_t_live_in_one_environment(tmp_path: Path) -> None:
    one, other = locked(tmp_path / "one", "1.26"), locked(tmp_path / "other", "2.0")
    with pytest.raises(Failure, match=r"numpy: one:1 pins numpy==1\.26 and other:1 pins numpy==2\.0; they must live"):
        locks.union(tmp_path, [one, other])


def test_a_member_that_an_ensemble_has_can_t_be_deleted(home: Path) -> None:
    with pytest.raises(Failures, match="flowers:1: the ensemble both:1 has it as a member"):
        stores.delete("flowers:1", home)
    assert stores.find("flowers:1", home)


def test_an_ensemble_without_its_member_or_with_another_one_in_its_place_is_not_loaded(home: Path) -> None:
    ensemble = stores.find("both:1", home)
    with pytest.raises(ModelError, match="the member is not at hand"):
        load(ensemble)
    with pytest.raises(ModelError, match="where the ensemble has sha256:"):
        load(ensemble, members=lambda _: stores.find("roses:1", home))


def test_a_member_that_is_reached_by_two_paths_is_loaded_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card, both = yaml.safe_load((home / "both/1/model.yaml").read_text()), stores.find("both:1", home)
    card["ensemble"]["members"].append({"name": "both", "version": 1, "digest": both.digest})
    opened: list[str] = []

    def counted(model: models.Model, *rest: Any) -> Runtime:
        opened.append(model.reference)
        return open_runtime(model, *rest)

    monkeypatch.setattr(ensemble, "open_runtime", counted)
    load(models.Model(home / "both/1", "", (), card), members=lambda digest: stores.by_digest(digest, home))
    assert sorted(opened) == ["both:1", "flowers:1", "roses:1"]


def test_a_member_whose_digest_is_a_path_is_not_looked_for(home: Path) -> None:
    card = yaml.safe_load((home / "both/1/model.yaml").read_text())
    card["ensemble"]["members"][0]["digest"] = "sha256:../../../etc"
    with pytest.raises(ModelError, match="which is no digest"):
        load(models.Model(home / "both/1", "", (), card), members=lambda _: pytest.fail("was looked for"))


def test_a_member_that_is_deleted_while_it_becomes_one_is_refused_and_nothing_is_saved(
    ensembles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delete comes between the trial of the ensemble and its publishing."""
    store = Path(shutil.copytree(ensembles, tmp_path / "store"))

    def prove(*arguments: Any) -> int:
        stores.delete("cubes:1", store)
        return 1

    monkeypatch.setattr(importlib.import_module("modelfleet.saving.finish"), "prove", prove)
    with pytest.raises(Failure, match="cubes:1: was deleted while it became a member; nothing was saved"):
        modelfleet.combine("late", members=VALUES, how="mean", store_path=store)
    assert stores.versions("late", store) == []
    assert not list((store / "late").glob(".incoming*"))

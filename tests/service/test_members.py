"""A release of an ensemble: its members are read from the release, verified and trusted before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet_service import model as models
from modelfleet_service import release
from modelfleet_service.app import create_app
from modelfleet_service.errors import ModelError
from modelfleet_service.members import place
from modelfleet_service.model import Model
from modelfleet_service.release import open_release
from tests.service.conftest import INSTANCE, make_release
from tests.signing import entry, sign

DEMANDS = {"keys": [entry("ann", "trainer")], "roles": ["trainer"]}


@pytest.fixture
def members(ensembles: Path) -> list[Model]:
    """The members of both:1."""
    return stores.members(stores.find("both:1", ensembles), ensembles)


@pytest.fixture
def folder(ensembles: Path, members: list[Model], tmp_path: Path) -> Path:
    """A release of both:1."""
    return make_release(tmp_path / "release", ensembles / "both/1", members)


def test_a_release_of_an_ensemble_serves_with_the_members_that_it_brings(folder: Path) -> None:
    client = create_app(open_release(folder)).test_client()
    answer = client.post("/models/both/predict", json={"instances": [INSTANCE]})
    assert answer.status_code == 200
    assert json.loads(answer.data)["predictions"][0]["label"] == "setosa"
    assert answer.headers["X-Model-Version"] == "both:1"


def test_a_release_whose_member_was_altered_is_not_loaded(folder: Path, members: list[Model]) -> None:
    path = place(folder, members[1].digest) / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match=r"members/[0-9a-f]{64}/model\.onnx"):
        open_release(folder)


def test_a_release_whose_member_is_missing_is_not_loaded(folder: Path, members: list[Model]) -> None:
    place(folder, members[0].digest).rename(folder / "elsewhere")
    with pytest.raises(ModelError, match=r"members/[0-9a-f]{64}/manifest\.json"):
        open_release(folder)


def test_a_release_with_another_model_in_a_member_s_place_is_not_loaded(folder: Path, members: list[Model]) -> None:
    one, other = (place(folder, member.digest) for member in members)
    one.rename(folder / "elsewhere")
    other.rename(one)
    with pytest.raises(ModelError, match="where the ensemble has sha256:"):
        open_release(folder)


def test_a_signed_ensemble_with_a_member_that_nobody_signed_is_not_loaded(
    ensembles: Path, members: list[Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_release(tmp_path / "signed", ensembles / "both/1", members, signing=DEMANDS)
    sign(models.read(folder / "model"), ann="trainer")
    sign(models.read(place(folder, members[0].digest)), ann="trainer")
    with monkeypatch.context() as patched:
        patched.setattr(release, "load", lambda *_: pytest.fail("the artefact was loaded"))
        with pytest.raises(ModelError, match=r"members/.*manifest\.sig: is missing: no valid signature as trainer"):
            open_release(folder)
    sign(models.read(place(folder, members[1].digest)), ann="trainer")
    assert open_release(folder).model.reference == "both:1"

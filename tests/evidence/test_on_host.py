"""What is looked at on a host: the files of the model that is served, and its signatures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelfleet import wheels
from modelfleet.evidence import on_host
from tests.signing import sign, small_model


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release on a host whose model somebody signed."""
    model = small_model(tmp_path / "release/model")
    sign(model, ann="trainer")
    files = [{"name": path.name, "sha256": wheels.digest(path)} for path in model.path.iterdir()]
    (tmp_path / "release/release.json").write_text(json.dumps({"model_files": files}))
    return tmp_path / "release"


def test_a_release_as_it_was_shipped_has_nothing_altered(release: Path) -> None:
    assert on_host.altered(release) == []


@pytest.mark.parametrize("name", ["model.yaml", "manifest.sig"])
def test_an_altered_or_missing_file_is_named(release: Path, name: str) -> None:
    path = release / "model" / name
    path.write_bytes(path.read_bytes() + b" ")
    assert on_host.altered(release) == [name]
    path.unlink()
    assert on_host.altered(release) == [name]


def test_signatures_that_were_not_shipped_are_named(release: Path) -> None:
    (release / "release.json").write_text(json.dumps({"model_files": []}))
    assert on_host.altered(release) == ["manifest.sig"]

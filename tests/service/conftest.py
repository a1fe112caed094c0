"""The service of the model `flowers`, as a Flask test client and as a release's folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from modelfleet_service import model
from modelfleet_service.app import create_app
from modelfleet_service.members import place
from modelfleet_service.model import Model
from modelfleet_service.release import open_release

INSTANCE = {"sepal length": 5.1, "sepal width": 3.5, "petal length": 1.4, "petal width": 0.2}


def make_release(folder: Path, source: Path, members: Iterable[Model] = (), **settings: Any) -> Path:
    """Lay out a release's folder as a host has it."""
    shutil.copytree(source, folder / "model")
    for member in members:
        shutil.copytree(member.path, place(folder, member.digest))
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    read = model.read(folder / "model")
    said = {"name": read.name, "version": read.version, "digest": read.digest}
    limits = {"max_body_bytes": 100_000, "max_instances": 100}
    document = {"service": read.name, "release": "0123456789ab", "model": said, "settings": limits | settings}
    (folder / "release.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def release_folder(store: Path, tmp_path: Path) -> Path:
    """A release of flowers:1."""
    return make_release(tmp_path / "release", store / "flowers/1")


@pytest.fixture
def client(store: Path, tmp_path: Path) -> FlaskClient:
    """A client of the service, with small limits."""
    folder = make_release(tmp_path / "small", store / "flowers/1", max_body_bytes=4000, max_instances=5)
    return create_app(open_release(folder)).test_client()

"""Two small saved models, shared by the whole session: `flowers`, skops with columns, and `squares`, ONNX."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge

import modelfleet
from modelfleet.store import disk
from tests import ensembles as combinations
from tests import rivals as versions
from tests.store.tiny import publish

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Processes that tests start keep the bytecode of what they import: without it each compiles scikit-learn anew."""


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with flowers:1 and squares:1; made once, also by workers side by side. Read-only by agreement."""
    return _shared(tmp_path_factory, "store", "squares/1", _both)


@pytest.fixture(scope="session")
def rivals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with leaves:1 to 3 and slopes:1 and 2, which tests/rivals.py saves. Read-only by agreement."""
    return _shared(tmp_path_factory, "rivals", "slopes/2", versions.save)


@pytest.fixture(scope="session")
def ensembles(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of what can be combined, and both:1, an ensemble; see tests/ensembles.py. Read-only by agreement."""
    return _shared(tmp_path_factory, "ensembles", "both/1", lambda place: combinations.make(store, place))


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A store with many:1 to many:3, which are tiny."""
    store = tmp_path / "three"
    assert [publish(store) for _ in range(3)] == [1, 2, 3]
    return store


@pytest.fixture
def everyone_s() -> Iterator[Path]:
    """A folder that every user may write to, also below a temporary folder that is root's alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    disk.remove(folder)


@pytest.fixture
def copied(store: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copy a model's folder, writable, and return the copy."""

    def copy(reference: str) -> Path:
        name, version = reference.split(":")
        target = tmp_path / "copy" / name / version
        shutil.copytree(store / name / version, target)
        for path in [target, *target.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        return target

    return copy


def _shared(factory: pytest.TempPathFactory, name: str, last: str, make: Callable[[Path], object]) -> Path:
    """Make a store once a run, also where workers ask for it side by side; ``last`` is what is made last in it."""
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"shared-{name}"
    with FileLock(f"{shared}.lock"):
        if not (shared / last).exists():
            shutil.rmtree(shared, ignore_errors=True)
            make(shared)
    return shared


def _both(store: Path) -> None:
    _flowers(store)
    _squares(store)


def _flowers(store: Path) -> None:
    data = load_iris()
    columns = ["sepal length", "sepal width", "petal length", "petal width"]
    classifier = LogisticRegression(max_iter=500).fit(data.data, data.target_names[data.target])
    evaluation = [{"metric": "accuracy", "data_set": "iris, the training data", "value": 0.97}]
    modelfleet.save(
        classifier,
        "flowers",
        inputs=data.data[::3],
        feature_names=columns,
        format="skops",
        evaluation=evaluation,
        training_data={"name": "iris", "rows": 150},
        intended_use="tests",
        store_path=store,
    )


def _squares(store: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3))
    modelfleet.save(Ridge().fit(rows, rows @ [1.0, 2.0, 3.0]), "squares", inputs=rows, format="onnx", store_path=store)

"""A store of tiny versions, and no fleet file of this checkout in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelfleet.store import references
from tests.store.tiny import publish


@pytest.fixture(autouse=True)
def inventory(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory folder that is empty at first; no MODELFLEET_FLEET."""
    folder = tmp_path_factory.mktemp("inventory")
    monkeypatch.setattr(references, "INVENTORY", folder)
    monkeypatch.delenv("MODELFLEET_FLEET", raising=False)
    return folder


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A store with many:1 to many:3."""
    store = tmp_path / "three"
    assert [publish(store) for _ in range(3)] == [1, 2, 3]
    return store

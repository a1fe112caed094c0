"""`modelfleet model`, as a person types it, on the store of rivals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelfleet.fleet import BIN

Run = Callable[..., subprocess.CompletedProcess[str]]
Said = Callable[..., Any]


@pytest.fixture(scope="session")
def run() -> Run:
    """Run `modelfleet model` on a store."""

    def call(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(BIN / "modelfleet"), "model", *arguments]
        variables = os.environ | {"MODELFLEET_STORE": str(store)}
        return subprocess.run(command, capture_output=True, text=True, env=variables)

    return call


@pytest.fixture(scope="session")
def said(run: Run) -> Said:
    """Run it with --json and read what it says."""

    def call(store: Path, *arguments: str) -> Any:
        done = run(store, *arguments, "--json")
        assert done.returncode in (0, 3), done.stderr
        return json.loads(done.stdout)

    return call


@pytest.fixture
def own(rivals: Path, tmp_path: Path) -> Path:
    """A store of its own, with leaves and slopes."""
    shutil.copytree(rivals, tmp_path / "own")
    return tmp_path / "own"

"""`modelfleet model export`: what was written is said, and nothing is written over."""

from __future__ import annotations

import json
from pathlib import Path

from modelfleet import store as stores
from tests.commands.model.conftest import Run, Said


def test_export_writes_and_has_the_words_that_are_documented(said: Said, store: Path, tmp_path: Path) -> None:
    target = tmp_path / "flowers.cdx.json"
    found = said(store, "export", "flowers:1", "--as", "cyclonedx", "--to", str(target))
    digest = stores.find("flowers:1", store).digest
    named = {"name": "flowers", "version": 1, "digest": digest}
    assert found == named | {"format": "cyclonedx", "path": str(target)}
    assert json.loads(target.read_text())["bomFormat"] == "CycloneDX"


def test_what_is_there_already_stays_and_is_named(run: Run, store: Path, tmp_path: Path) -> None:
    done = run(store, "export", "flowers:1", "--as", "mlflow", "--to", str(tmp_path))
    said = f"{tmp_path}: is there already; give a path where nothing is\n"
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (1, said, [])

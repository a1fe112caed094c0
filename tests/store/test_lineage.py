"""Ensembles behind their members: told by the newest version of each member's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.store import fsck
from modelfleet.store.lineage import Behind, behind
from tests.store.tiny import publish


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A store with both:1, an ensemble of a:1 and b:1."""
    for name in ("a", "b"):
        publish(tmp_path, name)
    publish(tmp_path, "both", members(tmp_path, "a", "b"))
    return tmp_path


def members(store: Path, *names: str) -> str:
    """Write the part of a card that names the first versions of some names as members."""
    lines = [f"  - {{name: {name}, version: 1, digest: '{stores.entries(name, store)[0].digest}'}}" for name in names]
    return "\n".join(["ensemble:", "  combine: mean", "  members:", *lines, ""])


def test_an_ensemble_of_the_newest_versions_is_not_behind(pair: Path) -> None:
    assert behind(pair) == []


def test_an_ensemble_is_behind_the_member_that_has_a_newer_version(pair: Path) -> None:
    publish(pair, "b")
    publish(pair, "b")
    assert behind(pair) == [Behind("both:1", "b:1", "b:3")]


def test_an_ensemble_that_holds_the_newest_version_beside_an_older_one_is_not_behind(tmp_path: Path) -> None:
    publish(tmp_path, "a")
    publish(tmp_path, "a")
    digests = [entry.digest for entry in stores.entries("a", tmp_path)]
    lines = [f"  - {{name: a, version: {number}, digest: '{one}'}}" for number, one in enumerate(digests, 1)]
    publish(tmp_path, "both", "\n".join(["ensemble:", "  combine: mean", "  members:", *lines, ""]))
    assert behind(tmp_path) == []


def test_a_member_that_no_version_has_is_a_finding_that_names_the_ensemble(pair: Path) -> None:
    assert [one for one in fsck.check(pair) if one.kind == "member"] == []
    folder = pair / "b/1"
    folder.chmod(0o755)
    folder.rename(pair.parent / f"{pair.name}-gone")
    (said,) = [str(one) for one in fsck.check(pair) if one.kind == "member"]
    assert "both/1: its member b:1 (sha256:" in said
    assert said.endswith("is no version of the store; restore it, or run `modelfleet store heal`")

"""`modelfleet model show`: what is known of a version, on one screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelfleet import showing
from modelfleet.store import audit
from tests.commands.model.conftest import Run, Said


def test_show_has_the_words_that_are_documented(said: Said, rivals: Path) -> None:
    found = said(rivals, "show", "leaves:2")
    assert list(found) == [
        *("name", "version", "digest", "path", "size_bytes", "aliases", "signatures", "ensembles", "fleets"),
        *("completeness", "card"),
    ]
    assert (found["name"], found["version"], found["card"]["author"]) == ("leaves", 2, "ann")
    assert set(found["completeness"]) == {"score", "missing"}


def test_show_says_on_one_screen_what_is_known_and_what_is_missing(run: Run, rivals: Path) -> None:
    lines = run(rivals, "show", "leaves:2").stdout.splitlines()
    assert len(lines) < 40
    text = "\n".join(lines)
    for words in ("leaves:2", "by ann", "LogisticRegression", "signed     by nobody", "missing: description", "oak"):
        assert words in text
    assert "\x1b" not in text


def test_show_tells_what_refers_to_a_version(run: Run, said: Said, own: Path) -> None:
    run(own, "alias", "leaves", "champion", "2")
    services = {"trees": {"reference": "leaves:2", "digest": "x", "release": "y"}}
    audit.record("deployed", own, fleet="/fleets/north.yml", services=services)
    found = said(own, "show", "leaves@champion")
    assert (found["version"], found["aliases"]) == (2, ["champion"])
    assert [(one["fleet"], one["services"]) for one in found["fleets"]] == [("/fleets/north.yml", ["trees"])]
    audit.record("deployed", own, fleet="/fleets/north.yml", services={})
    assert said(own, "show", "leaves:2")["fleets"] == []


def test_show_cuts_a_wide_signature(rivals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(showing, "MOST", 3)
    assert "... and 1 more" in list(showing.parts(showing.gather("leaves:2", rivals)))

"""`model show`, `card`, `log`, `compare` and `schema`, as a person types them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from modelfleet.fleet import BIN
from modelfleet.saving.card import Card
from modelfleet.store import audit
from modelfleet.tree import ROOT


def run(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `modelfleet model` on a store."""
    command = [str(BIN / "modelfleet"), "model", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"MODELFLEET_STORE": str(store)})


def said(store: Path, *arguments: str) -> Any:
    """Run it with --json and read what it says."""
    done = run(store, *arguments, "--json")
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def own(rivals: Path, tmp_path: Path) -> Path:
    """A store of its own, with leaves and slopes."""
    shutil.copytree(rivals, tmp_path / "own")
    return tmp_path / "own"


def test_show_has_the_words_that_are_documented(rivals: Path) -> None:
    found = said(rivals, "show", "leaves:2")
    assert list(found) == [
        *("name", "version", "digest", "path", "size_bytes", "aliases", "signatures", "ensembles", "fleets"),
        *("completeness", "card"),
    ]
    assert (found["name"], found["version"], found["card"]["author"]) == ("leaves", 2, "ann")
    assert set(found["completeness"]) == {"score", "missing"}


def test_show_says_on_one_screen_what_is_known_and_what_is_missing(rivals: Path) -> None:
    lines = run(rivals, "show", "leaves:2").stdout.splitlines()
    assert len(lines) < 40
    text = "\n".join(lines)
    for words in ("leaves:2", "by ann", "LogisticRegression", "signed     by nobody", "missing: description", "oak"):
        assert words in text
    assert "\x1b" not in text


def test_show_tells_what_refers_to_a_version(own: Path) -> None:
    run(own, "alias", "leaves", "champion", "2")
    services = {"trees": {"reference": "leaves:2", "digest": "x", "release": "y"}}
    audit.record("deployed", own, fleet="/fleets/north.yml", services=services)
    found = said(own, "show", "leaves@champion")
    assert (found["version"], found["aliases"]) == (2, ["champion"])
    assert [(one["fleet"], one["services"]) for one in found["fleets"]] == [("/fleets/north.yml", ["trees"])]
    audit.record("deployed", own, fleet="/fleets/north.yml", services={})
    assert said(own, "show", "leaves:2")["fleets"] == []


def test_show_cuts_a_wide_signature(store: Path, rivals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelfleet import showing

    monkeypatch.setattr(showing, "MOST", 3)
    assert "... and 1 more" in list(showing.parts(showing.gather("leaves:2", rivals)))


def test_card_prints_the_page_the_document_and_the_score(rivals: Path) -> None:
    page = (rivals / "leaves/2/MODEL_CARD.md").read_text()
    assert run(rivals, "card", "leaves:2").stdout == page
    assert said(rivals, "card", "leaves:2")["algorithm"] == "LogisticRegression"
    scored = said(rivals, "card", "leaves:2", "--score")
    assert set(scored) == {"score", "missing"}
    assert "license" in scored["missing"]
    assert f"{scored['score']} % complete" in run(rivals, "card", "leaves:2", "--score").stdout


def test_log_is_newest_first_with_the_change_of_the_figure(rivals: Path) -> None:
    found = said(rivals, "log", "leaves")
    assert list(found) == ["name", "versions", "behind"]
    assert [one["version"] for one in found["versions"]] == [3, 2, 1]
    assert [one["change"] for one in found["versions"]] == [pytest.approx(0), None, None]
    assert found["versions"][0]["lineage"] == {"parent": "leaves:1"}


def test_log_marks_what_was_deleted_and_when_aliases_moved(own: Path) -> None:
    run(own, "alias", "leaves", "champion", "2")
    run(own, "alias", "leaves", "champion", "3")
    assert run(own, "delete", "leaves:2", "--without-hosts").returncode == 0
    text = run(own, "log", "leaves").stdout
    assert [line.split()[-1] for line in text.splitlines()[1:4]] == ["saved", "deleted", "saved"]
    assert "leaves:2  became @champion on " in text
    assert "leaves:3  became @champion on " in text


def test_log_of_an_unknown_name_is_one_line(rivals: Path) -> None:
    done = run(rivals, "log", "leafs")
    assert (done.returncode, "did you mean leaves:3?" in done.stderr) == (1, True)


def test_compare_ends_with_3_where_the_second_is_worse_and_else_with_0(rivals: Path) -> None:
    worse = run(rivals, "compare", "leaves:2", "leaves:1")
    assert (worse.returncode, worse.stdout.splitlines()[0][:31]) == (3, "leaves:1 is worse than leaves:2")
    better = run(rivals, "compare", "leaves:1", "leaves:2")
    assert (better.returncode, better.stdout.splitlines()[0][:32]) == (0, "leaves:2 is better than leaves:1")


def test_compare_has_the_words_that_are_documented(rivals: Path, tmp_path: Path) -> None:
    found = said(rivals, "compare", "leaves:2", "leaves:3", "--picture", str(tmp_path / "x.png"))
    assert list(found) == [
        *("first", "second", "verdict", "test", "agreement", "task", "data", "metrics", "classes", "differences"),
        *("notes", "picture"),
    ]
    assert (found["verdict"], found["second"]["version"]) == ("no difference shown", 3)
    assert {"name", "p_value", "alpha", "only_first_right", "only_second_right"} <= set(found["test"])
    assert set(found["metrics"][0]) == {"metric", "first", "second", "higher_is_better", "change"}
    assert (tmp_path / "x.png").is_file()


def test_the_schema_is_the_one_that_is_published() -> None:
    published = (ROOT / "docs/model.schema.json").read_text()
    assert json.loads(published) == Card.model_json_schema()
    assert run(ROOT, "schema").stdout == published


def test_a_saved_card_is_valid_by_the_schema_and_a_misspelt_one_is_not(rivals: Path) -> None:
    schema, card = json.loads((ROOT / "docs/model.schema.json").read_text()), said(rivals, "card", "leaves:2")
    jsonschema.validate(card, schema)
    with pytest.raises(jsonschema.ValidationError, match="algoritm"):
        jsonschema.validate(card | {"algoritm": "x"}, schema)

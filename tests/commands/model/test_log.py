"""`modelfleet model log`: the lineage of versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.model.conftest import Run, Said


def test_log_is_newest_first_with_the_change_of_the_figure(said: Said, rivals: Path) -> None:
    found = said(rivals, "log", "leaves")
    assert list(found) == ["name", "versions", "behind"]
    assert [one["version"] for one in found["versions"]] == [3, 2, 1]
    assert [one["change"] for one in found["versions"]] == [pytest.approx(0), None, None]
    assert found["versions"][0]["lineage"] == {"parent": "leaves:1"}


def test_log_marks_what_was_deleted_and_when_aliases_moved(run: Run, own: Path) -> None:
    run(own, "alias", "leaves", "champion", "2")
    run(own, "alias", "leaves", "champion", "3")
    assert run(own, "delete", "leaves:2", "--without-hosts").returncode == 0
    text = run(own, "log", "leaves").stdout
    assert [line.split()[-1] for line in text.splitlines()[1:4]] == ["saved", "deleted", "saved"]
    assert "leaves:2  became @champion on " in text
    assert "leaves:3  became @champion on " in text


def test_log_of_an_unknown_name_is_one_line(run: Run, rivals: Path) -> None:
    done = run(rivals, "log", "leafs")
    assert (done.returncode, "did you mean leaves:3?" in done.stderr) == (1, True)

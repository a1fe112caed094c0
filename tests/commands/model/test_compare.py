"""`modelfleet model compare`: two versions on the same rows."""

from __future__ import annotations

from pathlib import Path

from tests.commands.model.conftest import Run, Said


def test_compare_ends_with_3_where_the_second_is_worse_and_else_with_0(run: Run, rivals: Path) -> None:
    worse = run(rivals, "compare", "leaves:2", "leaves:1")
    assert (worse.returncode, worse.stdout.splitlines()[0][:31]) == (3, "leaves:1 is worse than leaves:2")
    better = run(rivals, "compare", "leaves:1", "leaves:2")
    assert (better.returncode, better.stdout.splitlines()[0][:32]) == (0, "leaves:2 is better than leaves:1")


def test_compare_has_the_words_that_are_documented(said: Said, rivals: Path, tmp_path: Path) -> None:
    found = said(rivals, "compare", "leaves:2", "leaves:3", "--picture", str(tmp_path / "x.png"))
    assert list(found) == [
        *("first", "second", "verdict", "test", "agreement", "task", "data", "metrics", "classes", "differences"),
        *("notes", "picture"),
    ]
    assert (found["verdict"], found["second"]["version"]) == ("no difference shown", 3)
    assert {"name", "p_value", "alpha", "only_first_right", "only_second_right"} <= set(found["test"])
    assert set(found["metrics"][0]) == {"metric", "first", "second", "higher_is_better", "change"}
    assert (tmp_path / "x.png").is_file()

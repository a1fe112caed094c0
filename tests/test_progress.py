"""Progress is said on standard error, and only of what takes longer than two seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelfleet import cli, keys, progress
from modelfleet.progress import Progress
from modelfleet_service import model

DEADLINE_SECONDS = 20
FOR_EVER = 10_000.0


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Make two seconds pass at once; the event is set when a line was said."""
    heard, say = threading.Event(), progress.say

    def hear(text: str) -> None:
        say(text)
        heard.set()

    monkeypatch.setattr(progress, "say", hear)
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.001)
    return heard


@pytest.fixture
def slow(said: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash files so slowly that a line of progress comes meanwhile, if one comes at all."""

    def slowed(act: Callable[..., Any]) -> Callable[..., Any]:
        def slow_act(*arguments: Any) -> Any:
            said.wait(DEADLINE_SECONDS)
            return act(*arguments)

        return slow_act

    monkeypatch.setattr(model, "verify_file", slowed(model.verify_file))
    monkeypatch.setattr(model, "sha256_of", slowed(model.sha256_of))


@pytest.fixture
def own(copied: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with squares:1, and a key."""
    keys.make("ann", tmp_path / "keys", None)
    monkeypatch.setenv("MODELFLEET_KEY", str(tmp_path / "keys/ann.pem"))
    store = copied("squares:1").parent.parent
    monkeypatch.setenv("MODELFLEET_STORE", str(store))
    (tmp_path / "rows.csv").write_text("a,b,c\n1,2,3\n4,5,6\n")
    return store


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit):
        cli.main(list(arguments))


COMMANDS = {
    "model sign squares:1 --role trainer": "verifying squares:1 ...",
    "model verify squares:1": "verifying squares:1 ...",
    "model show squares:1": "verifying squares:1 ...",
    "model save {store}/squares/1/model.onnx --name copy --examples {store}/../rows.csv": "saving ",
    "store fsck": "verifying the store",
}


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_that_hashes_for_long_says_so_on_standard_error(
    own: Path, slow: None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(*words.format(store=own).split())
    printed = capsys.readouterr()
    assert printed.err.startswith(COMMANDS[words])
    assert COMMANDS[words] not in printed.out


@pytest.mark.parametrize("words", COMMANDS)
def test_what_takes_less_than_two_seconds_says_nothing(
    own: Path, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "QUIET_SECONDS", FOR_EVER)
    run(*words.format(store=own).split())
    assert COMMANDS[words] not in capsys.readouterr().err


def test_what_is_being_done_may_change_meanwhile(said: threading.Event, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("first") as doing:
        assert said.wait(DEADLINE_SECONDS)
        doing.doing = "second"
        said.clear()
        assert said.wait(DEADLINE_SECONDS)
        said.clear()
        assert said.wait(DEADLINE_SECONDS)
    lines = capsys.readouterr().err.splitlines()
    assert (lines[0], lines[-1]) == ("first ...", "second ...")

"""What README shows is so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from modelfleet import check
from modelfleet.fleet import BIN
from modelfleet.tree import ROOT

TEXT = (ROOT / "README.md").read_text()


def block(language: str, word: str) -> str:
    """The first code block of a language that has a word."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)
    return next(text for text in blocks if word in text)


def commands(text: str) -> list[tuple[str, ...]]:
    """The verbs that a text names, each once: `modelfleet deploy` is one word, `modelfleet store log` is two.

    Verbs of one group may stand side by side, as in `modelfleet model sign`, `verify`.
    """
    found = set()
    for first, second, more in re.findall(r"`modelfleet (\w+)(?: (\w+))?[^`]*`((?:, `\w+`)*)", text):
        grouped = first in ("model", "store")
        words = [second if grouped else first, *re.findall(r"\w+", more)]
        found |= {(first, word) if grouped else (word,) for word in words if word}
    return sorted(found)


def test_a_group_s_verbs_are_taken_with_it() -> None:
    text = "`modelfleet up`, `down`; `modelfleet deploy --check`; `modelfleet store nonsense`, `log`"
    assert commands(text) == [("deploy",), ("down",), ("store", "log"), ("store", "nonsense"), ("up",)]


def test_the_two_hosts_fleet_file_is_valid_but_for_the_model(tmp_path: Path) -> None:
    file = tmp_path / "my.yml"
    file.write_text(block("yaml", "services:"))
    assert yaml.safe_load(file.read_text())
    (failure,) = check.failures(file, tmp_path)
    assert failure.where.endswith("services.churn.model: churn:1")


def test_every_command_and_file_that_is_named_is_there() -> None:
    for verbs in commands(TEXT):
        assert subprocess.run([str(BIN / "modelfleet"), *verbs, "--help"], capture_output=True).returncode == 0, verbs
    for target in re.findall(r"\]\((?!http)([^)]+)\)", TEXT):
        assert (ROOT / target).exists(), target
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z-]+)`", TEXT)):
        assert f"\n{target}:" in makefile, target


def test_the_text_stands_a_sentence_a_line() -> None:
    prose = [line for line in re.sub(r"```.*?```", "", TEXT, flags=re.S).splitlines() if line[:1].isalpha()]
    assert [line for line in prose if re.search(r"[a-z]\. [A-Z]", line)] == []

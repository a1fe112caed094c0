"""The command line: one error boundary, its exit codes, and verbs that are the modules of commands/."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import click
import pytest

from modelfleet import cli
from modelfleet.errors import Failure, Failures
from modelfleet.fleet import BIN
from modelfleet.verbs import Verbs


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    return subprocess.run([str(BIN / "modelfleet"), *arguments], capture_output=True, text=True)


def raising(error: BaseException) -> click.Command:
    """A command that ends with an error."""

    @click.command("x")
    def command() -> None:
        raise error

    return command


def test_a_known_failure_is_one_line_and_exit_1(tmp_path: Path) -> None:
    done = run("check", "--fleet", str(tmp_path / "none.yml"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "; " in done.stderr


@pytest.mark.parametrize("arguments", [["deploi"], ["up", "--servers", "many"], ["model", "save"]])
def test_a_misuse_is_exit_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Failure("a", "b", "c"), 1),
        (Failure("a", "b", "c", exit_code=3), 3),
        (Failures([Failure("a", "b", "c"), Failure("d", "e", "f")]), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_end_has_its_exit_code(monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int) -> None:
    monkeypatch.setattr(Verbs, "get_command", lambda *_: raising(error))
    with pytest.raises(SystemExit) as caught:
        cli.main(["x"])
    assert caught.value.code == status


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verbs, "get_command", lambda *_: raising(ZeroDivisionError("bug")))
    with pytest.raises(ZeroDivisionError):
        cli.main(["x"])


@pytest.mark.parametrize("arguments", [["list"], ["show", "squares:1"]])
def test_an_output_that_can_t_be_written_is_a_line_and_exit_1(store: Path, arguments: list[str]) -> None:
    command = [str(BIN / "modelfleet"), "model", *arguments, "--store", str(store)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    said = "standard output: can't be written (No space left on device); free some space, or send it elsewhere\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_reader_that_leaves_early_is_no_traceback(store: Path) -> None:
    command = f"{BIN}/modelfleet model show squares:1 --store {store} | true"
    done = subprocess.run(command, shell=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_every_verb_has_a_line_of_help() -> None:
    said = run("--help").stdout
    for verb in ("check", "deploy", "down", "model", "smoke", "ssh", "store", "up"):
        (line,) = [line for line in said.splitlines() if line.strip().startswith(f"{verb} ")]
        assert len(line.split()) > 2
        assert run(verb, "--help").returncode == 0


def test_store_path_prints_the_store(tmp_path: Path) -> None:
    assert run("store", "path", "--store", str(tmp_path)).stdout.strip() == str(tmp_path)


def test_a_pickle_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "model.joblib").write_bytes(b"")
    done = run("model", "save", str(tmp_path / "model.joblib"), "--name", "x", "--examples", "x.csv")
    assert (done.returncode, "add --trust-pickle, or call modelfleet.save()" in done.stderr) == (1, True)


def test_a_file_is_saved_from_the_command_line(store: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,c\n1,2,3\n4,5,6\n")
    (tmp_path / "card.yml").write_text("intended_use: tests\n")
    file = str(store / "squares/1/model.onnx")
    given = ["--examples", str(tmp_path / "rows.csv"), "--card", str(tmp_path / "card.yml")]
    done = run("model", "save", file, "--name", "copy", *given, "--json", "--store", str(tmp_path / "store"))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["name"], said["version"]) == ("copy", 1)
    assert Path(said["path"]).is_dir()

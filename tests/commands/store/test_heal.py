"""`modelfleet store heal`: a line for what was repaired and what can't be; exit 3 if something is still wrong."""

from __future__ import annotations

import json

from tests.commands.store.conftest import Kept, errors
from tests.copies.conftest import flip
from tests.test_cli import run


def test_a_sound_store_is_exit_0_and_one_line(kept: Kept) -> None:
    done = run("store", "heal", *kept.option)
    assert (done.returncode, done.stdout) == (0, "0 things done: every byte is as it was saved\n")


def test_what_was_brought_back_is_said_with_where_the_damaged_one_is(kept: Kept) -> None:
    file = kept.store / "many/2/model.onnx"
    was = file.read_bytes()
    flip(file)
    done = run("store", "heal", *kept.option)
    aside = kept.store / ".trash/.damaged/many-2.1"
    said = f"many:2: brought back from {kept.url}/models/many/2; the damaged one is kept at {aside}\n"
    assert (done.returncode, errors(done)) == (0, [])
    assert done.stdout.startswith(said)
    assert done.stdout.endswith(" things done: every byte is as it was saved\n")
    assert file.read_bytes() == was
    assert (aside / "model.onnx").is_file()


def test_what_no_copy_can_repair_is_named_and_exit_3(kept: Kept) -> None:
    for folder in (kept.store / "few/1", kept.away / "models/few/1"):
        flip(folder / "model.onnx")
    done = run("store", "heal", *kept.option)
    assert done.returncode == 3
    assert "few:1: no holder has a good copy; save the model again\n" in done.stdout
    assert f"{kept.store}/few/1/model.onnx: was altered" in done.stdout
    assert done.stdout.endswith("things are still wrong\n")


def test_the_json_has_what_was_done_what_failed_and_what_remains(kept: Kept) -> None:
    flip(kept.away / "models/many/1/model.onnx")
    repaired = json.loads(run("store", "heal", "--json", *kept.option).stdout)
    assert (list(repaired), repaired["failed"], repaired["remains"]) == (["done", "failed", "remains"], [], [])
    assert [line.partition(" sent ")[0] for line in repaired["done"]] == [f"{kept.url}: 1 versions"]
    for folder in (kept.store / "few/1", kept.away / "models/few/1"):
        flip(folder / "model.onnx")
    found = json.loads(run("store", "heal", "--json", *kept.option).stdout)
    assert found["failed"][0] == {"where": "few:1", "what": "no holder has a good copy", "cure": "save the model again"}
    assert set(found["remains"][0]) == {"where", "kind", "what", "cure", "name", "version", "file"}


def test_a_store_that_is_not_there_is_one_line_and_exit_1(kept: Kept) -> None:
    done = run("store", "heal", "--store", str(kept.away / "none"))
    assert (done.returncode, done.stdout, len(errors(done))) == (1, "", 1)
    assert "there is no such store" in done.stderr

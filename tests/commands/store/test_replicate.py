"""`modelfleet store replicate`: what was sent where; exit 3 for damage in the store, 1 for what can't be done."""

from __future__ import annotations

import json
import re

from tests.commands.store.conftest import Kept, errors
from tests.copies.conftest import flip
from tests.test_cli import run


def test_it_says_what_was_sent_and_the_next_run_that_it_was_there(bare: Kept) -> None:
    done = run("store", "replicate", "--to", bare.url, *bare.option)
    assert (done.returncode, errors(done)) == (0, [])
    assert re.fullmatch(
        f"{bare.url}: 3 versions and 3 documents sent \\(\\d+ bytes\\), 0 versions were there\n"
        f"3 versions, copies at {bare.url}: 1; \\d+ bytes sent; each has its copies\n",
        done.stdout,
    )
    again = run("store", "replicate", "--to", bare.url, *bare.option)
    assert f"{bare.url}: 0 versions sent (0 bytes), 3 versions were there" in again.stdout
    assert (bare.away / "models/many/2/manifest.json").is_file()


def test_the_json_has_the_figures_of_each_holder(bare: Kept) -> None:
    found = json.loads(run("store", "replicate", "--to", bare.url, "--json", *bare.option).stdout)
    (row,) = found.pop("holders")
    assert row.pop("sent_bytes") > 0
    assert row == {"holder": bare.url, "there": 0, "sent": 3, "documents": 3}
    assert found == {"target": bare.url, "copies": 1, "versions": 3, "findings": [], "failed": []}


def test_a_damaged_version_is_named_and_exit_3(bare: Kept) -> None:
    file = bare.store / "few/1/model.onnx"
    flip(file)
    done = run("store", "replicate", "--to", bare.url, *bare.option)
    assert done.returncode == 3
    assert f"{file}: was altered: its SHA-256 is not the manifest's; run `modelfleet store heal`" in done.stdout
    assert done.stdout.endswith("not every one has its copies\n")


def test_a_target_that_is_neither_a_url_nor_a_fleet_file_is_one_line_and_exit_1(bare: Kept) -> None:
    done = run("store", "replicate", "--to", str(bare.away / "none.yml"), *bare.option)
    assert (done.returncode, done.stdout, len(errors(done))) == (1, "", 1)
    assert "none.yml: " in done.stderr


def test_a_url_holds_one_copy(bare: Kept) -> None:
    done = run("store", "replicate", "--to", bare.url, "--copies", "2", *bare.option)
    assert (done.returncode, done.stdout) == (1, "")
    assert errors(done) == [f"{bare.url}: a URL holds one copy; leave --copies out, and replicate to a second URL"]
    assert not bare.away.exists()


def test_a_store_that_is_not_there_is_one_line_and_exit_1(bare: Kept) -> None:
    done = run("store", "replicate", "--to", bare.url, "--store", str(bare.away / "none"))
    assert (done.returncode, len(errors(done))) == (1, 1)
    assert "there is no such store" in done.stderr


def test_a_forgotten_target_is_asked_for_no_copies(bare: Kept) -> None:
    assert run("store", "replicate", "--to", bare.url, *bare.option).returncode == 0
    done = run("store", "replicate", "--to", bare.url, "--forget", *bare.option)
    assert (done.returncode, done.stdout) == (0, f"forgot the copies at {bare.url}; what is there stays\n")
    again = run("store", "replicate", "--to", bare.url, "--forget", *bare.option)
    assert again.returncode == 1
    assert errors(again) == [f"{bare.url}: the store remembers no copies there; it remembers none"]

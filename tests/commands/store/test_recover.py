"""`modelfleet store recover`: what became of each version; exit 3 if one is lost or refused."""

from __future__ import annotations

import json

from modelfleet import store as stores
from tests.commands.store.conftest import Kept, errors
from tests.copies.conftest import flip
from tests.store.tiny import publish
from tests.test_cli import run


def lose(kept: Kept) -> None:
    """Remove the store."""
    kept.store.rename(kept.store.with_name("lost"))


def test_each_version_is_said_with_its_digest_and_where_it_came_from(kept: Kept) -> None:
    digest = stores.find("many:2", kept.store).digest
    lose(kept)
    done = run("store", "recover", kept.url, *kept.option)
    assert (done.returncode, errors(done)) == (0, [])
    line = f"many:2           recovered  {digest[:19]}  from {kept.url}/models/many/2, digest equal\n"
    assert line in done.stdout
    assert done.stdout.endswith("3 of 3 versions recovered: all are there\n")
    assert stores.find("many:2", kept.store).digest == digest


def test_a_second_run_recovers_nothing(kept: Kept) -> None:
    lose(kept)
    assert run("store", "recover", kept.url, *kept.option).returncode == 0
    again = run("store", "recover", kept.url, *kept.option)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "0 of 3 versions recovered: all are there")


def test_a_version_whose_copy_is_damaged_is_lost_and_exit_3(kept: Kept) -> None:
    lose(kept)
    flip(kept.away / "models/few/1/model.onnx")
    done = run("store", "recover", kept.url, *kept.option)
    assert done.returncode == 3
    assert [line.split()[:2] for line in done.stdout.splitlines() if "lost" in line] == [["few:1", "lost"]]
    assert done.stdout.endswith("2 of 3 versions recovered: not all that is known is there\n")


def test_a_version_that_the_store_has_otherwise_is_refused_and_exit_3(kept: Kept) -> None:
    lose(kept)
    publish(kept.store, "few", more="tags: [other]\n")
    mine = stores.find("few:1", kept.store).digest
    done = run("store", "recover", kept.url, *kept.option)
    assert done.returncode == 3
    assert f"the store has it with the digest {mine}" in done.stdout
    assert "few:1: has different digests in the ledgers here and there; nothing of few/ledger.jsonl was" in done.stdout
    assert stores.find("few:1", kept.store).digest == mine


def test_the_json_has_a_state_for_each_version(kept: Kept) -> None:
    lose(kept)
    found = json.loads(run("store", "recover", kept.url, "--json", *kept.option).stdout)
    assert list(found) == ["versions", "documents", "failed"]
    assert {(row["name"], row["version"], row["state"]) for row in found["versions"]} == {
        ("few", 1, "recovered"),
        ("many", 1, "recovered"),
        ("many", 2, "recovered"),
    }
    assert set(found["versions"][0]) == {"name", "version", "digest", "state", "source", "what"}
    assert found["failed"] == []


def test_a_target_that_is_neither_a_url_nor_a_fleet_file_is_one_line_and_exit_1(kept: Kept) -> None:
    done = run("store", "recover", str(kept.away / "none.yml"), *kept.option)
    assert (done.returncode, done.stdout, len(errors(done))) == (1, "", 1)


def test_a_url_where_nothing_is_was_mistyped(kept: Kept) -> None:
    lose(kept)
    done = run("store", "recover", f"{kept.url}-mistyped", *kept.option)
    said = f"{kept.url}-mistyped: nobody there has a copy or a release; check it; "
    assert (done.returncode, done.stdout) == (1, "")
    assert errors(done)[0].startswith(said)

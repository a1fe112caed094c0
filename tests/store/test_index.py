"""The index: a cache that heals itself, and is done without where it can't be had."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.store import index
from tests.store.tiny import publish


def references(store: Path) -> list[str]:
    return [entry.reference for entry in stores.entries(None, store)]


def rows(store: Path) -> int:
    return int(sqlite3.connect(store / index.FILE).execute("SELECT count(*) FROM version").fetchone()[0])


def test_an_entry_is_what_the_card_says(store: Path) -> None:
    entry, _ = stores.entries(None, store)
    found = stores.find("flowers:1", store)
    assert (entry.reference, entry.digest, entry.runtime) == ("flowers:1", found.digest, "skops")
    assert entry.created == found.card["created"]
    assert entry.metrics[0]["value"] == 0.97
    assert entry.size_bytes == sum(path.stat().st_size for path in (store / "flowers/1").iterdir())


def test_a_warm_list_reads_no_version(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stores.entries(None, three)
    monkeypatch.setattr(index, "entry_of", lambda folder: pytest.fail(f"{folder} was read"))
    assert stores.entries(None, three) == before


def test_new_deleted_and_altered_versions_are_seen_at_once(three: Path) -> None:
    assert references(three) == ["many:1", "many:2", "many:3"]
    publish(three)
    stores.delete("many:1", three)
    assert references(three) == ["many:2", "many:3", "many:4"]
    (three / "many/2").chmod(0o755)
    (three / "many/2/manifest.json").unlink()
    assert [bool(entry.broken) for entry in stores.entries(None, three)] == [True, False, False]
    assert rows(three) == 2 + 1


@pytest.mark.parametrize("content", [b"", b"junk", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_corrupt_index_is_made_anew(three: Path, content: bytes) -> None:
    (three / index.FILE).write_bytes(content)
    assert references(three) == ["many:1", "many:2", "many:3"]
    assert index.is_sound(three)
    assert rows(three) == 3


def test_a_store_whose_index_can_t_be_written_is_listed_all_the_same(three: Path) -> None:
    (three / index.FILE).mkdir()
    assert references(three) == ["many:1", "many:2", "many:3"]


def test_a_signature_s_roles_and_aliases_are_listed_as_soon_as_they_are_there(three: Path) -> None:
    assert stores.entries("many", three)[1].signed == ()
    (three / "many/2").chmod(0o755)
    (three / "many/2/manifest.sig").write_text(json.dumps({"signatures": [{"role": "trainer"}, {"role": "approver"}]}))
    stores.set_alias("many", "champion", 2, three)
    entry = stores.entries("many", three)[1]
    assert (entry.signed, entry.aliases) == (("approver", "trainer"), ("champion",))
    assert stores.find("many:2", three)


def test_a_version_is_found_by_its_digest_and_verified(three: Path) -> None:
    digest = stores.find("many:2", three).digest
    assert stores.by_digest(digest, three).reference == "many:2"
    stores.delete("many:2", three)
    with pytest.raises(Failure, match=r"no version in the store .* has this digest; restore"):
        stores.by_digest(digest, three)


def test_a_list_of_one_name_keeps_the_rows_of_the_others(three: Path) -> None:
    publish(three, "other")
    references(three)
    stores.entries("other", three)
    assert rows(three) == 4

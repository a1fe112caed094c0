"""The ledger: the digest outside of the version's folder, and a number that is never given again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.store import audit, disk, fsck, ledger, records
from modelfleet_service import model
from tests.store.tiny import publish


def kinds(store: Path) -> list[str]:
    return [finding.kind for finding in fsck.check(store)]


def test_a_save_is_allocated_before_it_is_saved_with_its_digest(three: Path) -> None:
    events = records.read(three / "many" / ledger.FILE).found
    assert [(one["event"], one["version"]) for one in events[:2]] == [("allocated", 1), ("saved", 1)]
    assert {one["digest"] for one in events[:2]} == {stores.find("many:1", three).digest}


def test_a_bit_flip_in_the_manifest_itself_is_found_by_the_ledger(three: Path) -> None:
    manifest = three / "many/2" / model.MANIFEST
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text() + " ")
    with pytest.raises(
        Failure, match=r"2/manifest\.json: was altered: its SHA-256 is not the ledger's; `modelfleet store heal`"
    ):
        stores.find("many:2", three)


def test_a_group_may_write_the_ledger_and_the_log_where_the_umask_lets_it(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        publish(tmp_path)
    finally:
        os.umask(before)
    assert {(tmp_path / file).stat().st_mode & 0o777 for file in ("many/ledger.jsonl", "audit.jsonl")} == {0o664}


def test_a_version_from_before_the_ledger_is_accepted(three: Path) -> None:
    (three / "many" / ledger.FILE).unlink()
    assert stores.find("many:2", three).version == 2
    assert kinds(three) == []


def test_the_highest_number_of_before_is_honoured(three: Path) -> None:
    (three / "many" / ledger.FILE).unlink()
    (three / "many/.highest").write_text("8\n")
    assert publish(three) == 9


def test_a_number_is_not_given_again_after_delete_nor_after_an_empty_trash(three: Path) -> None:
    stores.delete("many:3", three)
    disk.remove(three / ".trash")
    assert publish(three) == 4
    assert kinds(three) == []


def test_a_saved_version_that_is_nowhere_is_lost_and_fsck_says_so(three: Path) -> None:
    disk.remove(three / "many/2")
    (finding,) = fsck.check(three)
    assert (finding.kind, finding.version, finding.where) == ("lost", 2, str(three / "many/2"))


def test_an_allocated_number_without_a_folder_is_a_killed_save_and_harmless(three: Path) -> None:
    ledger.append(three / "many", ledger.ALLOCATED, 4, "sha256:00")
    assert kinds(three) == []
    assert publish(three) == 5


@pytest.mark.parametrize("kept", range(1, 100, 7))
def test_a_torn_last_line_is_tolerated_and_the_next_starts_afresh(three: Path, kept: int) -> None:
    file = three / "many" / ledger.FILE
    last = file.read_bytes().splitlines(keepends=True)[-1]
    file.write_bytes(file.read_bytes()[: -len(last) + kept])
    assert kinds(three) == ["unnoted"]
    assert publish(three) == 4
    assert kinds(three) == []
    assert [json.loads(line)["version"] for line in file.read_bytes().splitlines()[-2:]] == [4, 4]


def test_a_flipped_bit_in_a_ledger_is_found_and_the_line_named(three: Path) -> None:
    file = three / "many" / ledger.FILE
    content = bytearray(file.read_bytes())
    content[content.index(b"sha256:") + 9] ^= 1
    file.write_bytes(content)
    (finding,) = fsck.check(three)
    assert (finding.kind, finding.where) == ("ledger", f"{file}:1")
    assert stores.find("many:1", three)


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    """A store with two lines in a ledger, of numbers that were given to saves that were killed, and two in its log."""
    (tmp_path / "many").mkdir()
    for number in (1, 2):
        ledger.append(tmp_path / "many", ledger.ALLOCATED, number, "sha256:00")
        audit.record("deployed", tmp_path, fleet="J", services={"a": {"reference": "many:1", "digest": "sha256:00"}})
    assert fsck.check(tmp_path) == []
    return tmp_path


@pytest.mark.parametrize("name", [f"many/{ledger.FILE}", audit.FILE])
def test_every_flipped_bit_of_a_ledger_and_a_log_is_found_and_the_file_named(numbers: Path, name: str) -> None:
    """A flip may make a line of a part of one, or one of two: a finding names a line of the file, whichever it is."""
    file = numbers / name
    kept = file.read_bytes()
    for position in range(len(kept) * 8):
        content = bytearray(kept)
        content[position // 8] ^= 1 << position % 8
        file.write_bytes(content)
        assert {one.where.rpartition(":")[0] for one in fsck.check(numbers)} == {str(file)}, bytes(content)


def test_a_torn_line_is_none_wherever_it_was_cut_and_one_may_follow(tmp_path: Path) -> None:
    """Cut anywhere, also within an object of its own, and within its checksum; what is whole but its newline counts."""
    file = tmp_path / "log"
    records.append(file, {"services": {"a": {"reference": "many:1", "digest": f"sha256:{'0' * 64}"}}})
    line = file.read_bytes()
    for kept in range(1, len(line)):
        file.write_bytes(line + line[:kept] + b"\0" * 9 * (kept < 9))
        for more in (0, 1):
            read = records.read(file)
            assert (len(read.found), read.altered) == (1 + more + (kept == len(line) - 1), ()), line[:kept]
            records.append(file, {"more": more})

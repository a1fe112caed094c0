"""Delete and restore: one rename each, undone whole, and refused while something refers to the version."""

from __future__ import annotations

import json
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure, Failures
from modelfleet.store import audit, disk, fsck, ledger, mending, trash
from tests.store.tiny import NOBODY, full, publish, write


def test_a_deleted_version_is_gone_and_comes_back_the_same(three: Path) -> None:
    digest = stores.find("many:2", three).digest
    assert stores.delete("many:2", three) == "many:2"
    assert stores.versions("many", three) == [1, 3]
    assert fsck.check(three) == []
    stores.restore("many:2", three)
    assert stores.find("many:2", three).digest == digest
    assert fsck.check(three) == []
    assert [event["act"] for event in audit.read(three)][-2:] == ["deleted", "restored"]


def test_a_reference_to_a_deleted_version_says_how_it_comes_back(three: Path) -> None:
    stores.delete("many:2", three)
    with pytest.raises(Failure, match="it was deleted: `modelfleet model restore many:2`"):
        stores.find("many:2", three)


def test_what_lies_in_the_trash_is_verified_too(three: Path) -> None:
    stores.delete("many:2", three)
    file = three / ".trash/many/2/model.onnx"
    file.chmod(0o644)
    file.write_bytes(b"x" + file.read_bytes()[1:])
    file.chmod(0o444)
    assert [finding.where for finding in fsck.check(three)] == [str(file)]


def test_a_version_from_before_the_ledger_can_be_deleted_and_is_anchored_then(three: Path) -> None:
    (three / "many/ledger.jsonl").unlink()
    stores.delete("many:3", three)
    assert publish(three) == 4
    stores.restore("many:3", three)
    assert stores.find("many:3", three)


def test_what_lost_its_manifest_and_is_in_no_ledger_is_not_restored(three: Path) -> None:
    stores.delete("many:3", three)
    lies = three / ".trash/many/3"
    lies.chmod(0o755)
    (lies / "manifest.json").unlink()
    (three / "many/ledger.jsonl").unlink()
    with pytest.raises(Failure, match="many:3: its manifest is lost"):
        stores.restore("many:3", three)
    assert lies.is_dir()


@pytest.mark.parametrize("reference", ["many:9", "other:1", "many@champion", "many", "../x:1"])
def test_what_the_trash_lacks_can_t_be_restored(three: Path, reference: str) -> None:
    with pytest.raises(Failure, match="; "):
        stores.restore(reference, three)


def test_a_delete_that_was_killed_midway_is_noted_by_the_next_command(three: Path) -> None:
    """Killed after the rename: the ledger says saved, the folder is in the trash and still writable."""
    (three / ".trash/many").mkdir(parents=True)
    (three / "many/2").chmod(0o755)
    (three / "many/2").rename(three / ".trash/many/2")
    assert [finding.kind for finding in fsck.check(three)] == ["unnoted", "writable"]
    assert len(mending.mend(three)) == 1
    assert fsck.check(three) == []


def test_a_killed_delete_that_another_command_notes_is_not_said_to_be_by_who_ran_that(three: Path) -> None:
    (three / ".trash/many").mkdir(parents=True)
    (three / "many/2").chmod(0o755)
    (three / "many/2").rename(three / ".trash/many/2")
    stores.delete("many:1", three)
    noted, own = audit.read(three)[-2:]
    assert [noted[key] for key in ("act", "reference", "by", "noted_by")] == [
        "deleted",
        "many:2",
        "unknown",
        disk.who(),
    ]
    assert (own["reference"], own["by"]) == ("many:1", disk.who())


def test_the_folders_that_a_save_and_a_delete_make_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut can't be had: what is told to last is seen by the calls."""
    synced, sync = set[Path](), disk.sync

    def syncing(entry: Path) -> None:
        synced.add(entry)
        sync(entry)

    monkeypatch.setattr(disk, "sync", syncing)
    store = tmp_path / "store"
    publish(store)
    assert {tmp_path, store, store / "many"} <= synced
    synced.clear()
    stores.delete("many:1", store)
    assert {store, store / ".trash", store / ".trash/many"} <= synced


def test_a_version_with_an_alias_is_not_deleted_and_the_alias_named(three: Path) -> None:
    stores.set_alias("many", "champion", 2, three)
    with pytest.raises(Failures, match="the alias many@champion points to it; move it"):
        stores.delete("many:2", three)
    assert stores.find("many:2", three)


def test_a_member_of_an_ensemble_is_not_deleted_and_the_ensemble_named(three: Path) -> None:
    digest = stores.find("many:2", three).digest
    publish(three, "both", more=f"ensemble: {json.dumps({'members': [{'digest': digest}]})}\n")
    with pytest.raises(Failures, match="the ensemble both:1 has it as a member"):
        stores.delete("many:2", three)
    assert stores.delete("many:1", three)


def test_what_was_moved_and_could_not_be_noted_is_said_and_noted_later(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full is stood for by the ledger's own write, which comes after the move."""
    for act, said in ((stores.delete, "deleted"), (stores.restore, "restored")):
        with monkeypatch.context() as patch, pytest.raises(Failure) as raised:  # noqa: PT012
            patch.setattr(ledger, "append", full)
            act("many:2", three)
        assert str(raised.value).startswith(f"many:2: was {said}, and the ledger can't be written (No space left")
        assert [finding.kind for finding in fsck.check(three)] == ["unnoted"]
        assert len(mending.mend(three)) == 1


def test_the_members_of_a_restored_ensemble_that_are_in_the_trash_are_known(three: Path) -> None:
    digest = stores.find("many:2", three).digest
    member = {"name": "many", "version": 2, "digest": digest}
    publish(three, "both", more=f"ensemble: {json.dumps({'members': [member]})}\n")
    stores.delete("both:1", three)
    stores.delete("many:2", three)
    stores.restore("both:1", three)
    assert trash.members("both:1", three) == ["many:2"]
    stores.restore("many:2", three)
    assert trash.members("both:1", three) == []


def _delete_and_restore(store: Path) -> None:
    if os.getuid() == 0:
        os.setuid(NOBODY)
    publish(store)
    stores.delete("many:1", store)
    stores.restore("many:1", store)


def test_who_is_not_root_deletes_and_restores_too(everyone_s: Path) -> None:
    """The kernel lets root move a read-only folder, and nobody else."""
    child = multiprocessing.get_context("fork").Process(target=_delete_and_restore, args=(everyone_s / "store",))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert fsck.check(everyone_s / "store") == []


def test_a_delete_waits_for_an_ensemble_that_is_being_published(three: Path) -> None:
    member = {"digest": stores.find("many:2", three).digest}
    with ThreadPoolExecutor() as pool, disk.lock(three):
        deleted = pool.submit(stores.delete, "many:2", three)
        with pytest.raises(FutureTimeout):
            deleted.result(timeout=0.5)
        (three / "team/1").mkdir(parents=True)
        write(three / "team/1", "team", 1, more=f"ensemble: {json.dumps({'members': [member]})}\n")
    with pytest.raises(Failures, match="the ensemble team:1 has it as a member"):
        deleted.result()
    assert stores.find("many:2", three)

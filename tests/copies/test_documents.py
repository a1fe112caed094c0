"""Documents are merged and never set back, whatever is written, killed or refused at the same time."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelfleet import store as stores
from modelfleet.copies import heal, merging, recover, replicate, survey, targets
from modelfleet.copies.targets import Target
from modelfleet.errors import Failure, Failures
from modelfleet.store import alias, audit, disk, fsck, ledger, records
from tests.copies.conftest import flip, meanwhile
from tests.store.tiny import full, publish


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A folder that holds copies."""
    return Target(f"file://{tmp_path}/away")


@pytest.fixture
def copied(three: Path, target: Target) -> Path:
    """The store with many:1 to many:3, champion at 2, and its copies."""
    stores.set_alias("many", "champion", 2, three)
    assert replicate.run(target, three).is_complete
    return three


def test_what_is_saved_during_a_heal_stays_in_the_ledger(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(copied / "many/ledger.jsonl", 30)
    meanwhile(monkeypatch, merging, "joined", lambda: publish(copied))
    heal.run(copied)
    assert ledger.read(copied / "many").states[4] == ledger.SAVED
    assert fsck.check(copied) == []


def test_an_alias_that_is_moved_during_a_heal_stays_there(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores.set_alias("many", "rival", 1, copied)
    assert heal.run(copied).remains == ()
    (copied / "many/aliases.json").unlink()
    meanwhile(monkeypatch, merging, "joined", lambda: stores.set_alias("many", "champion", 3, copied))
    assert heal.run(copied).remains == ()
    assert stores.aliases("many", copied) == {"champion": 3, "rival": 1}


def later(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """Let the store's clock go ahead, so that what is done now is later than what was done."""
    monkeypatch.setattr(disk, "now", lambda: f"2100-01-01T{hours:02}:00:00+00:00")


def healed(store: Path, target: Target) -> None:
    """A healing sends nothing while the copies have records that the store lacks, and merges them first."""
    heal.run(store)


def recovered(store: Path, target: Target) -> None:
    assert recover.run(target, store).is_complete


@pytest.mark.parametrize("act", [healed, recovered])
def test_a_store_from_a_backup_sets_no_alias_back(
    copied: Path, target: Target, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path, Target], None]
) -> None:
    """The aliases and the log are those of before; the copies have a later move, a new alias and a dropped one."""
    stores.set_alias("many", "old", 1, copied)
    assert replicate.run(target, copied).is_complete
    backup = {name: (copied / name).read_bytes() for name in ("audit.jsonl", "many/aliases.json")}
    later(monkeypatch, 1)
    stores.set_alias("many", "champion", 3, copied)
    stores.set_alias("many", "new", 1, copied)
    stores.drop_alias("many", "old", copied)
    assert replicate.run(target, copied).is_complete
    for name, content in backup.items():
        (copied / name).write_bytes(content)
    assert str(copied / "many/aliases.json") in {one.where for one in survey.check(copied)}
    act(copied, target)
    assert stores.aliases("many", copied) == {"champion": 3, "new": 1}
    assert survey.check(copied) == []


def test_a_move_by_an_earlier_clock_is_the_later_one_if_it_knows_the_other(
    copied: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Champion is moved to 1 by a clock that is ahead, copied, and then moved to 3 by one that is not."""
    with monkeypatch.context() as patch:
        later(patch, 1)
        stores.set_alias("many", "champion", 1, copied)
    assert replicate.run(target, copied).is_complete
    stores.set_alias("many", "champion", 3, copied)
    assert [one.where for one in survey.check(copied)] == [f"{target.target}/store/many/aliases.json"]
    assert heal.run(copied).remains == ()
    assert stores.aliases("many", copied) == {"champion": 3}


def test_of_two_moves_in_one_second_the_last_is_followed(
    copied: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, 1)
    stores.set_alias("many", "champion", 1, copied)
    assert replicate.run(target, copied).is_complete
    stores.set_alias("many", "champion", 3, copied)
    (copied / "many/aliases.json").unlink()
    assert heal.run(copied).remains == ()
    assert stores.aliases("many", copied) == {"champion": 3}


def test_an_alias_whose_dropping_is_cut_off_after_its_record_stays_dropped(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(file: Path, content: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(disk, "write", cut)
        with pytest.raises(KeyboardInterrupt):
            stores.drop_alias("many", "champion", copied)
    (copied / "many/aliases.json").unlink()
    heal.run(copied)
    assert stores.aliases("many", copied) == {}


def test_lost_aliases_are_where_the_log_says_that_they_were_moved_after_the_last_copy(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, 1)
    stores.set_alias("many", "champion", 1, copied)
    (copied / "many/aliases.json").unlink()
    assert heal.run(copied).remains == ()
    (found,) = alias.read("many", copied).values()
    assert (found.version, [one["version"] for one in found.history]) == (1, [2])


@pytest.mark.parametrize("name", ["many/ledger.jsonl", "audit.jsonl", "many/aliases.json"])
def test_an_altered_document_stays_in_its_place_until_the_good_one_takes_it(
    copied: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A kill or a full disk in that moment is stood for by the call that it refuses."""
    flip(copied / name, 30)
    was, replace = (copied / name).read_bytes(), Path.replace

    def refuse(source: Path, place: Path) -> object:
        if place == copied / name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(source, place)

    monkeypatch.setattr(Path, "replace", refuse)
    failed = heal.run(copied).failed
    assert (copied / name).read_bytes() == was
    assert "nothing was changed" in str(failed[0])


def test_a_log_with_a_line_that_is_no_text_is_merged(copied: Path) -> None:
    """One line is altered, and a newer one has a byte that no text has: both stay, as evidence, or come back."""
    publish(copied)
    stores.set_alias("many", "champion", 1, copied)
    content = (copied / "audit.jsonl").read_bytes()
    at = len(content) - 40
    (copied / "audit.jsonl").write_bytes(content[:30] + b"?" + content[31:at] + b"\xff" + content[at + 1 :])
    heal.run(copied)
    assert {event["act"] for event in audit.read(copied)} >= {"saved", "aliased"}
    assert b"\xff" in (copied / "audit.jsonl").read_bytes()


def test_a_target_that_can_t_be_reached_is_not_remembered_and_one_that_is_can_be_forgotten(
    three: Path, tmp_path: Path, target: Target
) -> None:
    with pytest.raises((Failure, Failures)):
        replicate.run(Target("nosuch://here"), three)
    assert targets.remembered(three) == []
    assert replicate.run(target, three).is_complete
    with pytest.raises(Failure, match=f"remembers no copies there; it remembers {target.target}"):
        targets.forget("file:///elsewhere", three)
    assert targets.forget(f"{target.target}/", three) == target.target
    assert survey.check(three) == []
    assert (tmp_path / "away/models/many/1/manifest.json").is_file()


def test_a_version_is_said_to_be_lost_only_where_no_target_has_it(copied: Path, tmp_path: Path) -> None:
    second = Target(f"file://{tmp_path}/second")
    assert replicate.run(second, copied).is_complete
    for file in (copied / "many/2/model.onnx", tmp_path / "away/models/many/2/model.onnx"):
        flip(file)
    report = heal.run(copied)
    assert (report.failed, report.remains) == ((), ())


def test_an_alias_that_was_set_and_dropped_in_one_second_stays_dropped(
    copied: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older copy in any other alias has the log asked; also where the clock was behind for the drop."""
    stores.set_alias("many", "rival", 1, copied)
    assert replicate.run(target, copied).is_complete
    later(monkeypatch, 1)
    stores.set_alias("many", "brief", 2, copied)
    stores.drop_alias("many", "brief", copied)
    stores.set_alias("many", "late", 2, copied)
    later(monkeypatch, 0)
    stores.drop_alias("many", "late", copied)
    stores.set_alias("many", "rival", 2, copied)
    assert fsck.check(copied) == []
    heal.run(copied)
    assert stores.aliases("many", copied) == {"champion": 2, "rival": 2}
    (copied / "many/aliases.json").unlink()
    heal.run(copied)
    assert stores.aliases("many", copied) == {"champion": 2, "rival": 2}


def acts(content: bytes) -> list[object]:
    return [record["act"] for record in records.parsed(content).found]


def log(file: Path, *lines: tuple[str, int]) -> bytes:
    """Return a log of these acts, each at its hour."""
    file.unlink(missing_ok=True)
    for act, hour in lines:
        records.append(file, {"time": f"2100-01-01T{hour:02}:00:00+00:00", "act": act})
    return file.read_bytes()


def test_a_merged_log_has_each_copy_s_order_whatever_clocks_said(tmp_path: Path) -> None:
    """The clock goes back before b; c and d are on one copy each; a was done twice in one second."""
    ours = log(tmp_path / "log", ("a", 5), ("a", 5), ("b", 2), ("d", 7))
    theirs = log(tmp_path / "log", ("a", 5), ("a", 5), ("b", 2), ("c", 3))
    assert acts(merging.merged([ours, theirs])) == ["a", "a", "b", "c", "d"]
    assert acts(merging.merged([theirs, ours])) == ["a", "a", "b", "c", "d"]
    assert acts(merging.merged([b"", theirs, ours])) == ["a", "a", "b", "c", "d"]


def test_copies_that_contradict_each_other_lose_no_record_and_ours_is_followed(tmp_path: Path) -> None:
    ours = log(tmp_path / "log", ("b", 2), ("a", 1), ("c", 3))
    theirs = log(tmp_path / "log", ("a", 1), ("b", 2), ("d", 4))
    assert acts(merging.merged([ours, theirs])) == ["b", "a", "c", "d"]


def test_a_long_log_is_merged_in_a_moment(tmp_path: Path) -> None:
    """No quadratic work: 20,000 records in three copies."""
    lines = [records._line({"time": f"{number:06}", "act": str(number)}) for number in range(20_000)]
    whole, halves = b"".join(lines), [b"".join(lines[::2]), b"".join(lines[1::2])]
    assert merging.merged([*halves, whole]) == whole


def test_a_drop_that_the_disk_refused_is_a_finding_and_setting_it_again_lasts(
    copied: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(disk, "write", full)
        with pytest.raises(Failure, match=r"\(No space left on device\); the log says already that"):
            stores.drop_alias("many", "champion", copied)
    (found,) = fsck.check(copied)
    assert found.what == "points to many:2, and by the log it was dropped"
    assert found.cure == "do it again: `modelfleet model alias many champion --delete`"
    stores.set_alias("many", "champion", 2, copied)
    stores.set_alias("many", "rival", 1, copied)
    assert fsck.check(copied) == []
    heal.run(copied)
    assert stores.aliases("many", copied) == {"champion": 2, "rival": 1}


def test_lost_aliases_without_a_copy_are_a_finding_with_what_to_do(three: Path) -> None:
    stores.set_alias("many", "champion", 3, three)
    (three / "many/aliases.json").unlink()
    (found,) = fsck.check(three)
    assert found.what.startswith("is lost, and by the log it was moved to many:3 on ")
    assert found.cure == "do it again: `modelfleet model alias many champion 3`"
    stores.set_alias("many", "champion", 3, three)
    assert fsck.check(three) == []


@pytest.mark.parametrize(
    "aliases",
    [
        [],
        {"champion": 1},
        {"champion": {"version": "2", "since": "", "by": "", "history": []}},
        {"champion": {"version": 2, "since": "", "by": "", "history": [1]}},
        {"champion": {"version": 2, "since": "", "by": "", "history": [{"since": "", "by": ""}]}},
    ],
)
def test_aliases_of_another_shape_are_one_finding_also_in_a_copy(copied: Path, tmp_path: Path, aliases: Any) -> None:
    content = json.dumps({"aliases": aliases, "sha256": alias._digest(aliases)})
    copy = tmp_path / "away/store/many/aliases.json"
    assert copy.exists()
    copy.write_text(content)
    assert [(one.where, one.what) for one in survey.check(copied)] == [(f"file://{copy}", "was altered")]
    (copied / "many/aliases.json").write_text(content)
    assert [one.kind for one in fsck.check(copied)] == ["alias"]


def test_documents_nested_too_deeply_are_one_line(copied: Path) -> None:
    for name in ("many/aliases.json", "copies.json"):
        (copied / name).write_text("[" * 100_000)
    assert [one.kind for one in fsck.check(copied)] == ["alias"]
    with pytest.raises(Failure, match=r"can't be read .*; delete it and replicate again"):
        targets.remembered(copied)


@pytest.mark.parametrize("entry", [{"target": 5}, {"target": "file:///a", "copies": "a"}, {}, 1])
def test_targets_of_another_shape_are_one_line(copied: Path, entry: Any) -> None:
    (copied / "copies.json").write_text(json.dumps({"targets": [entry]}))
    with pytest.raises(Failure, match=r"can't be read .*; delete it and replicate again"):
        targets.remembered(copied)

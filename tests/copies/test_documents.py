"""Documents are merged and never set back, whatever is written, killed or refused at the same time."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.copies import heal, merging, recover, replicate, survey, targets
from modelfleet.copies.targets import Target
from modelfleet.errors import Failure, Failures
from modelfleet.store import alias, audit, disk, fsck, ledger
from tests.copies.conftest import flip, meanwhile
from tests.store.tiny import publish


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

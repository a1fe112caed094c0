"""An ensemble and its members: whatever is done at the same time, no ensemble is saved without one."""

from __future__ import annotations

import json
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure, Failures
from modelfleet.store import disk, fsck, index, ledger
from tests.store import tiny


def ensemble_of(reference: str, store: Path) -> str:
    """Write the part of a card that names one version as a member."""
    model = stores.find(reference, store)
    member = {"name": model.name, "version": model.version, "digest": model.digest}
    return f"ensemble: {json.dumps({'members': [member]})}\n"


def test_an_ensemble_whose_member_was_deleted_meanwhile_is_not_saved(three: Path) -> None:
    more = ensemble_of("many:2", three)
    stores.delete("many:2", three)
    with pytest.raises(Failure, match=r"many:2: was deleted while it became a member; nothing was saved"):
        tiny.publish(three, "both", more)
    assert stores.versions("both", three) == []
    assert not ledger.read(three / "both").states
    assert fsck.check(three) == []


def test_a_member_is_not_deleted_while_its_ensemble_comes_into_its_place(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delete starts after the save has seen its members, and before the ensemble can be seen by the delete."""
    more, append, lock, waits = ensemble_of("many:2", three), ledger.append, disk.lock, threading.Event()
    refused: list[Failures] = []

    def delete() -> None:
        try:
            stores.delete("many:2", three)
        except Failures as failures:
            refused.append(failures)

    deleting = threading.Thread(target=delete)

    def locked(home: Path) -> AbstractContextManager[None]:
        if threading.current_thread() is deleting and home == three:
            waits.set()
        return lock(home)

    def between(home: Path, event: str, version: int, digest: str) -> None:
        if event == ledger.ALLOCATED:
            deleting.start()
            while deleting.is_alive() and not waits.wait(0.01):
                pass
        append(home, event, version, digest)

    monkeypatch.setattr(disk, "lock", locked)
    monkeypatch.setattr(ledger, "append", between)
    tiny.publish(three, "both", more)
    deleting.join()
    assert ["the ensemble both:1 has it as a member" in str(one) for one in refused] == [True]
    assert stores.versions("many", three) == [1, 2, 3]
    assert fsck.check(three) == []


@pytest.fixture
def unreadable(three: Path) -> Path:
    """A store with both:1, an ensemble of many:2 whose card lost its members, and no index, which knew them."""
    tiny.publish(three, "both", ensemble_of("many:2", three))
    card = three / "both/1/model.yaml"
    card.chmod(0o644)
    card.write_text(card.read_text().replace("ensemble:", "ensembla:"))
    (three / index.FILE).unlink(missing_ok=True)
    return three


def test_nothing_is_deleted_that_an_ensemble_with_a_damaged_card_may_need(unreadable: Path) -> None:
    said = r"many:2: can't tell whether both:1 has it as a member \(.*both/1/model\.yaml was altered.*heal`, or delete"
    with pytest.raises(Failures, match=said):
        stores.delete("many:2", unreadable)
    assert stores.versions("many", unreadable) == [1, 2, 3]
    assert stores.delete("both:1", unreadable)
    assert stores.delete("many:2", unreadable)


def test_what_is_damaged_itself_can_be_deleted_beside_another_damaged_version(unreadable: Path) -> None:
    (unreadable / "many/3").chmod(0o755)
    (unreadable / "many/3/manifest.json").unlink()
    assert stores.delete("many:3", unreadable)
    assert stores.delete("both:1", unreadable)


def test_a_member_with_a_damaged_card_is_one_finding_and_not_called_lost(three: Path) -> None:
    tiny.publish(three, "both", ensemble_of("many:2", three))
    card = three / "many/2/model.yaml"
    card.chmod(0o644)
    card.write_text("{" + card.read_text()[1:])
    card.chmod(0o444)
    (three / index.FILE).unlink(missing_ok=True)
    assert [one.where for one in fsck.check(three)] == [str(card)]

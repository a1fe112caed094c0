"""An ensemble and its members: whatever is done at the same time, no ensemble is saved without one."""

from __future__ import annotations

import json
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure, Failures
from modelfleet.store import disk, fsck, ledger
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

"""A save, delete or alias that is killed at any moment leaves a store without damage and every finished save in it."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.store import fsck, mending
from tests.store.tiny import HARMLESS, publish

KILLS = 40
LONGEST_SECONDS = 0.06


def save_for_ever(store: Path, finished: Path) -> None:
    with finished.open("a", buffering=1) as ledger:
        while True:
            ledger.write(f"{publish(store)}\n")


def delete_for_ever(store: Path, finished: Path) -> None:
    while True:
        for act in (stores.restore, stores.delete):
            try:
                act("many:2", store)
            except Failure as failure:
                assert "lacks it" in failure.what  # noqa: PT017 - the last process had done the one and not the other


def alias_for_ever(store: Path, finished: Path) -> None:
    for number in count():
        stores.set_alias("many", "champion", number % 3 + 1, store)


@pytest.mark.parametrize("act", [save_for_ever, delete_for_ever, alias_for_ever])
def test_killed_at_random_moments_the_store_is_consistent(
    three: Path, tmp_path: Path, act: Callable[..., None]
) -> None:
    """40 processes, each killed with SIGKILL after 0 to 60 ms; after each the whole store is verified."""
    finished, dice = tmp_path / "finished", random.Random(0)
    finished.touch()
    for _ in range(KILLS):
        child = multiprocessing.get_context("fork").Process(target=act, args=(three, finished))
        child.start()
        time.sleep(dice.uniform(0, LONGEST_SECONDS))
        assert child.exitcode is None
        child.kill()
        child.join()
        assert [finding for finding in fsck.check(three) if finding.kind not in HARMLESS] == []
        assert {1, 3, *map(int, finished.read_text().split())} <= set(stores.versions("many", three))
    mending.mend(three)
    assert fsck.check(three) == []
    assert all(stores.find(f"many:{version}", three) for version in stores.versions("many", three))
    assert publish(three) > max(3, *map(int, finished.read_text().split()), 3)


def test_what_a_killed_save_left_is_removed_by_the_next_and_a_running_one_is_not(tmp_path: Path) -> None:
    home = tmp_path / "many"
    (home / ".incoming-1-dead").mkdir(parents=True)
    (home / ".incoming-1-dead/model.onnx").write_text("half")
    assert [finding.kind for finding in fsck.check(tmp_path)] == ["leftover"]
    with stores.incoming("many", tmp_path) as running:
        assert fsck.check(tmp_path) == []
        publish(tmp_path)
        assert running.is_dir()
    assert sorted(entry.name for entry in home.glob(".incoming*")) == []

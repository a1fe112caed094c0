"""Killed at any moment, replicate and heal leave each copy whole or absent, and the next run ends the work."""

from __future__ import annotations

import functools
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from modelfleet.copies import heal, replicate, survey
from modelfleet.copies.holders.agent import examining
from modelfleet.store import fsck
from tests.copies.conftest import Hosts, flip
from tests.store.tiny import HARMLESS, publish

KILLS = 40
LONGEST_SECONDS = 0.5


def replicating(hosts: Hosts, store: Path, turn: int) -> None:
    replicate.run(hosts.target, store)


def healing(hosts: Hosts, store: Path, turn: int) -> None:
    heal.run(store)


def spoil(hosts: Hosts, store: Path, turn: int) -> None:
    """Before each kill: a new version, and damage in the store, to a ledger too, and on a host."""
    publish(store, "many", size=500_000)
    if turn % 2:
        flip(store / "few/1/model.onnx", turn)
        flip(store / "few/ledger.jsonl", turn)
    for copy in hosts.copies("many:1")[: turn % 2]:
        flip(copy / "model.onnx", turn)


@pytest.mark.parametrize("act", [replicating, healing])
def test_after_every_kill_each_copy_is_whole_or_absent(
    origin: Path, hosts: Hosts, act: Callable[[Hosts, Path, int], None]
) -> None:
    """40 kills, of the controller alone or of the hosts' ends with it, after 0 to 0.5 s; all is verified each time."""
    replicating(hosts, origin, 0)
    dice, interrupted = random.Random(1), 0
    for turn in range(KILLS):
        if act is healing:
            spoil(hosts, origin, turn)
        else:
            publish(origin, "many", size=500_000)
        interrupted += killed(functools.partial(act, hosts, origin, turn), dice.uniform(0, LONGEST_SECONDS), turn % 2)
        damaged = {finding.name for finding in fsck.check(origin) if finding.kind not in HARMLESS}
        assert damaged <= ({"few"} if act is healing else set())
        for host in hosts.names:
            wrong = [copy for copy in sorted((hosts.folder / host).glob("copies/models/*/*")) if broken(copy)]
            assert [copy.parent.name for copy in wrong] == ["many"] * len(wrong)
            assert act is healing or not wrong
    assert interrupted > KILLS / 4
    assert heal.run(origin).remains == ()
    assert survey.check(origin) == []


def broken(copy: Path) -> bool:
    return any(flaw["kind"] != "writable" for flaw in examining.examined(copy)["wrong"])


def killed(act: Callable[[], None], seconds: float, both: int) -> bool:
    """Run it in a process, kill that after a while, or it and all that it started; tell whether it was at work."""

    def leading() -> None:
        os.setsid()
        act()

    child = multiprocessing.get_context("fork").Process(target=leading)
    child.start()
    child.join(seconds)
    alive = child.exitcode is None
    if alive and both and os.getpgid(child.pid or 0) == child.pid:
        os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.join()
    return alive

"""A store that was lost comes back from copies and from releases, and nothing that is there is overwritten."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.copies import contents, recover, replicate, survey
from modelfleet.copies.holders import hosts as host_holders
from modelfleet.copies.holders import streams
from modelfleet.errors import Failure, Failures
from modelfleet.store import audit, disk
from modelfleet_service.model import File
from tests.copies.conftest import Hosts, flip
from tests.store.tiny import publish


@pytest.fixture
def lost(origin: Path, hosts: Hosts, tmp_path: Path) -> Path:
    """A store's path after it was replicated and lost; origin is what it was."""
    stores.set_alias("many", "champion", 2, origin)
    stores.delete("many:3", origin)
    replicate.run(hosts.target, origin)
    return tmp_path / "lost"


def test_all_of_it_comes_back_with_equal_digests_aliases_trash_and_log(lost: Path, origin: Path, hosts: Hosts) -> None:
    report = recover.run(hosts.target, lost)
    assert report.is_complete
    assert {row.state for row in report.versions} == {"recovered"}
    assert contents.digests(lost) == contents.digests(origin)
    assert stores.find("many@champion", lost).version == 2
    assert stores.versions("many", lost) == [1, 2]
    assert audit.read(lost)[: len(audit.read(origin))] == audit.read(origin)
    assert publish(lost) == 4
    assert replicate.run(hosts.target, lost).is_complete


def test_one_host_of_three_may_be_gone(lost: Path, hosts: Hosts) -> None:
    hosts.gone = {"two"}
    report = recover.run(hosts.target, lost)
    assert [failure.where for failure in report.failed] == ["two"]
    assert {row.state for row in report.versions} == {"recovered"}


def test_a_copy_that_is_damaged_is_not_taken(lost: Path, origin: Path, hosts: Hosts) -> None:
    flip(hosts.copies("many:1")[0] / "model.onnx")
    assert recover.run(hosts.target, lost).is_complete
    assert contents.digests(lost) == contents.digests(origin)
    for copy in hosts.copies("few:1"):
        flip(copy / "model.onnx")
    disk.remove(lost)
    states = {row.reference: row.state for row in recover.run(hosts.target, lost).versions}
    assert states == {"many:1": "recovered", "many:2": "recovered", "many:3": "recovered", "few:1": "lost"}


def test_the_models_of_releases_and_of_their_members_come_back_too(origin: Path, hosts: Hosts, tmp_path: Path) -> None:
    release = hosts.folder / "one/many/releases/0123456789ab"
    shutil.copytree(origin / "many/2", release / "model")
    shutil.copytree(origin / "few/1", release / "members/abcdef")
    report = recover.run(hosts.target, tmp_path / "new")
    assert [(row.reference, row.state) for row in report.versions] == [("few:1", "recovered"), ("many:2", "recovered")]
    assert stores.find("many:2", tmp_path / "new").digest == stores.find("many:2", origin).digest
    assert publish(tmp_path / "new") == 3


def test_a_version_with_another_digest_is_never_overwritten(lost: Path, hosts: Hosts) -> None:
    publish(lost, "many", more="tags: [other]\n")
    mine = stores.find("many:1", lost).digest
    report = recover.run(hosts.target, lost)
    assert {row.reference: row.state for row in report.versions if row.version == 1 and row.name == "many"} == {
        "many:1": "refused"
    }
    assert "different digests" in str(report.failed[0])
    assert stores.find("many:1", lost).digest == mine
    assert stores.find("few:1", lost)


def test_a_second_run_changes_nothing(lost: Path, hosts: Hosts) -> None:
    recover.run(hosts.target, lost)
    replicate.run(hosts.target, lost)
    again = recover.run(hosts.target, lost)
    assert ({row.state for row in again.versions}, again.documents) == ({"there"}, ())
    assert survey.check(lost) == []


def test_with_no_host_there_is_nothing_to_recover_from(lost: Path, hosts: Hosts) -> None:
    hosts.gone = set(hosts.names)
    with pytest.raises(Failures, match="No route to host"):
        recover.run(hosts.target, lost)


def test_a_fetch_that_a_full_disk_breaks_off_is_one_line_and_the_session_goes_on(
    lost: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills midway can't be had here: the first file of many:1 is refused after its first bytes."""
    write = streams.written

    def refuse(chunks: Iterable[bytes], target: Path, file: File, where: str) -> None:
        if "many/1" in where:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(chunks, target, file, where)

    monkeypatch.setattr(host_holders, "written", refuse)
    report = recover.run(hosts.target, lost)
    states = {row.reference: (row.state, row.what) for row in report.versions}
    assert states.pop("many:1")[0] == "refused"
    assert {state for state, _ in states.values()} == {"recovered"}


def test_no_store_is_made_where_its_disk_is_not_mounted(hosts: Hosts, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="the folder it is to be in is not there"):
        recover.run(hosts.target, tmp_path / "gone/store")
    assert not (tmp_path / "gone").exists()

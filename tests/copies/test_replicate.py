"""Copies on hosts: how many, what is sent, and what is refused."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest
from fsspec.registry import _registry

from modelfleet import store as stores
from modelfleet.copies import contents, heal, plan, refusing, replicate, survey, targets
from modelfleet.copies.targets import Target
from modelfleet.errors import Failure, Failures
from tests.copies.conftest import Hosts, flip
from tests.store.tiny import publish, write

REFERENCES = ("many:1", "many:2", "many:3", "few:1")


def sent(report: replicate.Report) -> int:
    return sum(row.sent_bytes for row in report.holders)


def test_each_version_is_on_as_many_hosts_as_was_said_byte_by_byte(origin: Path, hosts: Hosts) -> None:
    assert replicate.run(hosts.target, origin).is_complete
    for reference in REFERENCES:
        copies = hosts.copies(reference)
        assert len(copies) == 2
        for path in (origin / reference.replace(":", "/")).iterdir():
            assert {(copy / path.name).read_bytes() for copy in copies} == {path.read_bytes()}
    assert survey.check(origin) == []


def test_a_second_run_sends_nothing_and_a_new_version_alone_is_sent(origin: Path, hosts: Hosts) -> None:
    replicate.run(hosts.target, origin)
    assert sent(replicate.run(hosts.target, origin)) == 0
    publish(origin, "many", size=9000)
    assert sum(row.sent for row in replicate.run(hosts.target, origin).holders) == 2


def test_what_a_deploy_brought_is_linked_and_not_sent(origin: Path, hosts: Hosts) -> None:
    for name in hosts.names:
        blobs = hosts.folder / name / "blobs/sha256"
        blobs.mkdir(parents=True)
        for path in origin.glob("*/[0-9]/*"):
            shutil.copy(path, blobs / hashlib.sha256(path.read_bytes()).hexdigest())
    report = replicate.run(hosts.target, origin)
    documents = len(hosts.names) * sum(map(len, contents.documents(origin).values()))
    assert (sent(report), sum(row.sent for row in report.holders)) == (documents, 8)
    assert all(path.stat().st_nlink > 1 for copy in hosts.copies("few:1") for path in copy.iterdir())


def test_an_altered_blob_is_not_linked(origin: Path, hosts: Hosts) -> None:
    blob = hosts.folder / "one/blobs/sha256" / hashlib.sha256((origin / "few/1/model.onnx").read_bytes()).hexdigest()
    blob.parent.mkdir(parents=True)
    blob.write_text("something else")
    replicate.run(Target(hosts.target.target, 3), origin)
    assert survey.check(origin) == []


def test_a_host_that_has_a_good_copy_keeps_it_when_hosts_come(origin: Path, hosts: Hosts) -> None:
    hosts.names = ("one", "two")
    replicate.run(hosts.target, origin)
    hosts.names = ("one", "two", "three", "four", "five")
    assert sum(row.sent for row in replicate.run(hosts.target, origin).holders) == 0


def test_hosts_are_chosen_evenly_and_a_leaving_one_moves_only_its_own() -> None:
    names = [f"host{number}" for number in range(10)]
    before = {number: set(plan.chosen(f"sha256:{number}", names, set(), 2)) for number in range(1000)}
    after = {number: set(plan.chosen(f"sha256:{number}", names[:-1], set(), 2)) for number in range(1000)}
    assert all(len(before[number] - after[number]) <= ("host9" in before[number]) for number in before)
    counts = [sum(name in chosen for chosen in before.values()) for name in names]
    assert 150 < min(counts) <= max(counts) < 250


@pytest.mark.parametrize("copies", [0, 4])
def test_more_copies_than_hosts_or_none_are_refused(origin: Path, hosts: Hosts, copies: int) -> None:
    with pytest.raises(Failure, match=f"{copies} copies can't be on 3 hosts"):
        replicate.run(Target(hosts.target.target, copies), origin)


def test_it_goes_on_without_a_host_that_is_down_and_says_so(origin: Path, hosts: Hosts) -> None:
    hosts.gone = {"one"}
    report = replicate.run(hosts.target, origin)
    assert [(failure.where, "No route to host" in failure.what) for failure in report.failed] == [("one", True)]
    assert all(len(hosts.copies(reference)) == 2 for reference in REFERENCES)
    assert [finding.kind for finding in survey.check(origin)] == ["unreachable"]


def test_with_too_few_hosts_up_nothing_is_sent(origin: Path, hosts: Hosts) -> None:
    hosts.gone = {"one", "two"}
    with pytest.raises(Failures, match="only 1 hosts can be used and 2 copies are wanted"):
        replicate.run(hosts.target, origin)
    assert hosts.copies("many:1") == []


def test_a_store_that_was_lost_and_began_anew_overwrites_no_copy(origin: Path, hosts: Hosts, tmp_path: Path) -> None:
    replicate.run(hosts.target, origin)
    publish(tmp_path / "anew", "many", more="tags: [other]\n")
    with pytest.raises(Failures, match="many:1 there is another version than the store's"):
        replicate.run(hosts.target, tmp_path / "anew")
    assert survey.check(origin) == []


def test_a_damaged_version_is_not_copied_and_named_and_the_others_are(origin: Path, hosts: Hosts) -> None:
    flip(origin / "many/2/model.onnx")
    report = replicate.run(hosts.target, origin)
    assert [finding.where for finding in report.findings] == [str(origin / "many/2/model.onnx")]
    assert (len(hosts.copies("many:2")), len(hosts.copies("many:3"))) == (0, 2)


def test_a_full_host_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(Failure, match=r"one: copies need 1167\.1 MB there and 500\.0 MB are free"):
        refusing.full("one", 1_000_000_000, 500_000_000)


def test_copies_are_read_only_and_deleted_versions_have_theirs_too(origin: Path, hosts: Hosts) -> None:
    stores.delete("many:2", origin)
    replicate.run(hosts.target, origin)
    assert len(hosts.copies("many:2")) == 2
    assert all(not path.stat().st_mode & 0o222 for copy in hosts.copies("many:2") for path in (copy, *copy.iterdir()))


def test_two_runs_of_one_store_do_not_collide(origin: Path, hosts: Hosts) -> None:
    with targets.alone(origin), pytest.raises(Failure, match="another replicate, heal or recover is at work"):
        replicate.run(hosts.target, origin)


def test_an_url_that_needs_an_extra_says_which(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(_registry, "s3", raising=False)  # kept there by whoever used it before
    with pytest.raises(Failures, match=r"pip install -e '\.\[s3\]'"):
        replicate.run(Target("s3://bucket/here"), origin)


def test_altered_aliases_replace_no_copy_and_come_back_by_heal(origin: Path, hosts: Hosts) -> None:
    stores.set_alias("many", "champion", 2, origin)
    assert replicate.run(hosts.target, origin).is_complete
    file = origin / "many/aliases.json"
    was = file.read_bytes()
    flip(file)
    assert [one.where for one in replicate.run(hosts.target, origin).findings] == [str(file)]
    assert {copy.read_bytes() for copy in hosts.folder.glob("*/copies/store/many/aliases.json")} == {was}
    assert heal.run(origin).remains == ()
    assert stores.aliases("many", origin) == {"champion": 2}


def test_a_damaged_file_is_not_sent_for_another_version_that_has_the_same(tmp_path: Path, hosts: Hosts) -> None:
    store = tmp_path / "twins"
    for _ in range(2):
        with stores.incoming("many", store) as folder, stores.next_version("many", store) as version:
            (folder / "shared.lock").write_text("numpy==2\n")
            write(folder, "many", version)
            stores.publish(folder, "many", version, store)
    flip(store / "many/2/shared.lock")
    report = replicate.run(hosts.target, store)
    assert ([one.where for one in report.findings], report.failed) == ([str(store / "many/2/shared.lock")], ())
    assert len(hosts.copies("many:1")) == 2
    assert hosts.copies("many:2") == []

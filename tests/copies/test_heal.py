"""Damage anywhere is found with its place named, and healed from a good copy."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modelfleet import signing as signer
from modelfleet import store as stores
from modelfleet.copies import heal, replicate, survey, versions
from tests.copies.conftest import Hosts, flip, meanwhile
from tests.signing import key
from tests.store.tiny import publish


def removed(folder: Path) -> None:
    folder.chmod(0o755)
    shutil.rmtree(folder)


def truncated(folder: Path) -> None:
    (folder / "model.onnx").chmod(0o644)
    (folder / "model.onnx").write_bytes(b"half")


def lacking(folder: Path) -> None:
    folder.chmod(0o755)
    (folder / "model.yaml").unlink()


def added(folder: Path) -> None:
    folder.chmod(0o755)
    (folder / "more.txt").write_text("more")


def flipped(folder: Path) -> None:
    flip(folder / "model.onnx")


def other(folder: Path) -> None:
    flip(folder / "manifest.json")


DAMAGES = [removed, truncated, lacking, added, flipped, other]


@pytest.fixture
def copied(origin: Path, hosts: Hosts) -> Path:
    """The store, with two copies of each version, and an alias."""
    stores.set_alias("many", "champion", 2, origin)
    assert replicate.run(hosts.target, origin).is_complete
    return origin


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_version_of_the_store_is_brought_back_and_the_damaged_one_kept(
    copied: Path, hosts: Hosts, damage: Callable[[Path], None]
) -> None:
    was = {path.name: path.read_bytes() for path in (copied / "many/2").iterdir()}
    damage(copied / "many/2")
    assert survey.check(copied) != []
    report = heal.run(copied)
    assert report.remains == ()
    assert {path.name: path.read_bytes() for path in (copied / "many/2").iterdir()} == was
    assert (copied / ".trash/.damaged/many-2.1").is_dir() == (damage is not removed)
    assert stores.find("many@champion", copied).version == 2


@pytest.mark.parametrize("file", ["model.onnx", "manifest.sig"])
def test_what_is_damaged_stays_in_its_place_where_the_disk_refuses_the_good_one(
    copied: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """A disk that fills in that very moment can't be had here: it is stood for by the calls that it refuses."""
    signer.sign("many:2", key("ann"), "trainer", copied)
    assert replicate.run(hosts.target, copied).is_complete
    flip(copied / "many/2" / file, 60)
    was = {path.name: path.read_bytes() for path in (copied / "many/2").iterdir()}
    for call in ("rename", "replace"):
        monkeypatch.setattr(Path, call, refusing(getattr(Path, call)))
    report = heal.run(copied)
    assert ["nothing was changed" in one.what for one in report.failed] == [True]
    assert {path.name: path.read_bytes() for path in (copied / "many/2").iterdir()} == was
    assert list((copied / ".trash/.damaged").iterdir()) == []


def refusing(call: Callable[[Path, Path], object]) -> Callable[[Path, Path], object]:
    """Refuse to move what is new to its place; what is damaged can be moved."""

    def moved(source: Path, target: Path) -> object:
        if source.name.startswith((".incoming-", ".2.sig")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return call(source, target)

    return moved


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_copy_is_found_with_host_and_path_and_healed(
    copied: Path, hosts: Hosts, damage: Callable[[Path], None]
) -> None:
    copy = hosts.copies("many:2")[0]
    host = copy.relative_to(hosts.folder).parts[0]
    damage(copy)
    found = survey.check(copied)
    assert any(finding.where.startswith(f"{host}:{copy}") for finding in found) or damage is removed
    assert any(finding.kind == "few" for finding in found)
    assert heal.run(copied).remains == ()


def test_a_version_damaged_in_the_store_and_on_one_host_is_healed_everywhere(copied: Path, hosts: Hosts) -> None:
    flipped(copied / "few/1")
    flipped(hosts.copies("few:1")[0])
    assert heal.run(copied).remains == ()


def test_what_is_damaged_everywhere_is_said_and_nothing_of_it_is_touched(copied: Path, hosts: Hosts) -> None:
    for folder in (copied / "few/1", *hosts.copies("few:1")):
        flipped(folder)
    report = heal.run(copied)
    assert [str(f) for f in report.failed] == ["few:1: no holder has a good copy; save the model again"]
    assert {finding.name for finding in report.remains} == {"few"}
    assert (copied / "few/1/model.onnx").exists()


@pytest.mark.parametrize("file", ["many/ledger.jsonl", "audit.jsonl", "many/aliases.json"])
def test_a_document_of_the_store_that_was_altered_or_lost_is_brought_back(
    copied: Path, hosts: Hosts, file: str
) -> None:
    was = (copied / file).read_bytes()
    flip(copied / file, 30)
    assert heal.run(copied).remains == ()
    assert (copied / file).read_bytes()[: len(was)] == was
    (copied / file).unlink()
    assert heal.run(copied).remains == ()
    assert stores.aliases("many", copied) == {"champion": 2}
    assert publish(copied) == 4


def test_an_altered_document_on_a_host_is_found_and_healed(copied: Path, hosts: Hosts) -> None:
    flip(hosts.folder / "one/copies/store/many/ledger.jsonl", 30)
    found = survey.check(copied)
    assert [finding.where for finding in found] == [f"one:{hosts.folder}/one/copies/store/many/ledger.jsonl"]
    assert heal.run(copied).remains == ()


def test_a_deleted_version_is_healed_in_the_trash(copied: Path, hosts: Hosts) -> None:
    stores.delete("many:3", copied)
    flipped(copied / ".trash/many/3")
    assert heal.run(copied).remains == ()
    assert stores.versions("many", copied) == [1, 2]
    assert stores.restore("many:3", copied)
    assert stores.find("many:3", copied)


def test_a_sound_store_is_left_alone(copied: Path) -> None:
    assert heal.run(copied) == heal.Report((), (), ())


def test_a_version_that_is_deleted_while_its_copy_arrives_is_healed_in_the_trash(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flipped(copied / "many/3")
    meanwhile(monkeypatch, versions, "_fetch", lambda: stores.delete("many:3", copied))
    assert heal.run(copied).remains == ()
    assert stores.versions("many", copied) == [1, 2]
    assert stores.find(stores.restore("many:3", copied), copied)


def test_a_version_that_is_whole_is_not_set_aside_for_a_damaged_twin_in_the_trash(copied: Path) -> None:
    shutil.copytree(copied / "many/3", copied / ".trash/many/3")
    flip(copied / ".trash/many/3/model.onnx")
    was = (copied / "many/3").stat().st_ino
    report = heal.run(copied)
    assert "many:3: is whole at" in str(report.failed[0])
    assert (copied / "many/3").stat().st_ino == was

"""Valid signatures outlive any damage: the last good ones are neither overwritten nor dropped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelfleet import signing as signer
from modelfleet import store as stores
from modelfleet.copies import contents, heal, recover, replicate, survey
from modelfleet.copies import signatures as bringing
from modelfleet.copies.targets import Target
from modelfleet.errors import Failure
from modelfleet.store import fsck
from modelfleet.store import signed as records
from modelfleet_service import signing
from tests.copies.conftest import Hosts, flip, meanwhile
from tests.signing import key, public, sign
from tests.store.tiny import full, publish


@pytest.fixture(params=["hosts", "url"])
def target(request: pytest.FixtureRequest, hosts: Hosts, tmp_path: Path) -> Target:
    """Two of three hosts, and a URL."""
    return hosts.target if request.param == "hosts" else Target(f"file://{tmp_path}/url", 1)


@pytest.fixture
def signed(tmp_path: Path, target: Target) -> Path:
    """A store with many:1, signed and copied."""
    store = tmp_path / "signed"
    publish(store)
    (store / "many/1").chmod(0o755)
    sign(stores.find("many:1", store), ann="trainer")
    (store / "many/1").chmod(0o555)
    assert replicate.run(target, store).is_complete
    return store


def flipped(file: Path) -> None:
    flip(file, 60)


def dropped(file: Path) -> None:
    file.parent.chmod(0o755)
    file.unlink()
    file.parent.chmod(0o555)


def copies(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("many/1/manifest.sig") if "signed" not in file.parts]


@pytest.mark.parametrize("damage", [flipped, dropped])
def test_lost_or_altered_signatures_are_healed_from_a_copy(
    signed: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    file = signed / "many/1/manifest.sig"
    was = file.read_bytes()
    damage(file)
    assert survey.check(signed)[0].where == str(file)
    assert heal.run(signed).remains == ()
    assert {one.read_bytes() for one in (file, *copies(tmp_path))} == {was}
    assert signing.verify_all(stores.find("many:1", signed))


@pytest.mark.parametrize("damage", [flipped, dropped])
def test_replicate_never_replaces_the_signatures_of_a_copy_by_none_or_altered_ones(
    signed: Path, tmp_path: Path, target: Target, damage: Callable[[Path], None]
) -> None:
    was = {file: file.read_bytes() for file in copies(tmp_path)}
    damage(signed / "many/1/manifest.sig")
    for folder in {file.parent for file in was}:
        flip(folder / "model.onnx")
    report = replicate.run(target, signed)
    assert {file: file.read_bytes() for file in was} == was
    assert [one.file for one in report.findings] == ["manifest.sig"] * (damage is flipped)


def test_a_version_healed_whole_takes_the_signatures_of_the_copy(signed: Path) -> None:
    flipped(signed / "many/1/manifest.sig")
    flip(signed / "many/1/model.onnx")
    assert heal.run(signed).remains == ()
    assert signing.verify_all(stores.find("many:1", signed))


def test_signatures_altered_everywhere_are_said_and_left(signed: Path, tmp_path: Path) -> None:
    for file in (signed / "many/1/manifest.sig", *copies(tmp_path)):
        flipped(file)
    report = heal.run(signed)
    assert [failure.what for failure in report.failed] == ["no holder has a good copy"]
    assert str(signed / "many/1/manifest.sig") in {one.where for one in report.remains}
    assert not (signed / ".trash").exists()


def test_recover_takes_signatures_that_the_store_lacks(signed: Path, target: Target) -> None:
    dropped(signed / "many/1/manifest.sig")
    assert recover.run(target, signed).is_complete
    assert signing.verify_all(stores.find("many:1", signed))


@pytest.fixture
def vouched(signed: Path, target: Target) -> Path:
    """The store with a second signature, of which the audit log knows."""
    signer.sign("many:1", key("bea"), "approver", signed)
    assert replicate.run(target, signed).is_complete
    return signed


def cut(file: Path) -> None:
    """Take the approver's signature out, and leave a valid file."""
    kept = [one for one in signing.read(file.parent) if one.role == "trainer"]
    dropped(file)
    file.parent.chmod(0o755)
    file.write_bytes(signing.encode(kept))
    file.chmod(0o444)
    file.parent.chmod(0o555)


@pytest.mark.parametrize("damage", [dropped, cut])
def test_a_signature_that_the_log_knows_is_one_finding_and_healed(
    vouched: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    file = vouched / "many/1/manifest.sig"
    was = file.read_bytes()
    damage(file)
    assert [one.where for one in survey.check(vouched)] == ["many:1"]
    assert heal.run(vouched).remains == ()
    assert {one.read_bytes() for one in (file, *copies(tmp_path))} == {was}


@pytest.mark.parametrize("damage", [dropped, cut])
def test_replicate_says_that_a_signature_is_lost_and_leaves_those_of_copies(
    vouched: Path, tmp_path: Path, target: Target, damage: Callable[[Path], None]
) -> None:
    was = {file: file.read_bytes() for file in copies(tmp_path)}
    damage(vouched / "many/1/manifest.sig")
    assert [one.kind for one in replicate.run(target, vouched).findings] == ["unsigned"]
    assert {file: file.read_bytes() for file in was} == was


def test_heal_joins_a_signature_made_anew_with_those_of_a_copy(vouched: Path) -> None:
    dropped(vouched / "many/1/manifest.sig")
    signer.sign("many:1", key("cyd"), "trainer", vouched)
    assert heal.run(vouched).remains == ()
    assert len(signing.verify_all(stores.find("many:1", vouched))) == 3


def test_a_lost_signature_that_no_copy_has_is_said(vouched: Path, tmp_path: Path) -> None:
    for file in (vouched / "many/1/manifest.sig", *copies(tmp_path)):
        dropped(file)
    report = heal.run(vouched)
    assert [str(one).partition("; ")[2] for one in report.failed] == ["have the model signed again"]
    assert "unsigned" in {one.kind for one in report.remains}


def test_a_recovery_without_all_signatures_is_not_complete(vouched: Path, tmp_path: Path, target: Target) -> None:
    dropped(vouched / "many/1/manifest.sig")
    for file in copies(tmp_path):
        cut(file)
    report = recover.run(target, vouched)
    assert [one.what for one in report.failed] == ["no holder has all of its signatures"]


def test_no_copy_brings_a_withdrawn_signature_back(vouched: Path, tmp_path: Path) -> None:
    """Neither when another one is lost, nor when the version is damaged."""
    file = vouched / "many/1/manifest.sig"
    signer.unsign("many:1", "approver", store_path=vouched)
    trainers = file.read_bytes()
    signer.sign("many:1", key("cyd"), "owner", vouched)
    both = file.read_bytes()
    cut(file)
    heal.run(vouched)
    assert file.read_bytes() == trainers
    signer.unsign("many:1", "owner", store_path=vouched)
    dropped(file)
    flip(vouched / "many/1/model.onnx")
    assert heal.run(vouched).remains == ()
    assert {one.read_bytes() for one in (file, *copies(tmp_path))} == {trainers} != {both}


def test_when_all_signatures_are_withdrawn_a_recovered_store_has_none(
    vouched: Path, tmp_path: Path, target: Target
) -> None:
    for role in ("trainer", "approver"):
        signer.unsign("many:1", role, store_path=vouched)
    assert {one.kind for one in survey.check(vouched)} == {"stale"}
    assert replicate.run(target, vouched).is_complete
    assert {one.read_bytes() for one in copies(tmp_path)} == {signing.encode([])}
    vouched.rename(tmp_path / "aside")
    assert recover.run(target, vouched).is_complete
    assert signing.verify_all(stores.find("many:1", vouched)) == ()
    assert survey.check(vouched) == []


def test_what_is_signed_or_withdrawn_while_a_copy_is_read_counts(
    vouched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainer's signature is lost; meanwhile the approver's is withdrawn, and another one comes."""
    dropped(vouched / "many/1/manifest.sig")

    def act() -> None:
        signer.unsign("many:1", "approver", store_path=vouched)
        signer.sign("many:1", key("cyd"), "owner", vouched)

    meanwhile(monkeypatch, bringing, "_joined", act)
    assert heal.run(vouched).failed == ()
    assert {one.role for one in signing.verify_all(stores.find("many:1", vouched))} == {"trainer", "owner"}


def test_a_withdrawal_that_is_cut_off_is_a_finding_until_it_is_repeated(
    vouched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(records, "put", cut_off)
        with pytest.raises(KeyboardInterrupt):
            signer.unsign("many:1", "approver", store_path=vouched)
    assert [one.kind for one in fsck.check(vouched)] == ["withdrawn"]
    signer.unsign("many:1", "approver", store_path=vouched)
    assert fsck.check(vouched) == []


def half_withdrawn(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have bea's approval withdrawn in the log alone."""
    with monkeypatch.context() as patch:
        patch.setattr(records, "put", full)
        with pytest.raises(Failure, match="the log says already that it is withdrawn"):
            signer.unsign("many:1", "approver", public("bea"), store)


def test_a_signature_withdrawn_by_half_counts_no_more_and_is_not_copied(
    vouched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer.sign("many:1", key("cyd"), "approver", vouched)
    half_withdrawn(vouched, monkeypatch)
    model = stores.find("many:1", vouched)
    assert [one.key for one in signer.standing(model) if one.role == "approver"] == [public("cyd")]
    (found,) = fsck.check(vouched)
    assert found.cure == f"`modelfleet model unsign many:1 --role approver --key {public('bea')}`"
    assert contents.originals(vouched)[0][0].signatures == ""
    assert not replicate.run(Target(f"file://{tmp_path}/fresh"), vouched).is_complete
    assert not (tmp_path / "fresh/store/many/1/manifest.sig").exists()
    signer.unsign("many:1", "approver", public("bea"), vouched)
    assert fsck.check(vouched) == []
    assert {one.key for one in signing.verify_all(model)} == {public("ann"), public("cyd")}


def test_signing_again_after_half_a_withdrawal_puts_the_signature_in_force(
    vouched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_withdrawn(vouched, monkeypatch)
    assert not signer.sign("many:1", key("bea"), "approver", vouched).new
    assert {one.role for one in signer.standing(stores.find("many:1", vouched))} == {"trainer", "approver"}
    assert fsck.check(vouched) == []


def test_an_altered_file_without_signatures_is_healed_from_a_copy(vouched: Path, target: Target) -> None:
    file = vouched / "many/1/manifest.sig"
    for role in ("trainer", "approver"):
        signer.unsign("many:1", role, store_path=vouched)
    assert replicate.run(target, vouched).is_complete
    good = file.read_bytes()
    flip(file, 2)
    assert heal.run(vouched).remains == ()
    assert file.read_bytes() == good
    assert survey.check(vouched) == []

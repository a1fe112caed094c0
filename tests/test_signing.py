"""Signing a saved version: verified first, added in one step, and nothing else of the version changes."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelfleet import signing
from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.store import audit, fsck, records
from modelfleet_service import model as models
from modelfleet_service import signing as signatures
from tests.signing import key, public, small_model
from tests.store.tiny import NOBODY, full

ROLES = ["trainer", "approver"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a small digits:3, read-only as published models are."""
    model = small_model(tmp_path / "store/digits/3")
    for path in [*model.path.iterdir(), model.path]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return tmp_path / "store"


def test_a_version_is_signed_and_stays_read_only(store: Path) -> None:
    before = models.read(store / "digits/3")
    done = signing.sign("digits:3", key("ann"), "trainer", store)
    folder = store / "digits/3"
    assert (done.new, done.model.digest) == (True, before.digest)
    assert signatures.verify_all(models.read(folder)) == (done.signature,)
    assert [path.name for path in [folder, *folder.iterdir()] if path.stat().st_mode & 0o222] == []
    assert [path.name for path in (store / "digits").iterdir() if "sig" in path.name] == []


def test_a_second_signature_is_added_to_the_first(store: Path) -> None:
    for owner, role in (("ann", "trainer"), ("bea", "approver"), ("ann", "approver")):
        signing.sign("digits:3", key(owner), role, store)
    assert len(signatures.verify_all(models.read(store / "digits/3"))) == 3


def test_signing_again_changes_nothing_and_says_when_it_was_signed(store: Path) -> None:
    first = signing.sign("digits:3", key("ann"), "trainer", store)
    kept = (store / "digits/3/manifest.sig").read_bytes()
    again = signing.sign("digits:3", key("ann"), "trainer", store)
    assert (again.new, again.signature) == (False, first.signature)
    assert (store / "digits/3/manifest.sig").read_bytes() == kept


def test_of_signers_side_by_side_none_is_lost(store: Path) -> None:
    jobs = [(f"owner {number}", role) for number in range(6) for role in ROLES]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda job: signing.sign("digits:3", key(job[0]), job[1], store), jobs))
    assert len(signatures.verify_all(models.read(store / "digits/3"))) == 12


def _sign_on_and_on(store: Path) -> None:
    for number in itertools.count():
        signing.sign("digits:3", key(f"owner {number % 5}"), f"role-{os.getpid()}-{number}", store)


def _await_another(file: Path, inode: int) -> None:
    deadline = time.monotonic() + 60
    while _inode(file) == inode:
        assert time.monotonic() < deadline, "nothing was signed for a minute"
        time.sleep(0.001)


def _inode(file: Path) -> int:
    return file.stat().st_ino if file.exists() else 0


def test_a_kill_at_any_moment_leaves_the_version_whole_and_its_signatures_valid(store: Path) -> None:
    """40 kills -9 of a process that signs again and again, 0 to 60 ms after its first signature or a later one."""
    dice, least, file = random.Random(0), 0, store / "digits/3/manifest.sig"
    for _ in range(40):
        process = multiprocessing.get_context("fork").Process(target=_sign_on_and_on, args=(store,))
        before = _inode(file)
        process.start()
        _await_another(file, before)
        time.sleep(dice.uniform(0, 0.06))
        process.kill()
        process.join()
        found = len(signatures.verify_all(models.read(store / "digits/3")))
        assert found > least
        least = found


def test_a_model_that_was_altered_is_not_signed(store: Path) -> None:
    card = store / "digits/3/model.yaml"
    card.chmod(0o644)
    card.write_text(card.read_text().replace("digits", "digets"))
    with pytest.raises(Failure, match=r"model\.yaml: was altered"):
        signing.sign("digits:3", key("ann"), "trainer", store)
    assert not (store / "digits/3/manifest.sig").exists()


def test_a_false_signature_beside_is_not_overwritten(store: Path) -> None:
    signing.sign("digits:3", key("ann"), "trainer", store)
    path = store / "digits/3/manifest.sig"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"trainer", b"tester"))
    kept = path.read_bytes()
    with pytest.raises(Failure, match=r"manifest\.sig: the signature as 'tester' is not valid for digits:3"):
        signing.sign("digits:3", key("bea"), "approver", store)
    assert path.read_bytes() == kept


def _sign_as_nobody(store: Path, said: Path) -> None:
    os.setgroups([])
    os.setuid(NOBODY)
    try:
        signing.sign("digits:3", key("ann"), "trainer", store)
    except Failure as failure:
        said.write_text(str(failure))


@pytest.mark.skipif(os.getuid() != 0, reason="a version of another user is made by root alone")
def test_who_signs_a_version_of_somebody_else_is_told_who_can(store: Path, everyone_s: Path) -> None:
    """The kernel lets the owner of a read-only folder open it, and root: not who may write to all around it."""
    shared, said = everyone_s / "store", everyone_s / "said"
    shutil.copytree(store, shared)
    (shared / "digits").chmod(0o777)
    child = multiprocessing.get_context("fork").Process(target=_sign_as_nobody, args=(shared, said))
    child.start()
    child.join()
    assert said.read_text() == (
        f"{shared}/digits/3: can't be written (Operation not permitted); nothing was changed; "
        "only root, whose it is, can do it; or let one account keep the store for all"
    )


@pytest.mark.parametrize("role", ["", "Trainer", "a b", "a" * 300, "a\nb"])
def test_a_role_outside_the_rule_is_refused_in_a_short_line(store: Path, role: str) -> None:
    with pytest.raises(Failure, match="not a role; use lower-case") as caught:
        signing.sign("digits:3", key("ann"), role, store)
    assert len(str(caught.value)) < 150


def test_the_audit_log_says_who_signed_in_which_role_with_which_key(store: Path) -> None:
    for _ in range(2):
        signing.sign("digits:3", key("ann"), "trainer", store)
    (event,) = audit.read(store)
    said = [event[name] for name in ("act", "reference", "role", "key")]
    assert said == ["signed", "digits:3", "trainer", public("ann")]


def test_a_signature_is_withdrawn_by_role_or_by_key_and_the_log_says_so(store: Path) -> None:
    for owner, role in (("ann", "trainer"), ("bea", "approver"), ("cyd", "approver")):
        signing.sign("digits:3", key(owner), role, store)
    assert signing.unsign("digits:3", "approver", public("cyd"), store)[1] == [public("cyd")]
    assert {one.role for one in signatures.verify_all(models.read(store / "digits/3"))} == {"trainer", "approver"}
    assert signing.unsign("digits:3", "approver", store_path=store)[1] == [public("bea")]
    with pytest.raises(
        Failure, match=r"digits:3: has no signature as approver; `modelfleet model show digits:3` lists"
    ):
        signing.unsign("digits:3", "approver", store_path=store)
    signing.unsign("digits:3", "trainer", store_path=store)
    assert signatures.verify_all(models.read(store / "digits/3")) == ()
    assert [event["key"] for event in audit.read(store) if event["act"] == "unsigned"] == [
        public(owner) for owner in ("cyd", "bea", "ann")
    ]
    assert signing.sign("digits:3", key("ann"), "trainer", store).new
    assert signatures.verify_all(models.read(store / "digits/3"))


def test_a_lost_signature_is_a_finding_until_it_is_withdrawn(store: Path) -> None:
    signing.sign("digits:3", key("ann"), "trainer", store)
    (store / "digits/3").chmod(0o755)
    (store / "digits/3/manifest.sig").unlink()
    (store / "digits/3").chmod(0o555)
    assert [one.kind for one in fsck.check(store)] == ["unsigned"]
    assert signing.unsign("digits:3", "trainer", store_path=store)[1] == [public("ann")]
    assert fsck.check(store) == []


def test_fsck_accepts_a_signed_version_and_names_a_false_signature(store: Path) -> None:
    signing.sign("digits:3", key("ann"), "trainer", store)
    assert fsck.check(store) == []
    path = store / "digits/3/manifest.sig"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"trainer", b"tester"))
    (finding,) = fsck.check(store)
    assert (finding.kind, finding.file) == ("altered", "manifest.sig")


def test_a_signature_whose_record_failed_is_recorded_when_it_is_signed_again(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing.sign("digits:3", key("bea"), "approver", store)
    with monkeypatch.context() as patch:
        patch.setattr(records, "append", full)
        with pytest.raises(Failure, match="so it does not say 'signed'"):
            signing.sign("digits:3", key("ann"), "trainer", store)
    assert not signing.sign("digits:3", key("ann"), "trainer", store).new
    assert [event["role"] for event in audit.read(store)] == ["approver", "trainer"]


def test_a_version_that_is_deleted_meanwhile_is_neither_signed_nor_withdrawn(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing.sign("digits:3", key("ann"), "trainer", store)
    kept = (store / "audit.jsonl").read_bytes()
    model = stores.find("digits:3", store)
    monkeypatch.setattr(stores, "find", lambda *_: model)
    (store / "digits/3").rename(store / "digits/4")
    for act in (lambda: signing.sign("digits:3", key("bea"), "approver", store), lambda: withdraw(store)):
        with pytest.raises(Failure, match=r"^digits:3: was deleted meanwhile; `modelfleet model restore digits:3`$"):
            act()
    assert (store / "audit.jsonl").read_bytes() == kept


def withdraw(store: Path) -> None:
    signing.unsign("digits:3", "trainer", store_path=store)

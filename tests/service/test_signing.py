"""Signatures: valid for one model, version, role and signer, found where a bit differs, and each key counted once."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from modelfleet_service import model as models
from modelfleet_service import release, signing
from modelfleet_service.errors import ModelError
from modelfleet_service.model import Model
from modelfleet_service.release import open_release
from modelfleet_service.signing import Key, Signature
from tests.service.conftest import make_release
from tests.signing import entry, public, sign, signature, small_model

FLIPS = 300
KEYS = [
    Key.of(entry("ann", "trainer")),
    Key.of(entry("bea", ["trainer", "approver"])),
    Key.of(entry("cid", "approver")),
]
DEMANDED = ("trainer", "approver")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A small model, digits:3."""
    return small_model(tmp_path / "digits/3")


def test_signatures_are_read_back_and_are_no_foreign_file(model: Model) -> None:
    sign(model, ann="trainer", cid="approver")
    read = signing.verify_all(models.read(model.path))
    assert [(one.role, one.by) for one in read] == [("approver", "cid"), ("trainer", "ann")]


def test_a_signature_changes_neither_the_manifest_nor_the_digest(model: Model) -> None:
    sign(model, ann="trainer")
    assert models.read(model.path).digest == model.digest
    assert models.manifest_of(model.path) == (model.path / models.MANIFEST).read_text()


def test_a_model_without_signatures_is_one_that_nobody_signed(model: Model) -> None:
    assert signing.verify_all(model) == ()
    assert signing.require(model, [], []) == ()


def test_every_flipped_bit_of_the_signatures_is_found_and_the_file_named(model: Model) -> None:
    """300 random single-bit flips of a file with two signatures."""
    sign(model, ann="trainer", cid="approver")
    path, dice = model.path / models.SIGNATURES, random.Random(0)
    kept = path.read_bytes()
    for _ in range(FLIPS):
        content = bytearray(kept)
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"manifest\.sig"):
            signing.verify_all(model)
    path.write_bytes(kept)
    assert len(signing.verify_all(model)) == 2


def test_every_truncation_of_the_signatures_is_found(model: Model) -> None:
    sign(model, ann="trainer")
    path = model.path / models.SIGNATURES
    kept = path.read_bytes()
    for length in range(len(kept)):
        path.write_bytes(kept[:length])
        with pytest.raises(ModelError, match=r"manifest\.sig"):
            signing.verify_all(model)


def rewritten(change: Callable[[Signature], Signature]) -> Callable[[Model], bytes]:
    """Return what writes a canonical file with a changed signature."""
    return lambda model: signing.encode([change(signature(model, "ann", "trainer"))])


def loosened(key: str) -> str:
    """Write the same 32 bytes with another last letter, whose unused bits a lenient reader of base64 ignores."""
    other = key[:-2] + chr(ord(key[-2]) + 1) + "="
    assert base64.b64decode(other) == base64.b64decode(key)
    return other


@pytest.mark.parametrize(
    "change",
    [
        rewritten(lambda one: replace(one, role="approver")),
        rewritten(lambda one: replace(one, by="bea")),
        rewritten(lambda one: replace(one, signed="2027-01-01T00:00:00+00:00")),
        rewritten(lambda one: replace(one, key=public("bea"))),
        rewritten(lambda one: replace(one, key="")),
        rewritten(lambda one: replace(one, key=one.key.rstrip("="))),
        rewritten(lambda one: replace(one, key=loosened(one.key))),
        rewritten(lambda one: replace(one, signature=one.signature[:40])),
        rewritten(lambda one: replace(one, signature="ä" * 88)),
        lambda model: signing.encode([signature(model, "ann", "trainer")] * 2),
        lambda model: json.dumps(json.loads(signing.encode([signature(model, "ann", "trainer")]))).encode(),
        lambda model: signing.encode([signature(model, "ann", "trainer")]).replace(b'"format":1', b'"format":2'),
        lambda _: b'{"format":1,"signatures":[{"role":1,"key":2,"signed":3,"by":4,"signature":5}]}\n',
        lambda _: b"[" * 100_000,
        lambda _: b"\xff",
    ],
    ids=[
        *(
            "role",
            "by",
            "time",
            "other key",
            "no key",
            "unpadded key",
            "loose bits",
            "short",
            "not base64",
            "twice",
        ),
        *("not canonical", "other format", "numbers", "deep", "not text"),
    ],
)
def test_a_file_that_no_signer_wrote_is_refused(model: Model, change: Callable[[Model], bytes]) -> None:
    (model.path / models.SIGNATURES).write_bytes(change(model))
    with pytest.raises(ModelError, match=r"manifest\.sig"):
        signing.verify_all(model)


def test_a_linked_file_of_signatures_is_refused(model: Model, tmp_path: Path) -> None:
    sign(model, ann="trainer")
    path = model.path / models.SIGNATURES
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="no plain file"):
        signing.verify_all(model)


@pytest.mark.parametrize(("name", "version"), [("digits", 4), ("digit", 3), ("digits2", 3), ("digits", 33)])
def test_a_signature_is_of_one_version_and_no_other(model: Model, tmp_path: Path, name: str, version: int) -> None:
    sign(model, ann="trainer")
    other = small_model(tmp_path / "other", name, version)
    (other.path / models.SIGNATURES).write_bytes((model.path / models.SIGNATURES).read_bytes())
    with pytest.raises(ModelError, match=f"not valid for {name}:{version}"):
        signing.verify_all(other)


def test_each_of_the_facts_signed_changes_what_is_signed(model: Model) -> None:
    """Even for one manifest digest, name, version, role, time and signer can't be exchanged."""
    cards = [{"name": "digits", "version": 3}, {"name": "digits", "version": 4}, {"name": "digit", "version": 3}]
    same = [replace(model, card=card) for card in cards]
    signed = {signing.payload(one, role, "t", by) for one in same for role in ("a", "b") for by in ("x", "y")}
    assert len(signed | {signing.payload(model, "a", "u", "x")}) == 13


@pytest.mark.parametrize(
    ("signed", "lacks"),
    [
        ({"ann": "trainer", "cid": "approver"}, []),
        ({"ann": "trainer", "bea": "approver"}, []),
        ({"bea": "trainer", "cid": "approver"}, []),
        ({"ann": "trainer"}, ["approver"]),
        ({"cid": "approver"}, ["trainer"]),
        ({}, ["trainer", "approver"]),
        ({"ann": "approver", "cid": "trainer"}, ["trainer", "approver"]),
        ({"ann": "trainer", "stranger": "approver"}, ["approver"]),
    ],
    ids=str,
)
def test_a_demanded_role_wants_a_key_that_is_listed_for_it(
    model: Model, signed: dict[str, str], lacks: list[str]
) -> None:
    sign(model, **signed) if signed else None
    assert signing.lacking(signing.verify_all(model), KEYS, DEMANDED) == lacks
    if lacks:
        with pytest.raises(ModelError, match=f"no valid signature as {lacks[0]}"):
            signing.require(model, KEYS, DEMANDED)


def test_one_key_that_signs_in_two_roles_counts_for_one(model: Model) -> None:
    twice = [signature(model, "bea", "trainer"), signature(model, "bea", "approver")]
    assert signing.lacking(twice, KEYS, DEMANDED) == ["approver"]
    assert signing.lacking([*twice, signature(model, "ann", "trainer")], KEYS, DEMANDED) == []
    assert signing.lacking([*twice, signature(model, "cid", "approver")], KEYS, DEMANDED) == []


def test_a_role_that_is_demanded_twice_wants_two_keys(model: Model) -> None:
    one, two = signature(model, "bea", "approver"), signature(model, "cid", "approver")
    assert signing.lacking([one], KEYS, ["approver", "approver"]) == ["approver"]
    assert signing.lacking([one, two], KEYS, ["approver", "approver"]) == []


@pytest.mark.parametrize(
    ("value", "read"),
    [("a", ("a",)), ("a,b", ("a", "b")), ("a, b", ("a", "b")), (["a", 1], ("a", "1")), (1, ("1",)), ("", ()), ([], ())],
)
def test_a_list_is_read_however_ansible_lets_it_be_written(value: object, read: tuple[str, ...]) -> None:
    assert signing.listed(value) == read


DEMANDS = {"keys": [entry("ann", "trainer"), entry("cid", ["approver"])], "roles": list(DEMANDED)}


@pytest.mark.parametrize(
    ("signed", "said"),
    [
        ({}, "manifest.sig: is missing: no valid signature as trainer and as approver"),
        ({"ann": "trainer"}, "no valid signature as approver"),
        ({"ann": "trainer", "stranger": "approver"}, "no valid signature as approver"),
    ],
    ids=["unsigned", "one role", "stranger"],
)
def test_a_release_whose_model_lacks_a_demanded_signature_is_not_loaded(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signed: dict[str, str], said: str
) -> None:
    folder = make_release(tmp_path / "release", store / "flowers/1", signing=DEMANDS)
    if signed:
        sign(models.read(folder / "model"), **signed)
    monkeypatch.setattr(release, "load", lambda *_: pytest.fail("the artefact was loaded"))
    with pytest.raises(ModelError, match=said):
        open_release(folder)


@pytest.mark.parametrize("signing", [DEMANDS, {"keys": [], "roles": []}], ids=["demanded", "not demanded"])
def test_a_release_with_a_false_signature_is_not_loaded(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signing: dict[str, object]
) -> None:
    folder = make_release(tmp_path / "release", store / "flowers/1", signing=signing)
    sign(models.read(folder / "model"), ann="trainer", cid="approver")
    path = folder / "model" / models.SIGNATURES
    path.write_bytes(path.read_bytes().replace(b'"by":"ann"', b'"by":"eve"'))
    monkeypatch.setattr(release, "load", lambda *_: pytest.fail("the artefact was loaded"))
    with pytest.raises(ModelError, match="signature as 'trainer' is not valid for flowers:1"):
        open_release(folder)


def test_a_release_whose_model_was_signed_as_demanded_serves(store: Path, tmp_path: Path) -> None:
    folder = make_release(tmp_path / "release", store / "flowers/1", signing=DEMANDS)
    sign(models.read(folder / "model"), ann="trainer", cid="approver")
    assert open_release(folder).model.reference == "flowers:1"

"""A store knows by its own log which signatures its versions had."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelfleet import signing
from modelfleet import store as stores
from modelfleet.store import fsck
from modelfleet_service import signing as files
from modelfleet_service.model import SIGNATURES
from tests.signing import key, public
from tests.store.tiny import publish


@pytest.fixture
def vouched(tmp_path: Path) -> Path:
    """A store with many:1, signed by ann as trainer and by bea as approver, and many:2, which nobody signed."""
    publish(tmp_path)
    publish(tmp_path)
    signing.sign("many:1", key("ann"), "trainer", tmp_path)
    signing.sign("many:1", key("bea"), "approver", tmp_path)
    assert fsck.check(tmp_path) == []
    return tmp_path


def rewrite(file: Path, content: bytes | None) -> None:
    """Put another file into a read-only version, or none."""
    file.parent.chmod(0o755)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    file.parent.chmod(0o555)


def test_a_lost_signature_file_is_found_with_who_signed(vouched: Path) -> None:
    rewrite(vouched / "many/1" / SIGNATURES, None)
    (finding,) = fsck.check(vouched)
    assert str(finding).startswith("many:1: manifest.sig is missing, it was signed as trainer by ")
    assert all(f"(key {public(owner)})" in finding.what for owner in ("ann", "bea"))
    assert (finding.kind, finding.name, finding.version, finding.file) == ("unsigned", "many", 1, SIGNATURES)


def test_one_of_two_signatures_cut_out_is_found(vouched: Path) -> None:
    """What is left is a valid file, as `encode` writes it."""
    kept = [one for one in files.read(vouched / "many/1") if one.role == "trainer"]
    rewrite(vouched / "many/1" / SIGNATURES, files.encode(kept))
    assert len(files.verify_all(stores.find("many:1", vouched))) == 1
    (finding,) = fsck.check(vouched)
    assert str(finding).startswith("many:1: manifest.sig lacks a signature: it was signed as approver by ")
    assert public("ann") not in finding.what


def test_an_altered_signature_file_is_one_finding(vouched: Path) -> None:
    file = vouched / "many/1" / SIGNATURES
    rewrite(file, file.read_bytes().replace(b"trainer", b"stopper"))
    assert [finding.kind for finding in fsck.check(vouched)] == ["altered"]


def test_a_deleted_version_is_looked_at_in_the_trash(vouched: Path) -> None:
    stores.delete("many:1", vouched)
    rewrite(vouched / ".trash/many/1" / SIGNATURES, None)
    assert [finding.kind for finding in fsck.check(vouched)] == ["unsigned"]


def test_signing_again_ends_it(vouched: Path) -> None:
    rewrite(vouched / "many/1" / SIGNATURES, None)
    signing.sign("many:1", key("ann"), "trainer", vouched)
    assert [finding.what[:27] for finding in fsck.check(vouched)] == ["manifest.sig lacks a signat"]
    signing.sign("many:1", key("bea"), "approver", vouched)
    assert fsck.check(vouched) == []

"""Wheels for a host: what a lock names, byte for byte, or a refusal. The index is a local folder."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from modelfleet import wheels
from modelfleet.errors import Failure
from modelfleet.wheels import Target
from tests.wheels import line, make

BOOKWORM = Target("3.11", "x86_64", "2.36")
EXECUTABLE, PLAIN = 7, 6


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels in the index's place, and an empty cache."""
    monkeypatch.setenv("MODELFLEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


def library(flags: int) -> bytes:
    """A 64-bit ELF file that is nothing but a GNU_STACK segment with the given flags."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 0x6474E551, flags, 0, 0, 0, 0, 0, 16)


def test_a_lock_s_wheels_are_fetched_and_kept_by_their_digest(index: Path) -> None:
    path = make(index, "thing")
    (blob,) = wheels.fetch(line(path), BOOKWORM)
    assert (blob.name, blob.size) == (path.name, path.stat().st_size)
    assert wheels.cached(blob.sha256).read_bytes() == path.read_bytes()


def test_what_was_fetched_needs_no_index_again(index: Path) -> None:
    lock = line(make(index, "thing"))
    first = wheels.fetch(lock, BOOKWORM)
    (index / "thing-1.0-py3-none-any.whl").unlink()
    assert wheels.fetch(lock, BOOKWORM) == first


def test_a_wheel_that_fails_its_hash_is_refused_and_named(index: Path) -> None:
    path = make(index, "thing")
    lock = line(path)
    make(index, "thing", {"evil.py": b"pass"})
    with pytest.raises(Failure, match=r"a wheel fails its hash \(thing==1\.0\); don't deploy it"):
        wheels.fetch(lock, BOOKWORM)
    assert not list((wheels.cache() / "blobs/sha256").glob("*"))


def test_a_wheel_without_a_hash_is_refused(index: Path) -> None:
    make(index, "thing")
    with pytest.raises(Failure, match="hash"):
        wheels.fetch("thing==1.0\n", BOOKWORM)


def test_a_cached_wheel_that_was_altered_is_refused_with_its_path(index: Path) -> None:
    lock = line(make(index, "thing"))
    (blob,) = wheels.fetch(lock, BOOKWORM)
    place = wheels.cached(blob.sha256)
    content = bytearray(place.read_bytes())
    content[40] ^= 1
    place.write_bytes(content)
    with pytest.raises(Failure, match=f"{place} fails its hash; delete that file"):
        wheels.fetch(lock, BOOKWORM)


def test_a_package_that_the_index_lacks_is_named(index: Path) -> None:
    lock = line(make(index / "elsewhere", "nothing"))
    with pytest.raises(Failure, match="nothing"):
        wheels.fetch(lock, BOOKWORM)


def test_a_library_that_wants_an_executable_stack_is_refused(tmp_path: Path) -> None:
    wheels.refuse_executable_stack(make(tmp_path, "plain", {"a.so": library(PLAIN), "b.so.1": b"no ELF"}))
    with pytest.raises(Failure, match=r"a\.so asks for an executable stack; lock a newer version"):
        wheels.refuse_executable_stack(make(tmp_path, "loose", {"a.so": library(EXECUTABLE)}))


def test_a_target_takes_every_glibc_up_to_its_own() -> None:
    tags = BOOKWORM.platforms()
    assert tags[0] == "manylinux_2_36_x86_64"
    assert "manylinux_2_28_x86_64" in tags
    assert "manylinux_2_39_x86_64" not in tags
    assert "linux_x86_64" in tags

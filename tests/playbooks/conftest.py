"""A staged host's folders under a temporary root, and a real small environment to build there."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from modelfleet_host.place import Place

from modelfleet import bundle, wheels
from modelfleet.wheels import Blob, Target

Manifest = dict[str, Any]
MEMBER = "1" * 64


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A host's folders, empty."""
    return Place(tmp_path / "opt", tmp_path / "units")


@pytest.fixture(scope="session")
def code() -> Blob:
    """The service's own wheel: real, pure Python, built as for a bundle."""
    return bundle.service_wheel()


@pytest.fixture(scope="session")
def installer() -> Blob:
    """The wheel of uv for this machine."""
    return bundle.installer(Target("3.11", "x86_64", "2.36"))


@pytest.fixture
def manifest(tmp_path: Path, code: Blob, installer: Blob) -> Manifest:
    """A release with one model file, one member's file and an environment of one wheel."""
    model, member = tmp_path / "model.yaml", tmp_path / "member.yaml"
    model.write_text("name: digits\n")
    member.write_text("name: zeros\n")
    environment = {"digest": "e" * 64, "wheels": [asdict(code)], "installer": asdict(installer)}
    return {
        "service": "digits",
        "release": "0123456789ab",
        "model": {"name": "digits", "version": 1, "digest": "sha256:00"},
        "model_files": [asdict(wheels.keep(model))],
        "members": [{"name": "zeros", "version": 1, "digest": f"sha256:{MEMBER}"}],
        "member_files": [asdict(wheels.keep(member)) | {"name": f"members/{MEMBER}/model.yaml"}],
        "environment": environment,
        "settings": {},
        "units": {"modelfleet-digits.socket": "[Socket]\nListenStream=0.0.0.0:8001\n"},
    }


@pytest.fixture
def ship(tmp_path: Path) -> Callable[[list[str]], Path]:
    """Pack blobs from the controller's cache as the action plugin does; return the shipment."""

    def pack(digests: list[str]) -> Path:
        shipment = tmp_path / "shipment.tar"
        with tarfile.open(shipment, "w") as archive:
            for digest in digests:
                archive.add(wheels.cached(digest), arcname=digest)
        return shipment

    return pack


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file, in a copy that no other hard link shares."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    beside = path.with_suffix(".flipped")
    beside.write_bytes(bytes(content))
    shutil.move(beside, path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() != path.name

"""Wheels from a hash-locked list for a host's Python and platform, kept in a content-addressed cache.

The download is pip's, in its hash-checking mode; hosts never reach a package index.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from modelfleet.errors import Failure
from modelfleet_service.model import sha256_of

PF_X = 1


@dataclass(frozen=True, order=True)
class Target:
    """What wheels must fit: a Python such as ``3.11``, a machine such as ``x86_64``, a glibc such as ``2.36``."""

    python: str
    machine: str
    glibc: str

    @property
    def key(self) -> str:
        """The name under which a bundle lists the target's environment."""
        return f"{self.python}-{self.machine}"

    def platforms(self) -> list[str]:
        """Every platform tag the target accepts, as pip wants them named."""
        major, minor = (int(part) for part in self.glibc.split("."))
        tags = [f"manylinux_{major}_{number}_{self.machine}" for number in range(minor, 4, -1)]
        legacy = [f"manylinux{name}_{self.machine}" for name in ("2014", "2010", "1")]
        return [*tags, *legacy, f"linux_{self.machine}"]


@dataclass(frozen=True, order=True)
class Blob:
    """A file known by its content: SHA-256 in hexadecimal, size in bytes, and the name it goes by."""

    name: str
    sha256: str
    size: int


def cache() -> Path:
    """Return the folder of the controller's cache; MODELFLEET_CACHE overrides the user's cache folder."""
    chosen = os.environ.get("MODELFLEET_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("modelfleet")


def cached(sha256: str) -> Path:
    """Return where the cache keeps a blob."""
    return cache() / "blobs" / "sha256" / sha256


def keep(path: Path) -> Blob:
    """Put a file into the cache under its digest and return it as a blob."""
    blob = Blob(path.name, sha256_of(path), path.stat().st_size)
    place = cached(blob.sha256)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{blob.sha256}.{os.getpid()}")
        shutil.copyfile(path, beside)
        beside.replace(place)
    return blob


def note(path: Path, text: str) -> None:
    """Write a document of the cache, so that it is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(path)


def fetch(lock: str, target: Target) -> tuple[Blob, ...]:
    """Return the wheels that a lock's text names for a target, from the cache or else from the index.

    Raises Failure where no wheel fits, a hash differs, a cached wheel was altered, or a wheel asks for an
    executable stack (glibc 2.41 and the service's sandbox refuse those).
    """
    name = hashlib.sha256(f"{lock}\n{target}".encode()).hexdigest()
    index = cache() / "wheels" / f"{name}.json"
    if index.exists():
        wheels = tuple(Blob(**entry) for entry in json.loads(index.read_text()))
        if all(_intact(wheel) for wheel in wheels):
            return wheels
    wheels = _download(lock, target)
    note(index, json.dumps([asdict(wheel) for wheel in wheels]))
    return wheels


def _intact(wheel: Blob) -> bool:
    path = cached(wheel.sha256)
    if not path.exists():
        return False
    if sha256_of(path) != wheel.sha256:
        raise Failure(wheel.name, f"the cached wheel {path} fails its hash", "delete that file and deploy again")
    return True


def _download(lock: str, target: Target) -> tuple[Blob, ...]:
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(lock)
        into = Path(folder) / "wheels"
        done = subprocess.run(
            _pip_download(requirements, into, target),
            capture_output=True,
            text=True,
            env={**os.environ, "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )
        if done.returncode != 0:
            raise _explain(done.stderr, target)
        paths = sorted(into.glob("*.whl"))
        for path in paths:
            refuse_executable_stack(path)
        return tuple(keep(path) for path in paths)


def _pip_download(requirements: Path, into: Path, target: Target) -> list[str]:
    abi = "cp" + target.python.replace(".", "")
    options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--quiet", "--dest", str(into)]
    options += ["--implementation", "cp", "--python-version", target.python]
    for name in (abi, "abi3", "none"):
        options += ["--abi", name]
    for name in target.platforms():
        options += ["--platform", name]
    return [sys.executable, "-m", "pip", "download", *options, "-r", str(requirements)]


def _explain(stderr: str, target: Target) -> Failure:
    where = f"wheels for Python {target.python} on {target.machine}"
    if "DO NOT MATCH THE HASHES" in stderr:
        named = [line.strip() for line in stderr.splitlines() if " from " in line]
        what = f"a wheel fails its hash ({named[0].split(' from ')[0] if named else 'unnamed'})"
        return Failure(where, what, "don't deploy it: find out who changed the package or the lock")
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR")] or [stderr.strip()[-200:]]
    return Failure(where, f"pip could not fetch them ({errors[-1]})", "check the network and the model's lock")


def refuse_executable_stack(wheel: Path) -> None:
    """Raise Failure if a shared library in the wheel wants an executable stack."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            if ".so" in Path(member).name and _wants_executable_stack(archive.read(member)):
                cure = "lock a newer version of the package"
                raise Failure(wheel.name, f"{member} asks for an executable stack", cure)


def _wants_executable_stack(content: bytes) -> bool:
    try:
        segments = ELFFile(io.BytesIO(content)).iter_segments("PT_GNU_STACK")
        return any(segment["p_flags"] & PF_X for segment in segments)
    except ELFError:
        return False

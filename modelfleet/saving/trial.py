"""An environment from a model's own lock, in which its code is tried before it is saved."""

from __future__ import annotations

import contextlib
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from modelfleet import requirements
from modelfleet.errors import Failure
from modelfleet.saving import locks


@contextlib.contextmanager
def python(folder: Path) -> Iterator[str]:
    """Give a Python that has what the locks in a model's folder name and the service's own, and nothing else.

    Hosts have the Pythons of `locks.PYTHONS`; where this process runs on another, it is this process's Python, which
    proves less. Raises Failure where the locked wheels can't be had.
    """
    running = ".".join(platform.python_version_tuple()[:2])
    lock = requirements.path(folder, running)
    if running not in locks.PYTHONS or not lock.is_file():
        yield sys.executable
        return
    with tempfile.TemporaryDirectory() as place:
        yield _made(Path(place), requirements.with_service(lock.read_text(), running), running)


def _made(place: Path, lock: str, running: str) -> str:
    (place / "requirements.lock").write_text(lock)
    made = place / "environment/bin/python"
    options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(place / "requirements.lock")]
    uv = [str(Path(sys.executable).with_name("uv")), "--quiet"]
    for command in (
        [*uv, "venv", "--python", sys.executable, "--no-project", str(place / "environment")],
        [*uv, "pip", "install", "--python", str(made), *options],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            reason = " ".join(done.stderr.split())[-300:]
            raise Failure(f"the environment for Python {running}", reason, "check the network and the requirements")
    return str(made)

"""A release's Python environment, built offline from hash-locked wheels and shared by releases that lock the same."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from . import blobs
from .place import Place, Refused


def ready(place: Place, environment: dict[str, Any]) -> bool:
    """Tell whether the environment is here; it appears by one rename, so it is whole if it is there."""
    return (place.environments / str(environment["digest"])).is_dir()


def build(place: Place, environment: dict[str, Any]) -> None:
    """Build the environment with uv beside its place, then move it there. Raises Refused with uv's reason."""
    partial = place.environments / f".{environment['digest']}"
    blobs.remove(partial)
    partial.mkdir(parents=True)
    uv = _installer(place, environment["installer"])
    _run(partial, [str(uv), "venv", "--quiet", "--relocatable", "--python", sys.executable, str(partial / "venv")])
    wheels = partial / "wheels"
    for wheel in environment["wheels"]:
        blobs.place_blob(place, wheel, wheels / wheel["name"])
    (partial / "requirements.txt").write_text("".join(_line(wheel) for wheel in environment["wheels"]))
    _run(partial, [str(uv), "pip", "install", *_options(partial)])
    blobs.remove(wheels)
    os.sync()
    (partial / "venv").rename(place.environments / environment["digest"])
    blobs.remove(partial)


def _options(partial: Path) -> list[str]:
    locked = ["--offline", "--no-index", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    built = ["--compile-bytecode", "--link-mode", "hardlink", "--quiet"]
    python = ["--python", str(partial / "venv/bin/python")]
    return [
        *locked,
        *built,
        *python,
        "--find-links",
        str(partial / "wheels"),
        "-r",
        str(partial / "requirements.txt"),
    ]


def _line(wheel: dict[str, Any]) -> str:
    name, version = wheel["name"].split("-")[:2]
    return f"{name}=={version} --hash=sha256:{wheel['sha256']}\n"


def _installer(place: Place, blob: dict[str, Any]) -> Path:
    """Take the uv program out of its verified wheel, once."""
    program = place.installers / str(blob["sha256"]) / "uv"
    if program.exists():
        return program
    beside = place.installers / f".{blob['sha256']}"
    blobs.remove(beside)
    blobs.place_blob(place, blob, beside / "uv.whl")
    with zipfile.ZipFile(beside / "uv.whl") as archive:
        (member,) = [name for name in archive.namelist() if name.endswith("/scripts/uv")]
        (beside / "uv").write_bytes(archive.read(member))
    (beside / "uv").chmod(0o755)
    (beside / "uv.whl").unlink()
    beside.rename(program.parent)
    return program


def _run(partial: Path, command: list[str]) -> None:
    """Run uv; its cache goes with the partial folder, whose file system it shares so that files can be linked."""
    settings = {
        "UV_CACHE_DIR": str(partial / "cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_CONFIG": "1",
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(command, env=settings, capture_output=True, text=True, cwd="/")
    if done.returncode != 0:
        reason = " ".join(done.stderr.split())[-400:]
        raise Refused(
            f"the environment could not be built ({reason})", "deploy again; if it stays, save the model anew"
        )

"""What scoring needs, locked with hashes for each Python that hosts have."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from modelfleet import requirements, wheels
from modelfleet.errors import Failure
from modelfleet_service.model import Model

PYTHONS = ("3.11", "3.13")
PLATFORM = "x86_64-manylinux_2_28"
HASH = re.compile(r"--hash=\S+")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def write(folder: Path, needs: Sequence[str]) -> None:
    """Write requirements-<python>.lock for each Python; what is installed here is what is locked.

    ``needs`` are requirements, such as ``numpy``. Raises Failure where the versions can't be resolved.
    """
    constraints = folder / ".constraints"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in _installed().items()))
    try:
        with ThreadPoolExecutor() as pool:
            resolved = pool.map(lambda python: _locked(needs, constraints, python), PYTHONS)
        for python, text in zip(PYTHONS, resolved, strict=True):
            requirements.path(folder, python).write_text(text)
    finally:
        constraints.unlink()


def union(folder: Path, models: Sequence[Model]) -> None:
    """Write the locks of an ensemble: for each Python that all members are locked for, all that they pin.

    Raises Failure where two members pin different versions of a package, or no Python has locks of all.
    """
    found = [{path.name for path in requirements.every(model.path)} for model in models]
    shared = sorted(set.intersection(*found))
    if not shared:
        raise Failure("the members", "are not locked for the same Python", "save them again with this kit")
    for name in shared:
        (folder / name).write_text(_joined(name, models))


def installed() -> list[tuple[str, str]]:
    """Return name and version of each distribution that is installed here; each one's metadata is parsed once."""
    every = (dist.metadata for dist in importlib.metadata.distributions())
    return [(said["Name"], said["Version"]) for said in every]


def versions(names: Sequence[str]) -> dict[str, str]:
    """The versions of those of some packages that are installed; XGBoost's is the same with GPUs and without."""
    known = _installed()
    found = {match.group(): known.get(match.group().lower()) for match in map(NAME.match, names) if match}
    return {name: version for name, version in found.items() if version}


def libraries(needs: Sequence[str]) -> dict[str, str]:
    """Return the versions of what a model was made with: Python, what scoring needs, scikit-learn, the converter."""
    return versions((*needs, "scikit-learn", "skl2onnx")) | {"python": sys.version.split()[0]}


def _joined(name: str, models: Sequence[Model]) -> str:
    """Join the members' locks for one Python; where two have other hashes of one version, all count."""
    owners: dict[str, tuple[Model, str]] = {}
    hashes: dict[str, set[str]] = {}
    for model in models:
        for package, line in requirements.by_name((model.path / name).read_text()).items():
            pin = line.partition(" --hash")[0].strip()
            owner, before = owners.setdefault(package, (model, pin))
            if before != pin:
                what = f"{owner.reference} pins {before} and {model.reference} pins {pin}"
                cure = "they must live in one environment: save one of them again in that of the other"
                raise Failure(package, what, cure)
            hashes.setdefault(package, set()).update(HASH.findall(line))
    return "".join(
        " \\\n    ".join([pin, *sorted(hashes[package])]) + "\n" for package, (_, pin) in sorted(owners.items())
    )


def _installed() -> dict[str, str]:
    found = {name.lower(): version for name, version in installed()}
    if "xgboost" in found:
        found["xgboost-cpu"] = found["xgboost"]
    return {name: version for name, version in sorted(found.items()) if not name.startswith("modelfleet")}


def _locked(names: Sequence[str], constraints: Path, python: str) -> str:
    """Resolve once and keep the answer: the same wish under the same pins is the same lock, without the network."""
    wish = "\n".join([*names, python, PLATFORM, constraints.read_text()])
    known = wheels.cache() / "locks" / f"{hashlib.sha256(wish.encode()).hexdigest()}.lock"
    if not known.exists():
        wheels.note(known, _resolve(names, constraints, python))
    return known.read_text()


def _resolve(names: Sequence[str], constraints: Path, python: str) -> str:
    uv = Path(sys.executable).with_name("uv")
    options = ["--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--only-binary", ":all:"]
    target = ["--python-version", python, "--python-platform", PLATFORM]
    done = subprocess.run(
        [str(uv), "pip", "compile", "-", *options, *target, "--constraint", str(constraints)],
        input="\n".join(names),
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        reason = " ".join(done.stderr.split())[-300:]
        raise Failure(f"the lock for Python {python}", reason, "check the network and what is installed")
    return done.stdout

"""A bundle: the files of one release, content-addressed, built once on the controller for every host.

Building is pure in its inputs: the same model, service code, locks, units and settings give the same
release id on every controller.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from flit_core.wheel import make_wheel_in

from modelfleet import requirements, signing, store, wheels
from modelfleet.errors import Failure
from modelfleet.tree import ROOT, SERVICE
from modelfleet.wheels import Blob, Target
from modelfleet_service.model import MANIFEST, SIGNATURES, Model

FORMAT = 1
WHEEL_EPOCH = "1577836800"
UNPACKED_PER_BYTE = 4
"""A wheel needs about this many times its size on a host: the wheel, its unpacked files, their bytecode."""


@dataclass(frozen=True)
class Environment:
    """The wheels of one target; the digest over them names the environment on a host."""

    digest: str
    wheels: tuple[Blob, ...]
    installer: Blob


@dataclass(frozen=True)
class Bundle:
    """All that a host needs to build one release; ``sources`` says where each blob is on the controller."""

    service: str
    release: str
    model: dict[str, Any]
    model_files: tuple[Blob, ...]
    environments: dict[str, Environment]
    settings: dict[str, Any]
    units: dict[str, str]
    needs: dict[str, int]
    sources: dict[str, str] = field(repr=False)
    format: int = FORMAT

    def manifest(self, target: str) -> dict[str, Any]:
        """Return what the release module is told: everything but the controller's paths, for one target."""
        content = asdict(self)
        del content["sources"], content["environments"]
        if target not in self.environments:
            known = ", ".join(sorted(self.environments))
            raise Failure(self.service, f"the bundle has no environment for {target}", f"it was built for {known}")
        return content | {"environment": asdict(self.environments[target])}

    def write(self, path: Path) -> None:
        """Write the bundle's document, atomically."""
        wheels.note(path, json.dumps(asdict(self), indent=1))


def read(path: Path) -> Bundle:
    """Read a bundle's document as `Bundle.write` wrote it."""
    content = json.loads(path.read_text())
    content["model_files"] = tuple(Blob(**entry) for entry in content["model_files"])
    content["environments"] = {
        key: Environment(value["digest"], tuple(Blob(**entry) for entry in value["wheels"]), Blob(**value["installer"]))
        for key, value in content["environments"].items()
    }
    return Bundle(**content)


def build(
    service: Mapping[str, Any],
    *,
    units: Mapping[str, str],
    settings: Mapping[str, Any],
    environment_digest: str,
    targets: Iterable[Target],
    store_path: Path | None = None,
) -> Path:
    """Build the bundle of one service and return the path of its document.

    ``service`` has at least ``name``, ``model`` and ``workers``; ``environment_digest`` stands for the environment
    variables, which may be secret and never enter a bundle.
    Raises Failure where the model or a signature is missing or altered, or a wheel can't be had.
    """
    model = store.find(service["model"], store_path)
    signing.signatures(model)
    beside = _beside(model)
    code = service_wheel()
    locks = {python: _merged_lock(model, python) for python in sorted({target.python for target in targets})}
    identity = {
        "service": service["name"],
        "model": model.digest,
        "signatures": [blob.sha256 for blob in beside if blob.name == SIGNATURES],
        "code": code.sha256,
        "locks": _every_lock(model),
        "units": dict(units),
        "settings": dict(settings),
        "environment": environment_digest,
    }
    environments = {target.key: _environment(locks[target.python], target, code) for target in targets}
    model_files = (*(Blob(entry.path, entry.sha256, entry.size) for entry in model.files), *beside)
    bundle = Bundle(
        service=service["name"],
        release=hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12],
        model={"name": model.name, "version": model.version, "digest": model.digest},
        model_files=model_files,
        environments=environments,
        settings=dict(settings),
        units=dict(units),
        needs=_needs(model, model_files, environments, int(service["workers"])),
        sources=_sources(model, model_files, environments),
    )
    path = wheels.cache() / "bundles" / f"{bundle.service}-{bundle.release}.json"
    bundle.write(path)
    return path


def pack(bundle: Bundle, digests: Iterable[str], into: Path) -> int:
    """Write the named blobs as one tar file, each member named by its digest; return its size in bytes.

    Raises Failure where a blob no longer has the content that its digest says.
    """
    with tarfile.open(into, "w") as archive:
        for sha256 in sorted(digests):
            path = Path(bundle.sources[sha256])
            if wheels.digest(path) != sha256:
                raise Failure(bundle.service, f"{path} fails its hash", "delete it if it is a cached wheel")
            archive.add(path, arcname=sha256)
    return into.stat().st_size


def service_wheel() -> Blob:
    """Build the service's wheel; the fixed time stamp makes the same code the same file."""
    os.environ["SOURCE_DATE_EPOCH"] = WHEEL_EPOCH
    with tempfile.TemporaryDirectory() as folder:
        return wheels.keep(Path(make_wheel_in(SERVICE / "pyproject.toml", Path(folder)).file))


def _merged_lock(model: Model, python: str) -> str:
    """Join the model's lock and the service's."""
    path = requirements.path(model.path, python)
    if not path.is_file():
        locked = ", ".join(sorted(_every_lock(model)))
        cure = f"save the model again for Python {python} (locked: {locked})"
        raise Failure(f"{model.name}:{model.version}", f"it has no lock for Python {python}", cure)
    return requirements.with_service(path.read_text(), python)


def _every_lock(model: Model) -> dict[str, str]:
    """Digests of the model's and the service's locks, for all Pythons: a release is one for the whole fleet."""
    paths = [*model.path.glob("requirements-*.lock"), *SERVICE.glob("requirements-*.lock")]
    return {
        f"{path.parent.name}/{path.name}" if path.is_relative_to(SERVICE) else path.name: wheels.digest(path)
        for path in paths
    }


def _environment(lock: str, target: Target, code: Blob) -> Environment:
    content = (*wheels.fetch(lock, target), code)
    uv = installer(target)
    names = json.dumps([target.key, sorted(wheel.sha256 for wheel in content)])
    return Environment(hashlib.sha256(names.encode()).hexdigest(), content, uv)


def installer(target: Target) -> Blob:
    """Return the wheel of uv, which builds the environment on the host; the kit's own lock pins it."""
    own = requirements.by_name((ROOT / "requirements.lock").read_text())["uv"]
    (wheel,) = wheels.fetch(own, target)
    return wheel


def _beside(model: Model) -> tuple[Blob, ...]:
    """The manifest, and its signatures if there are any: neither is listed in the manifest."""
    paths = [path for name in (MANIFEST, SIGNATURES) if (path := model.path / name).is_file()]
    return tuple(Blob(path.name, wheels.digest(path), path.stat().st_size) for path in paths)


def _sources(model: Model, model_files: Iterable[Blob], environments: Mapping[str, Environment]) -> dict[str, str]:
    found = {entry.sha256: str(model.path / entry.name) for entry in model_files}
    for environment in environments.values():
        for wheel in (*environment.wheels, environment.installer):
            found[wheel.sha256] = str(wheels.cached(wheel.sha256))
    return found


def _needs(
    model: Model, model_files: Iterable[Blob], environments: Mapping[str, Environment], workers: int
) -> dict[str, int]:
    """Estimate what a host must have free, in bytes: disk for the model and for the environment where it lacks that,
    memory for the second copy while a handover lasts."""
    largest = max(sum(wheel.size for wheel in environment.wheels) for environment in environments.values())
    return {
        "model_disk_bytes": 2 * sum(entry.size for entry in model_files),
        "environment_disk_bytes": UNPACKED_PER_BYTE * largest,
        "memory_bytes": model.memory_bytes * workers,
    }

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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from flit_core.wheel import make_wheel_in

from modelfleet import requirements, signing, store, wheels
from modelfleet.errors import Failure
from modelfleet.tree import ROOT, SERVICE
from modelfleet.wheels import Blob, Target
from modelfleet_service import members
from modelfleet_service.model import MANIFEST, SIGNATURES, Model, sha256_of

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
    """All that a host needs to build one release; ``sources`` says where each blob is on the controller.

    ``model_files`` are named by their paths in the model; ``member_files``, those of all of an ensemble's members, by
    their paths in the release, ``members/<digest>/...``.
    """

    service: str
    release: str
    model: dict[str, Any]
    model_files: tuple[Blob, ...]
    members: tuple[dict[str, Any], ...]
    member_files: tuple[Blob, ...]
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
    for name in ("model_files", "member_files"):
        content[name] = tuple(Blob(**entry) for entry in content[name])
    content["members"] = tuple(content["members"])
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
    Raises Failure where the model, a member of it or a signature is missing or altered, or a wheel can't be had.
    """
    model = store.find(service["model"], store_path)
    held = store.members(model, store_path)
    for one in (model, *held):
        signing.signatures(one)
    model_files = _files(model)
    member_files = tuple(replace(blob, name=f"{_place(one)}/{blob.name}") for one in held for blob in _files(one))
    files, code = (*model_files, *member_files), service_wheel()
    environments = _environments(model, tuple(targets), code)
    given = {"service": service["name"], "units": dict(units), "settings": dict(settings)}
    bundle = Bundle(
        service=service["name"],
        release=_release({**given, "environment": environment_digest, **_identity(model, files, code)}),
        model=model.named(),
        model_files=model_files,
        members=tuple(one.named() for one in held),
        member_files=member_files,
        environments=environments,
        settings=dict(settings),
        units=dict(units),
        needs=_needs(model, files, environments, int(service["workers"])),
        sources=_sources((model, *held), environments),
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
            if sha256_of(path) != sha256:
                raise Failure(bundle.service, f"{path} fails its hash", "delete it if it is a cached wheel")
            archive.add(path, arcname=sha256)
    return into.stat().st_size


def service_wheel() -> Blob:
    """Build the service's wheel; the fixed time stamp makes the same code the same file."""
    os.environ["SOURCE_DATE_EPOCH"] = WHEEL_EPOCH
    with tempfile.TemporaryDirectory() as folder:
        return wheels.keep(Path(make_wheel_in(SERVICE / "pyproject.toml", Path(folder)).file))


def _identity(model: Model, files: Iterable[Blob], code: Blob) -> dict[str, Any]:
    """Name the files that make a release what it is, by their digests; those of the model by its manifest's."""
    signatures = [blob.sha256 for blob in files if blob.name.rpartition("/")[2] == SIGNATURES]
    return {"model": model.digest, "signatures": signatures, "code": code.sha256, "locks": _every_lock(model)}


def _release(identity: Mapping[str, Any]) -> str:
    """Name a release by all that makes it what it is."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def _environments(model: Model, targets: Sequence[Target], code: Blob) -> dict[str, Environment]:
    """Return the environment of each target, by its key; every lock is looked at before a wheel is fetched."""
    locks = {python: _merged_lock(model, python) for python in sorted({target.python for target in targets})}
    return {target.key: _environment(locks[target.python], target, code) for target in targets}


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
    paths = [*requirements.every(model.path), *requirements.every(SERVICE)]
    return {
        f"{path.parent.name}/{path.name}" if path.is_relative_to(SERVICE) else path.name: sha256_of(path)
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


def _place(member: Model) -> str:
    return str(members.place(Path(), member.digest))


def _files(model: Model) -> tuple[Blob, ...]:
    """A model's files, its manifest, and its signatures if there are any: the last two are not in the manifest."""
    paths = [path for name in (MANIFEST, SIGNATURES) if (path := model.path / name).is_file()]
    beside = (Blob(path.name, sha256_of(path), path.stat().st_size) for path in paths)
    return (*(Blob(entry.path, entry.sha256, entry.size) for entry in model.files), *beside)


def _sources(models: Iterable[Model], environments: Mapping[str, Environment]) -> dict[str, str]:
    found = {blob.sha256: str(model.path / blob.name) for model in models for blob in _files(model)}
    for environment in environments.values():
        for wheel in (*environment.wheels, environment.installer):
            found[wheel.sha256] = str(wheels.cached(wheel.sha256))
    return found


def _needs(
    model: Model, files: Iterable[Blob], environments: Mapping[str, Environment], workers: int
) -> dict[str, int]:
    """Estimate what a host must have free, in bytes: disk for the model with its members and for the environment
    where it lacks that, memory for the second copy while a handover lasts."""
    largest = max(sum(wheel.size for wheel in environment.wheels) for environment in environments.values())
    return {
        "model_disk_bytes": 2 * sum(entry.size for entry in files),
        "environment_disk_bytes": UNPACKED_PER_BYTE * largest,
        "memory_bytes": model.memory_bytes * workers,
    }

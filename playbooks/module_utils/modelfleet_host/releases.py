"""The life of a release on a host: staged, live, previous, absent. Each state is atomic and safe to repeat."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from . import blobs, environment, journal, systemd
from .place import Place, Refused, point, sync_folder, write

KEPT = 3
Result = dict[str, Any]
Manifest = dict[str, Any]


def stage(place: Place, manifest: Manifest, variables: str, incoming: Path | None, by: str, check: bool) -> Result:
    """Make a release complete on disk; nothing live is touched.

    ``variables`` is the text of the service's environment file. Returns ``lacks`` with the digests that must be
    sent first; call again with ``incoming``, a tar file of them.
    """
    service, release = manifest["service"], manifest["release"]
    folder = place.release(service, release)
    if folder.is_dir():
        return {"changed": False, "lacks": [], "received_bytes": 0}
    lacks = _lacks(place, manifest)
    if check:
        return {"changed": True, "lacks": [], "would_lack": len(lacks), "diff": _diff_staged(manifest)}
    if lacks and incoming is None:
        return {"changed": True, "lacks": lacks, "received_bytes": 0}
    with place.locked():
        received = blobs.receive(place, incoming) if incoming else 0
        if not folder.is_dir():
            _build(place, manifest, variables)
            journal.add(place, service, "staged", release=release, model=manifest["model"], by=by, result="done")
    return {"changed": True, "lacks": [], "received_bytes": received, "diff": _diff_staged(manifest)}


def _lacks(place: Place, manifest: Manifest) -> list[str]:
    """The model's files, and the wheels only if their environment has to be built."""
    wanted = list(manifest["model_files"])
    if not environment.ready(place, manifest["environment"]):
        wanted += [*manifest["environment"]["wheels"], manifest["environment"]["installer"]]
    return blobs.lacking(place, wanted)


def _build(place: Place, manifest: Manifest, variables: str) -> None:
    folder = place.release(manifest["service"], manifest["release"])
    partial = folder.with_name(f".{folder.name}")
    for leftover in folder.parent.glob(".*"):
        blobs.remove(leftover)
    partial.mkdir(parents=True)
    try:
        for entry in manifest["model_files"]:
            blobs.place_blob(place, entry, partial / "model" / entry["name"])
        if not environment.ready(place, manifest["environment"]):
            environment.build(place, manifest["environment"])
    except Exception:
        blobs.remove(partial)
        raise
    (partial / "environment").symlink_to(place.environments / manifest["environment"]["digest"])
    (partial / "units").mkdir()
    for name, text in manifest["units"].items():
        write(partial / "units" / name, text)
    write(partial / "service.env", variables, mode=0o600)
    write(partial / "release.json", json.dumps(manifest, indent=1))
    os.sync()
    partial.rename(folder)
    sync_folder(folder.parent)


def live(place: Place, service: str, release: str, by: str, check: bool, act: str = "live") -> Result:
    """Hand the listening socket over to a staged release and make it the release of record.

    Raises Refused if the new one does not come up; then the old one never stopped serving.
    """
    present = place.current(service)
    before, after = _said(place, service, present), _said(place, service, release)
    diff = {"before_header": service, "after_header": service, "before": before, "after": after}
    if check:
        settled = place.release(service, release).is_dir() and _settled(place, service, release)
        return {"changed": not settled, "diff": {} if settled else diff | {"after": f"release: {release}\n"}}
    if not place.release(service, release).is_dir():
        raise Refused(f"release {release} of {service} is not staged", "deploy again")
    if _settled(place, service, release):
        return {"changed": False}
    with place.locked():
        _hand_over(place, service, release, by)
        journal.add(place, service, act, release=release, replaces=present, by=by, result="done")
        _prune(place, service)
    return {"changed": True, "replaces": present, "diff": diff}


def previous(place: Place, service: str, by: str, check: bool) -> Result:
    """Hand over to the release that was of record before. Raises Refused if there is none."""
    release = journal.previous(place, service)
    if release is None:
        raise Refused(f"{service} has no earlier release on this host", "deploy the version you want")
    return live(place, service, release, by, check)


def absent(place: Place, kept: list[str], by: str, check: bool) -> Result:
    """Retire every service of this host that is not in ``kept``: its units, its releases, its blobs."""
    retired = [service for service in place.services() if service not in kept]
    if retired and not check:
        with place.locked():
            for service in retired:
                _retire(place, service, by)
            _drop_unused(place)
    diff = {"before": "".join(f"service: {name}\n" for name in retired), "after": ""}
    return {"changed": bool(retired), "retired": retired, "diff": diff if retired else {}}


def _settled(place: Place, service: str, release: str) -> bool:
    units = _units(place, service, release)
    return (
        place.current(service) == release
        and systemd.installed(place, list(units)) == units
        and systemd.instances(service) == [release]
        and systemd.active(f"modelfleet-{service}@{release}.service")
        and systemd.active(f"modelfleet-{service}.socket")
        and _enabled(place, service)
    )


def _enabled(place: Place, service: str) -> bool:
    return (place.units / "sockets.target.wants" / f"modelfleet-{service}.socket").is_symlink()


def _units(place: Place, service: str, release: str) -> systemd.Units:
    folder = place.release(service, release) / "units"
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def _hand_over(place: Place, service: str, release: str, by: str) -> None:
    units = _units(place, service, release)
    old_units = systemd.installed(place, list(units))
    old = [instance for instance in systemd.instances(service) if instance != release]
    socket = f"modelfleet-{service}.socket"
    moves = bool(old_units) and systemd.listens(old_units) != systemd.listens(units)
    systemd.install(place, units)
    if moves:
        _stop(service, old)
        systemd.run("stop", socket)
    systemd.run("enable", "--quiet", socket, f"modelfleet-{service}.service")
    started = systemd.run("start", socket).returncode == 0
    started = started and systemd.run("start", f"modelfleet-{service}@{release}.service").returncode == 0
    if not started:
        _undo(place, service, release, old_units, old if moves else [], by)
    _stop(service, old)
    point(place.service(service) / "current", f"releases/{release}")


def _undo(place: Place, service: str, release: str, old_units: systemd.Units, stopped: list[str], by: str) -> None:
    """Put everything back as it was and say why; the new release never took a request."""
    unit, present = f"modelfleet-{service}@{release}.service", place.current(service)
    words = systemd.last_words(unit)
    systemd.run("stop", unit)
    systemd.run("reset-failed", unit)
    if present:
        systemd.install(place, old_units)
    else:
        names = [f"modelfleet-{service}.socket", f"modelfleet-{service}.service"]
        systemd.run("disable", "--now", "--quiet", *names)
        systemd.uninstall(place, [*names, f"modelfleet-{service}@.service"])
    if stopped:
        systemd.run("restart", f"modelfleet-{service}.socket")
        for instance in stopped:
            systemd.run("start", f"modelfleet-{service}@{instance}.service")
    why = systemd.reason(words)
    journal.add(place, service, "live", release=release, by=by, result="failed", reason=why)
    state = f"release {present} serves on" if present else "the host serves nothing of it"
    raise Refused(f"release {release} of {service} did not start ({why}); {state}", "mend it and deploy again", words)


def _stop(service: str, releases: list[str]) -> None:
    for release in releases:
        systemd.run("stop", f"modelfleet-{service}@{release}.service")


def _retire(place: Place, service: str, by: str) -> None:
    names = [f"modelfleet-{service}.socket", f"modelfleet-{service}.service"]
    systemd.run("disable", "--now", "--quiet", *names)
    _stop(service, systemd.instances(service))
    systemd.uninstall(place, [*names, f"modelfleet-{service}@.service"])
    blobs.remove(place.service(service))
    journal.add(place, service, "absent", by=by, result="done")


def _prune(place: Place, service: str) -> None:
    """Keep the newest releases, the one of record and the one before; drop what nothing refers to any more."""
    folders = sorted((place.service(service) / "releases").iterdir(), key=lambda path: path.stat().st_mtime)
    kept = {folder.name for folder in folders[-KEPT:]} | {
        place.current(service),
        journal.previous(place, service),
    }
    for folder in folders:
        if folder.name not in kept:
            blobs.remove(folder)
    _drop_unused(place)


def _drop_unused(place: Place) -> None:
    manifests = [json.loads(path.read_text()) for path in place.root.glob("*/releases/*/release.json")]
    environments = [manifest["environment"] for manifest in manifests]
    wheels = [wheel for entry in environments for wheel in (*entry["wheels"], entry["installer"])]
    files = [entry for manifest in manifests for entry in manifest["model_files"]]
    blobs.drop_unused(place, {blob["sha256"] for blob in (*wheels, *files)})
    used = {entry["digest"] for entry in environments}
    for folder in place.environments.glob("*"):
        if folder.name not in used:
            blobs.remove(folder)


def _said(place: Place, service: str, release: str | None) -> str:
    path = place.release(service, release) / "release.json" if release else None
    if path is None or not path.is_file():
        return f"release: {release}\n" if release else ""
    model = json.loads(path.read_text())["model"]
    return f"release: {release}\nmodel: {model['name']}:{model['version']}\ndigest: {model['digest']}\n"


def _diff_staged(manifest: Manifest) -> dict[str, str]:
    text = "".join(f"{entry['name']}\n" for entry in manifest["model_files"])
    header = f"{manifest['service']}/releases/{manifest['release']}"
    return {"before": "", "after": text, "before_header": header, "after_header": header}

"""The life of a staged release on a host: live, previous, absent. Each state is atomic and safe to repeat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import blobs, journal, staging, systemd
from .place import Place, Refused, point

KEPT = 3
Result = dict[str, Any]
Model = dict[str, Any]


def live(place: Place, service: str, release: str, model: Model | None, by: str, check: bool) -> Result:
    """Hand the listening socket over to a staged release and make it the release of record.

    ``model`` is that of the release, to be told in check mode before the release is staged.
    Raises Refused if the new one does not come up; then the old one never stopped serving.
    """
    present = place.current(service)
    before, after = _said(place, service, present), _told(release, model or _model(place, service, release))
    diff = {"before_header": service, "after_header": service, "before": before, "after": after}
    if check:
        settled = place.release(service, release).is_dir() and _settled(place, service, release)
        return {"changed": not settled, "diff": {} if settled else diff}
    if not place.release(service, release).is_dir():
        raise Refused(f"release {release} of {service} is not staged", "deploy again")
    if _settled(place, service, release):
        _remember(place, service, release, by)
        return {"changed": False}
    with place.locked():
        _hand_over(place, service, release, by)
        journal.add(place, service, "live", release=release, replaces=present, by=by, result="done")
        _prune(place, service)
    return {"changed": True, "replaces": present, "diff": diff}


def previous(place: Place, service: str, by: str, check: bool) -> Result:
    """Hand over to the release that was of record before. Raises Refused if there is none."""
    release = journal.previous(place, service)
    if release is None:
        raise Refused(f"{service} has no earlier release on this host", "deploy the version you want")
    return live(place, service, release, None, by, check)


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
    wanted = (
        f"sockets.target.wants/modelfleet-{service}.socket",
        f"multi-user.target.wants/modelfleet-{service}.service",
    )
    return all((place.units / name).is_symlink() for name in wanted)


def _remember(place: Place, service: str, release: str, by: str) -> None:
    """Add the entry that a run could not write which died after the link had moved."""
    if journal.latest(place, service) != release:
        with place.locked():
            journal.add(place, service, "live", release=release, by=by, result="done")


def _units(place: Place, service: str, release: str) -> systemd.Units:
    folder = place.release(service, release) / "units"
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def _hand_over(place: Place, service: str, release: str, by: str) -> None:
    units = _units(place, service, release)
    old_units = systemd.installed(place, list(units))
    old = [instance for instance in systemd.instances(service) if instance != release]
    socket = f"modelfleet-{service}.socket"
    systemd.install(place, units)
    systemd.run("enable", "--quiet", socket, f"modelfleet-{service}.service")
    started = systemd.run("start", socket).returncode == 0
    started = started and systemd.run("start", f"modelfleet-{service}@{release}.service").returncode == 0
    if not started:
        _undo(place, service, release, old_units, by)
    _stop(service, old)
    point(place.service(service) / "current", f"releases/{release}")


def _undo(place: Place, service: str, release: str, old_units: systemd.Units, by: str) -> None:
    """Put everything back as it was and say why; the new release never took a request."""
    unit, present = f"modelfleet-{service}@{release}.service", place.current(service)
    words = systemd.last_words(unit) or systemd.last_words(f"modelfleet-{service}.socket")
    _stop(service, [release])
    if present:
        systemd.install(place, old_units)
    else:
        names = [f"modelfleet-{service}.socket", f"modelfleet-{service}.service"]
        systemd.run("disable", "--now", "--quiet", *names)
        systemd.uninstall(place, [*names, f"modelfleet-{service}@.service"])
    why = systemd.reason(words)
    journal.add(place, service, "live", release=release, by=by, result="failed", reason=why)
    serves = systemd.active(f"modelfleet-{service}@{present}.service")
    state = f"release {present} serves on" if serves else "the host serves nothing of it"
    raise Refused(f"release {release} of {service} did not start ({why}); {state}", "mend it and deploy again", words)


def _stop(service: str, releases: list[str]) -> None:
    """Stop instances; one that was told to go and ended badly is gone all the same, and no failed unit."""
    for release in releases:
        unit = f"modelfleet-{service}@{release}.service"
        systemd.run("stop", unit)
        systemd.run("reset-failed", unit)


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
    """Drop what no release refers to; nothing, where one can't say what it refers to."""
    manifests = [_document(folder) for folder in place.root.glob("*/releases/[!.]*")]
    if not all(manifests):
        return
    environments = [manifest["environment"] for manifest in manifests]
    wheels = [wheel for entry in environments for wheel in (*entry["wheels"], entry["installer"])]
    files = [entry for manifest in manifests for entry in staging.files(manifest).values()]
    blobs.drop_unused(place, {blob["sha256"] for blob in (*wheels, *files)})
    _keep(place.environments, {entry["digest"] for entry in environments})
    _keep(place.installers, {entry["installer"]["sha256"] for entry in environments})


def _keep(folder: Path, used: set[str]) -> None:
    for path in folder.glob("*"):
        if path.name not in used:
            blobs.remove(path)


def _said(place: Place, service: str, release: str | None) -> str:
    return _told(release, _model(place, service, release)) if release else ""


def _told(release: str, model: Model | None) -> str:
    lines = [f"model: {model['name']}:{model['version']}", f"digest: {model['digest']}"] if model else []
    return "".join(f"{line}\n" for line in (f"release: {release}", *lines))


def _model(place: Place, service: str, release: str) -> Model | None:
    return _document(place.release(service, release)).get("model")


def _document(folder: Path) -> dict[str, Any]:
    """Read a release's document; empty where it is missing or was altered."""
    try:
        content = json.loads((folder / "release.json").read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and "environment" in content else {}

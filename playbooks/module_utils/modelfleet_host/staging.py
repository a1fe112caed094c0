"""Staging: a release is made complete on disk, or complete again where it was altered; nothing live is touched."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from . import blobs, environment, journal, systemd
from .place import Place, Refused, point, sync_folder, write

PRIVATE, PUBLIC = 0o600, 0o644
PARTS = ("model", "members")
Result = dict[str, Any]
Manifest = dict[str, Any]


def stage(place: Place, manifest: Manifest, variables: str, incoming: Path | None, by: str, check: bool) -> Result:
    """Make a release complete on disk; nothing live is touched.

    ``variables`` is the text of the service's environment file. Returns ``lacks`` with the digests that must be
    sent first; call again with ``incoming``, a tar file of them. Raises Refused where the release would listen
    elsewhere than the one that serves.
    """
    service, release = manifest["service"], manifest["release"]
    _refuse_move(place, manifest)
    wrong = flaws(place, manifest, variables)
    if not wrong:
        return {"changed": False, "lacks": [], "received_bytes": 0}
    diff = _diff(place, manifest, wrong)
    if check:
        return {"changed": True, "lacks": [], "diff": diff}
    lacks = [] if incoming else _lacks(place, manifest, wrong)
    if lacks:
        return {"changed": True, "lacks": lacks, "received_bytes": 0}
    with place.locked():
        received = blobs.receive(place, incoming) if incoming else 0
        if place.release(service, release).is_dir():
            _fill(place, manifest, variables, place.release(service, release))
            journal.add(place, service, "repaired", release=release, files=wrong, by=by, result="done")
        else:
            _build(place, manifest, variables)
            journal.add(place, service, "staged", release=release, model=manifest["model"], by=by, result="done")
    return {"changed": True, "lacks": [], "received_bytes": received, "diff": diff}


def flaws(place: Place, manifest: Manifest, variables: str) -> list[str]:
    """Name what is missing or altered in a staged release; the release itself if it is not there at all."""
    folder = place.release(manifest["service"], manifest["release"])
    if not folder.is_dir():
        return [folder.name]
    wrong = [name for name, entry in files(manifest).items() if blobs.digest(folder / name) != entry["sha256"]]
    wrong += [str(path.relative_to(folder)) for path in _foreign(manifest, folder)]
    wrong += [name for name, (text, _) in _texts(manifest, variables).items() if _read(folder / name) != text]
    link = folder / "environment"
    if not environment.ready(place, manifest["environment"]) or not _points(link, _environment(place, manifest)):
        wrong.append(link.name)
    return wrong


def files(manifest: Manifest) -> dict[str, blobs.Blob]:
    """Return the files of a release's model and of its members, by their paths in the release."""
    model = {f"model/{entry['name']}": entry for entry in manifest["model_files"]}
    return model | {entry["name"]: entry for entry in manifest.get("member_files", ())}


def _refuse_move(place: Place, manifest: Manifest) -> None:
    """A socket that moves or changes closes: what waits in it is lost, and balancers go on sending to the old port."""
    service, socket = manifest["service"], f"modelfleet-{manifest['service']}.socket"
    old = systemd.listening(systemd.installed(place, [socket]).get(socket, ""))
    new = systemd.listening(manifest["units"].get(socket, ""))
    if old and old != new and systemd.active(socket):
        gone, come = sorted(set(old) - set(new)), sorted(set(new) - set(old))
        what = f"{service} listens with {' '.join(gone)} and can't change to {' '.join(come)} without losing requests"
        cure = "take it out of the fleet file and deploy, then put it back with the new value and deploy again"
        raise Refused(what, cure)


def _lacks(place: Place, manifest: Manifest, wrong: list[str]) -> list[str]:
    """The files that have to be placed, and the wheels only if their environment has to be built."""
    fresh = manifest["release"] in wrong
    wanted = [entry for name, entry in files(manifest).items() if fresh or name in wrong]
    if not environment.ready(place, manifest["environment"]):
        wanted += [*manifest["environment"]["wheels"], manifest["environment"]["installer"]]
    return blobs.lacking(place, wanted)


def _build(place: Place, manifest: Manifest, variables: str) -> None:
    """Make the release beside its place and move it there in one step."""
    folder = place.release(manifest["service"], manifest["release"])
    partial = folder.with_name(f".{folder.name}")
    for leftover in folder.parent.glob(".*"):
        blobs.remove(leftover)
    partial.mkdir(parents=True)
    try:
        _fill(place, manifest, variables, partial)
    except Exception:
        blobs.remove(partial)
        raise
    os.sync()
    partial.rename(folder)
    sync_folder(folder.parent)


def _fill(place: Place, manifest: Manifest, variables: str, folder: Path) -> None:
    """Put what is wrong right, file by file, each in one step; what is right is not touched."""
    for name, entry in files(manifest).items():
        if blobs.digest(folder / name) != entry["sha256"]:
            blobs.place_blob(place, entry, folder / name)
    for path in _foreign(manifest, folder):
        path.unlink()
    if not environment.ready(place, manifest["environment"]):
        environment.build(place, manifest["environment"])
    if not _points(folder / "environment", _environment(place, manifest)):
        point(folder / "environment", str(_environment(place, manifest)))
    for name, (text, mode) in _texts(manifest, variables).items():
        if _read(folder / name) != text:
            (folder / name).parent.mkdir(exist_ok=True)
            write(folder / name, text, mode)


def _texts(manifest: Manifest, variables: str) -> dict[str, tuple[str, int]]:
    units = {f"units/{name}": (text, PUBLIC) for name, text in manifest["units"].items()}
    own = {"service.env": (variables, PRIVATE), "release.json": (json.dumps(manifest, indent=1), PUBLIC)}
    return units | own


def _foreign(manifest: Manifest, folder: Path) -> list[Path]:
    known = {folder / name for name in files(manifest)}
    found = [path for part in PARTS for path in sorted((folder / part).rglob("*"))]
    return [path for path in found if (path.is_symlink() or not path.is_dir()) and path not in known]


def _environment(place: Place, manifest: Manifest) -> Path:
    return place.environments / str(manifest["environment"]["digest"])


def _points(link: Path, target: Path) -> bool:
    return link.is_symlink() and link.readlink() == target


def _read(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


def _diff(place: Place, manifest: Manifest, wrong: list[str]) -> list[dict[str, str]]:
    """Show a new release as its files and the units that change, and an altered one as what is mended in it."""
    fresh = manifest["release"] in wrong
    text = "".join(f"{name}\n" for name in files(manifest)) if fresh else ""
    before = "" if fresh else "".join(f"{name} (missing or altered)\n" for name in wrong)
    after = text if fresh else "".join(f"{name}\n" for name in wrong)
    header = f"{manifest['service']}/releases/{manifest['release']}"
    shown = {"before": before, "after": after, "before_header": header, "after_header": header}
    old = systemd.installed(place, list(manifest["units"]))
    return [shown, *(_unit(name, old.get(name, ""), new) for name, new in manifest["units"].items() if name in old)]


def _unit(name: str, before: str, after: str) -> dict[str, str]:
    return {"before": before, "after": after, "before_header": name, "after_header": name}

"""Verify a version's folder on a host against its manifest."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelfleet.copies.holders.agent.files import digest, is_plain

MANIFEST, SIGNATURES = "manifest.json", "manifest.sig"
Found = dict[str, Any]


def releases_below(root: Path) -> list[Path]:
    """The model folders of releases, and those of the members of ensembles."""
    found = (*root.glob("*/releases/[!.]*/model"), *root.glob("*/releases/[!.]*/members/*"))
    return sorted(path for path in found if (path / MANIFEST).is_file())


def examined(folder: Path) -> Found:
    """Verify a version's folder against its manifest: its identity, what is wrong, and where good content lies."""
    found: Found = {"digest": "", "signatures": "", "bytes": 0, "wrong": [], "good": {}}
    try:
        content = (folder / MANIFEST).read_bytes()
        found["digest"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
        found["signatures"] = digest(folder / SIGNATURES) if is_plain(folder / SIGNATURES) else ""
        found["wrong"] = list(flaws(folder, content, found))
    except FileNotFoundError:
        found["wrong"] = [flaw(MANIFEST, "missing", "is missing")]
    except OSError as error:
        name = Path(str(error.filename or "")).name
        found["wrong"] = [flaw(name, "unreadable", f"can't be read ({error.strerror})")]
    return found


def flaws(folder: Path, content: bytes, found: Found) -> Iterator[dict[str, str]]:
    """Yield what is wrong with a folder; note in ``found`` its good files and their bytes."""
    try:
        files = {str(file["path"]): (str(file["sha256"]), int(file["size"])) for file in json.loads(content)["files"]}
    except (ValueError, KeyError, TypeError):
        yield flaw(MANIFEST, "altered", "was altered: it is no manifest")
        return
    found["good"][hashlib.sha256(content).hexdigest()] = MANIFEST
    found["bytes"] = len(content)
    if found["signatures"]:
        found["good"][found["signatures"]] = SIGNATURES
    yield from added(folder, set(files))
    for name, (sha256, size) in files.items():
        path = folder / name
        if not is_plain(path):
            yield flaw(name, "missing", "is missing")
        elif path.stat().st_size != size:
            yield flaw(name, "altered", f"has {path.stat().st_size} bytes where the manifest says {size}")
        elif digest(path) != sha256:
            yield flaw(name, "altered", "was altered: its SHA-256 is not the manifest's")
        else:
            found["good"][sha256] = name
            found["bytes"] += size
    yield from writable(folder)


def added(folder: Path, listed: set[str]) -> Iterator[dict[str, str]]:
    """Yield what is in a folder and not in its manifest."""
    here = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    for name in sorted(here - listed - {MANIFEST, SIGNATURES}):
        yield flaw(name, "unlisted", "is not in the manifest")


def writable(folder: Path) -> Iterator[dict[str, str]]:
    """Yield what can be written to."""
    for path in (folder, *sorted(folder.rglob("*"))):
        if not path.is_symlink() and path.stat().st_mode & 0o222:
            yield flaw("" if path == folder else str(path.relative_to(folder)), "writable", "can be written to")


def flaw(file: str, kind: str, what: str) -> dict[str, str]:
    """One thing that is wrong."""
    return {"file": file, "kind": kind, "what": what}

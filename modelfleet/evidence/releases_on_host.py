"""Runs on a server, sent over SSH to its own python3: prints which model digests its releases hold. Standard library.

``{"time", "releases": [{"service", "release", "current", "digests"}]}``; digests is null where a release can't be read.
"""

import json
import time
from pathlib import Path
from typing import Any

ROOT = Path("/opt/modelfleet")


def digests(document: Path) -> "list[str] | None":
    """Return the digests of a release's model and of its members."""
    try:
        content = json.loads(document.read_text())
        model = content["model"]
        members = [*(model.get("members") or []), *(content.get("members") or [])]
        return [model["digest"], *(one["digest"] if isinstance(one, dict) else one for one in members)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def releases(root: Path) -> "list[dict[str, Any]]":
    """Return every release below the root, with whether it is the one of record."""
    found = []
    for folder in sorted(root.glob("*/releases/[!.]*")):
        service = folder.parent.parent
        current = service / "current"
        is_current = current.is_symlink() and current.readlink().name == folder.name
        said = {"service": service.name, "release": folder.name, "current": is_current}
        found.append({**said, "digests": digests(folder / "release.json")})
    return found


if __name__ == "__main__":
    print(json.dumps({"time": time.time(), "releases": releases(ROOT)}))

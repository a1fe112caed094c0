"""What a zip file may hold: members that lie in it, and none that would land outside of where it is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

from modelfleet.errors import Failure


def refuse_escapes(path: Path) -> None:
    """Raise Failure where a member's name is absolute or has ``..`` in it; OSError or BadZipFile where it is no zip."""
    with zipfile.ZipFile(path) as archive:
        out = next((name for name in archive.namelist() if _leads_out(name)), None)
    if out is not None:
        raise Failure(str(path), f"holds {out[:80]!r}, which leads out of it", "don't trust this file")


def _leads_out(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "" or ".." in parts

"""Locks as data: a lock's text cut into its requirements, and a model's lock joined with the service's."""

from __future__ import annotations

import re
from pathlib import Path

from modelfleet.tree import SERVICE


def by_name(lock: str) -> dict[str, str]:
    """Cut a lock's text into its requirements, each a line with its hashes, by package name in lower case."""
    joined = re.sub(r"\\\n\s*", "", lock)
    lines = [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return {re.split(r"[=\s\[;]", line, maxsplit=1)[0].lower(): line for line in lines}


def path(folder: Path, python: str) -> Path:
    """Return where a folder, a model's or the service's, has its lock for a Python such as ``3.11``."""
    return folder / f"requirements-{python}.lock"


def every(folder: Path) -> list[Path]:
    """Return the locks in a folder, one a Python."""
    return sorted(folder.glob(path(folder, "*").name))


def with_service(lock: str, python: str) -> str:
    """Join a model's lock with the service's; where both name a package, the model's version counts."""
    merged = by_name(path(SERVICE, python).read_text()) | by_name(lock)
    return "\n".join(merged[name] for name in sorted(merged)) + "\n"


def versions(lock: str) -> dict[str, str]:
    """Return the version of each package of a lock."""
    return {name: line.split("==")[1].split()[0] for name, line in by_name(lock).items()}


def hashes(lock: str) -> dict[str, list[str]]:
    """Return the SHA-256 digests, in hexadecimal, of the wheels of each package of a lock."""
    return {name: sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", line)) for name, line in by_name(lock).items()}

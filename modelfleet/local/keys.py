"""A fleet's keys: one to log in with, one for each host, and the known_hosts file that pins them."""

from __future__ import annotations

import subprocess
from pathlib import Path

LOGIN = "id_ed25519"
KNOWN_HOSTS = "known_hosts"


def login(folder: Path) -> Path:
    """Return the private key that logs in, made if it is not there."""
    return _key(folder / LOGIN, "modelfleet local fleet")


def host(folder: Path, name: str) -> Path:
    """Return a host's own private key, made if it is not there."""
    return _key(folder / "hosts" / name, name)


def public(key: Path) -> str:
    """Return a key's public half, one line without its comment."""
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def pin(folder: Path, ports: dict[str, int]) -> Path:
    """Write known_hosts for the hosts, by name and SSH port; return its path."""
    path = folder / KNOWN_HOSTS
    lines = [f"[127.0.0.1]:{port} {public(host(folder, name))}\n" for name, port in sorted(ports.items())]
    if not path.exists() or path.read_text() != "".join(lines):
        path.write_text("".join(lines))
    return path


def _key(path: Path, comment: str) -> Path:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]
        subprocess.run(words, check=True)
    return path

"""What this machine lets us install, and how."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from modelfleet.errors import Failure
from modelfleet.progress import say


def as_root(cure: str = "run the command as root") -> list[str]:
    """Return the words that make a command run as root. Raise Failure, with the cure, where there are none."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        return ["sudo"]
    raise Failure("this machine", "neither root nor sudo is at hand", cure)


def install(packages: list[str], purpose: str) -> None:
    """Install packages of Debian or Ubuntu, saying so. Raise Failure, which names them, where that can't be done."""
    named = " ".join(packages)
    if not shutil.which("apt-get"):
        raise Failure("this machine", f"{purpose} is missing and apt-get is not here", f"install {named} yourself")
    root = as_root(f"install {named} yourself, for {purpose}")
    say(f"Installing {named}, for {purpose} ...")
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    base = [*root, *environment, "apt-get", "-qq"]
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run([*base, *step], capture_output=True, text=True)
        if done.returncode != 0:
            reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise Failure("apt-get", f"{step[0]} failed ({reason})", f"install {named} yourself")


def need(program: str, packages: list[str], purpose: str) -> str:
    """Return the path of a program, after installing its packages if it is missing."""
    found = _which(program)
    if not found:
        install(packages, purpose)
        found = _which(program)
    if not found:
        raise Failure("this machine", f"{program} is not here", f"install {' '.join(packages)} yourself")
    return found


def _which(program: str) -> str | None:
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return shutil.which(program, path=places)


def has_systemd() -> bool:
    """Tell whether systemd runs this machine."""
    return Path("/run/systemd/system").is_dir()

"""A Docker engine: the one that answers, or else the distribution's, installed and started."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import docker
from docker.errors import DockerException

from modelfleet.errors import Failure
from modelfleet.local.privileges import as_root, has_systemd, need
from modelfleet.progress import say

START_SECONDS = 60
LOG = Path("/var/log/modelfleet-dockerd.log")
PID_FILES = {"dockerd": "/var/run/docker.pid", "containerd": "/var/run/docker/containerd/containerd.pid"}


def client() -> docker.DockerClient:
    """Return a client of an engine that answers; install and start one where none does, saying so.

    Raises Failure, which names the one thing to do, where this user may not.
    """
    found = _answering()
    if found:
        return found
    program = need("dockerd", ["docker.io", "iptables"], "a Docker engine, on which the local fleet runs")
    if has_systemd():
        say("Starting the Docker engine with systemd ...")
        subprocess.run([*as_root(), "systemctl", "enable", "--now", "--quiet", "docker"], check=False)
    else:
        say(f"Starting the Docker engine by hand, as no systemd runs here; its log is {LOG} ...")
        _start(program)
    return _wait()


def existing() -> docker.DockerClient | None:
    """Return a client if an engine answers; start nothing."""
    return _answering()


def _answering() -> docker.DockerClient | None:
    try:
        found = docker.from_env(timeout=120)
        found.ping()
    except DockerException as error:
        if "Permission denied" in str(error):
            cure = "run `sudo usermod -aG docker $USER`, log in again and repeat"
            raise Failure("the Docker engine", "it does not let this user in", cure) from None
        return None
    return found


def _start(program: str) -> None:
    """Start the engine so that it outlives this command."""
    for name, path in PID_FILES.items():
        _drop_stale(name, Path(path))
    group = ["--group", str(os.getgid())] if os.geteuid() != 0 else []
    script = 'exec "$@" >>"$0" 2>&1 </dev/null'
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    subprocess.Popen(
        [*as_root(), "sh", "-c", script, str(LOG), program, *group], start_new_session=True, env=environment
    )


def _drop_stale(name: str, path: Path) -> None:
    """Remove a pid file that names another program's process: the engine would not start beside it."""
    try:
        process = int(path.read_text())
        if Path(f"/proc/{process}/comm").read_text().strip() == name:
            return
    except (OSError, ValueError):
        pass
    subprocess.run([*as_root(), "rm", "-f", str(path)], check=False)


def _wait() -> docker.DockerClient:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = _answering()
        if found:
            return found
        time.sleep(0.3)
    where = "journalctl -u docker" if has_systemd() else str(LOG)
    raise Failure("the Docker engine", f"it did not answer within {START_SECONDS} s", f"see why with: {where}")

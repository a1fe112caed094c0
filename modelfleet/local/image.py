"""Root file systems of hosts: Debian as a cloud image has it, built once by mmdebstrap and kept as Docker images."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from modelfleet.errors import Failure
from modelfleet.local.privileges import as_root, need
from modelfleet.progress import say

REPOSITORY = "modelfleet-host"
SUITES = {"bookworm": "Debian 12", "trixie": "Debian 13"}
SYSTEM = ["systemd", "systemd-sysv", "dbus", "libpam-systemd", "ca-certificates", "iproute2", "procps"]
REACHED = ["openssh-server", "openssh-sftp-server", "sudo", "python3", "python3-apt"]
OPTIONS = ["--variant=minbase", "--skip=cleanup/apt/lists", f"--include={','.join([*SYSTEM, *REACHED])}"]
# What a cloud image does at its first start: a user who may use sudo, no host keys, no machine id.
CUSTOMIZE = """\
set -eu
useradd --root "$1" --create-home --shell /bin/bash deploy
echo 'deploy ALL=(ALL) NOPASSWD: ALL' > "$1/etc/sudoers.d/deploy"
chmod 0440 "$1/etc/sudoers.d/deploy"
rm -f "$1"/etc/ssh/ssh_host_*
printf '%s\\n' 'PasswordAuthentication no' 'PermitRootLogin no' 'HostKey /etc/ssh/ssh_host_ed25519_key' \\
    > "$1/etc/ssh/sshd_config.d/fleet.conf"
: > "$1/etc/machine-id"
"""


def tag(suite: str) -> str:
    """Return the image's name: it changes with anything that goes into it."""
    recipe = "\n".join([suite, *OPTIONS, CUSTOMIZE])
    return f"{REPOSITORY}:{suite}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def ensure(client: docker.DockerClient, suites: set[str]) -> None:
    """Build the images that are missing, side by side, with a line of progress each."""
    missing = sorted(suite for suite in suites if not _exists(client, tag(suite)))
    if not missing:
        return
    program = need("mmdebstrap", ["mmdebstrap", "debian-archive-keyring"], "building the hosts' root file systems")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda suite: _build(client, program, suite), missing))


def _exists(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def _build(client: docker.DockerClient, program: str, suite: str) -> None:
    say(f"Building the root file system of {SUITES[suite]} (once; about half a minute) ...")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        archive, script = Path(folder) / f"{suite}.tar", Path(folder) / "customize"
        script.write_text(CUSTOMIZE)
        hook = f'sh {script} "$1"'
        command = [*as_root(), program, "--quiet", *OPTIONS, f"--customize-hook={hook}", suite, str(archive)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise Failure(f"the image of {SUITES[suite]}", f"mmdebstrap failed ({reason})", "check the network")
        repository, name = tag(suite).split(":")
        client.api.import_image(str(archive), repository=repository, tag=name)
    say(f"Built the root file system of {SUITES[suite]} in {time.monotonic() - began:.0f} s.")

"""Which hosts an sftp:// URL may lead to: those whose key is in known_hosts, as with SSH itself."""

from __future__ import annotations

import os
from pathlib import Path

import paramiko

KNOWN = "MODELFLEET_KNOWN_HOSTS"


class OnlyKnown(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Take a host's key only if ~/.ssh/known_hosts, or the file of MODELFLEET_KNOWN_HOSTS, has it."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        """Raise SSHException unless the key is the one that is known for the host."""
        file = Path(os.environ.get(KNOWN) or "~/.ssh/known_hosts").expanduser()
        known = paramiko.HostKeys(str(file)) if file.is_file() else paramiko.HostKeys()
        if not known.check(hostname, key):
            raise paramiko.SSHException(f"{file} does not have the key of {hostname}")

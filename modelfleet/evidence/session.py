"""One SSH session with one host: a Python text goes in, the JSON object that it prints comes out."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from modelfleet.fleet import Host
from modelfleet.tree import ROOT

TIMEOUT_SECONDS = 90


@dataclass(frozen=True)
class Evidence:
    """What one host said; ``error`` is why it said nothing. ``clock_skew_seconds`` is beyond the call's own time."""

    host: Host
    said: dict[str, Any]
    error: str = ""
    clock_skew_seconds: float = 0.0


def ask(host: Host, script: str) -> Evidence:
    """Run a script with the host's own python3 as root; it prints one JSON object, with ``time``, as its last line."""
    before = time.time()
    try:
        done = subprocess.run(
            host.ssh("sudo", "-n", "python3", "-"),
            input=script,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            cwd=ROOT,
        )
    except subprocess.TimeoutExpired:
        return Evidence(host, {}, f"no answer within {TIMEOUT_SECONDS} s")
    after = time.time()
    if done.returncode != 0:
        return Evidence(host, {}, reason(done.stderr))
    said = json.loads(done.stdout.splitlines()[-1])
    skew = max(0.0, before - said["time"], said["time"] - after)
    return Evidence(host, said, clock_skew_seconds=skew)


def reason(stderr: str) -> str:
    """Return why a session failed: the last thing that it said."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if any("password is required" in line for line in lines):
        return "sudo wants a password"
    return lines[-1] if lines else "ssh failed and said nothing"

"""Run one playbook with ansible-playbook, as a user would, and turn its end into the kit's exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from modelfleet.errors import EXIT_FAILURE, EXIT_VERDICT
from modelfleet.fleet import BIN
from modelfleet.tree import PLAYBOOKS, ROOT

VERDICTS = {"Try every claim on every host"}


def run(verb: str, fleet: Path, options: Sequence[str] = ()) -> int:
    """Run playbooks/<verb>.yml on a fleet; its output goes straight to the terminal.

    Returns 0, 1 after a failure, or 3 where a smoke test was what failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        failures = Path(folder) / "failures.json"
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), "-i", str(fleet), str(PLAYBOOKS / f"{verb}.yml"), *options],
            cwd=ROOT,
            env={**os.environ, "MODELFLEET_FAILURES": str(failures)},
        )
        if done.returncode == 0:
            return 0
        found = json.loads(failures.read_text()) if failures.exists() else []
        return EXIT_VERDICT if found and all(_is_verdict(entry) for entry in found) else EXIT_FAILURE


def _is_verdict(failure: dict[str, str]) -> bool:
    return any(failure["task"].endswith(name) for name in VERDICTS)

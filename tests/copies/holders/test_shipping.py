"""The agent runs on a host that has nothing of this project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from modelfleet.copies.holders import shipping


def test_the_program_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    code = f"import sys; exec(compile(sys.stdin.buffer.read({len(shipping.program())}), 'agent', 'exec'))"
    requests = [{"root": str(tmp_path)}, {"act": "look", "hold": True}, {"act": "lacks", "files": [{"sha256": "ab"}]}]
    sent = shipping.program() + b"".join(json.dumps(one).encode() + b"\n" for one in requests)
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, input=sent, capture_output=True, cwd=tmp_path)
    looked, lacking = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, looked["copies"], lacking["lacks"]) == (0, [], ["ab"])


def test_every_module_of_the_agent_is_shipped() -> None:
    there = {path.stem for path in Path(shipping.__file__).with_name("agent").glob("*.py")} - {"__init__"}
    assert there == set(shipping.MODULES)

"""How long a deploy takes on a bare fleet of three servers and a balancer with two services, and again; what it sends.

`make bench-deploy` runs it: a fleet of its own, taken down at the end, and a store of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from modelfleet import bundle, wheels
from modelfleet.local import inventory
from modelfleet.tree import ROOT
from tests.fleet.live import Live, Run, put

NAME = "bench"
SERVERS = 3
ROUNDS = 5
LIMITS = {"bare": 120.0, "again": 25.0}


def main() -> None:
    """Measure, print a table, and take the fleet down."""
    with tempfile.TemporaryDirectory() as folder:
        live = Live(inventory.path(NAME), Path(folder) / "store", Path(folder))
        for example in ("digits", "cancer"):
            say(f"training {example}")
            train = [sys.executable, str(ROOT / "examples" / example / "train.py")]
            subprocess.run(train, check=True, env={**os.environ, "MODELFLEET_STORE": str(live.store)})
        try:
            measure(live)
        finally:
            live.run("down", "--name", NAME)


def measure(live: Live) -> None:
    """Bring the fleet up bare and time each kind of deploy."""
    say(f"starting a bare fleet of {SERVERS} servers and a balancer")
    models = ["--model", "digits:1", "--model", "cancer:1"]
    sound(live.run("up", "--name", NAME, "--servers", str(SERVERS), *models))
    say("deploying to bare hosts")
    bare = sound(live.deploy())
    again: list[Run] = []
    received: list[int] = []
    for number in range(ROUNDS):
        say(f"deploying again, {number + 1} of {ROUNDS}")
        before = arrived(live)
        again.append(sound(live.deploy()))
        received.append(arrived(live) - before)
    say("deploying one changed setting of one service")
    before = arrived(live)
    update = sound(live.deploy(live.edited(put("vars", "services", 0, "threads", 3))))
    changed = arrived(live) - before
    tasks = max(count for run in again for host, count in run.tasks().items() if host.startswith("server"))
    row("deploy on bare hosts", f"{bare.seconds:.0f} s", f"at most {LIMITS['bare']:.0f} s")
    seconds = sorted(run.seconds for run in again)
    spread = f"median {statistics.median(seconds):.1f} s ({seconds[0]:.1f} to {seconds[-1]:.1f}, {ROUNDS} rounds)"
    row("deploy again", spread, f"at most {LIMITS['again']:.0f} s")
    row("  changed", str(sum(sum(run.changed().values()) for run in again)), "0")
    row("  tasks per server", str(tasks), "at most 25")
    row("  sent of the bundles", f"{manifests(live) / 1e3:.1f} kB", "two manifests, no blob")
    row("  received by a server", f"{statistics.median(received) / 1e3:.0f} kB", "with Ansible's own modules, over SSH")
    row("deploy one changed setting", f"{update.seconds:.1f} s", "no blob")
    row("  received by a server", f"{changed / 1e3:.0f} kB", "the same")


def manifests(live: Live) -> int:
    """Bytes of the bundles' manifests as server1 is told them."""
    names = [(service.name, live.release("server1", service.name)) for service in live.fleet.services]
    made = [bundle.read(wheels.cache() / "bundles" / f"{name}-{release}.json") for name, release in names]
    return sum(len(json.dumps(one.manifest("3.11-x86_64"))) for one in made)


def arrived(live: Live) -> int:
    """Bytes that server1's network interface has received."""
    return int(live.ssh("server1", "cat /sys/class/net/eth0/statistics/rx_bytes"))


def sound(run: Run) -> Run:
    """Return a run that succeeded; stop the benchmark at any other."""
    if run.status != 0:
        sys.exit(f"{run.output}\nthe run failed; nothing is measured")
    return run


def row(what: str, got: str, remark: str) -> None:
    """Print a line of the table."""
    print(f"{what:<28}{got:<52}{remark}")


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"{text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

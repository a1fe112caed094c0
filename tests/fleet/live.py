"""A fleet under test: run the command line against it, edit copies of its file, and ask its hosts."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from modelfleet import curl, fleet
from modelfleet.fleet import BIN, Fleet, Host
from modelfleet.tree import ROOT

# A name for each checkout: a run that was cut off elsewhere is not in the way of this one.
NAME = f"test-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}"
Edit = Callable[[dict[str, Any]], None]
STATE = """
dpkg-query --show
ls -l /opt /etc/systemd
cat /opt/modelfleet/*/journal.jsonl /etc/nginx/nginx.conf 2>/dev/null
ls -l /opt/modelfleet/*/current /etc/systemd/system/modelfleet-* 2>/dev/null
systemctl show --property=MainPID,NRestarts,ActiveState 'modelfleet-*.s*' nginx.service 2>/dev/null
"""


@dataclass
class Run:
    """One command that ended: its exit status, what it printed, and the seconds it took."""

    status: int
    output: str
    seconds: float

    def changed(self) -> dict[str, int]:
        """Changed tasks by host, as the account's last lines say."""
        return {name: int(count) for name, count in re.findall(r"^(\S+) +tasks=\d+ +changed=(\d+)", self.output, re.M)}

    def tasks(self) -> dict[str, int]:
        """Tasks by host."""
        return {name: int(count) for name, count in re.findall(r"^(\S+) +tasks=(\d+)", self.output, re.M)}

    def last_line(self) -> str:
        """The last line, where an error stands."""
        return self.output.strip().splitlines()[-1]


@dataclass
class Live:
    """A local fleet that a test session owns."""

    path: Path
    store: Path
    scratch: Path
    count: int = field(default=0)

    @property
    def fleet(self) -> Fleet:
        """The fleet as its file says now."""
        return fleet.read(self.path)

    def host(self, name: str) -> Host:
        """One host by name."""
        return next(host for host in self.fleet.hosts if host.name == name)

    def edited(self, edit: Edit) -> Path:
        """Write a copy of the fleet file after an edit of what stands under `all`."""
        content = copy.deepcopy(yaml.safe_load(self.path.read_text()))
        edit(content["all"])
        self.count += 1
        path = self.scratch / f"edited{self.count}.yml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    def run(self, *arguments: str, **environment: str) -> Run:
        """Run `modelfleet` with the session's store."""
        return self.execute(str(BIN / "modelfleet"), *arguments, **environment)

    def deploy(self, path: Path | None = None, *options: str, **environment: str) -> Run:
        """Run `modelfleet deploy` on the fleet file or on an edited copy."""
        return self.run("deploy", "--fleet", str(path or self.path), *options, **environment)

    def execute(self, *command: str, **environment: str) -> Run:
        """Run a command in the checkout with the session's store; its two outputs are one."""
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "MODELFLEET_STORE": str(self.store), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        return Run(done.returncode, done.stdout, time.monotonic() - began)

    def deploy_and_die(self, path: Path, seen: str) -> None:
        """Start a deploy and kill it, and all that it started here, once its output has some words."""
        command = [str(BIN / "modelfleet"), "deploy", "--fleet", str(path)]
        environment = {**os.environ, "MODELFLEET_STORE": str(self.store), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            said = next((line for line in process.stdout if seen in line), None)
            time.sleep(0.3)  # into the task, not before it
            _kill_tree(process.pid)
        assert said, f"the deploy ended before it said {seen!r}"

    def ssh(self, host: str, command: str, check: bool = True) -> str:
        """Run a shell command on a host as its deploy user; return what it printed."""
        done = subprocess.run(self.host(host).ssh(command), capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"{host}: {command}: {done.stdout}{done.stderr}")
        return done.stdout

    def state(self) -> str:
        """A digest of what deploys change on any host: journals, links, units, processes, Nginx."""
        asked = f"sudo sh -c '{_quoted(STATE)}'"
        with ThreadPoolExecutor() as pool:
            said = list(pool.map(lambda host: self.ssh(host.name, asked, check=False), self.fleet.hosts))
        return hashlib.sha256("\n".join(said).encode()).hexdigest()

    def release(self, host: str, service: str) -> str:
        """The release of record of a service on a server."""
        return Path(self.ssh(host, f"readlink /opt/modelfleet/{service}/current").strip()).name

    def answers(self, service: str) -> dict[str, Any]:
        """Send the service's own example request through the balancer with curl; return the JSON answer."""
        wanted = next(one for one in self.fleet.services if one.name == service)
        command = curl.command(self.fleet, wanted, self.store)
        done = subprocess.run([*command, "--fail"], capture_output=True, text=True, check=True, timeout=90)
        answer: dict[str, Any] = yaml.safe_load(done.stdout)
        return answer

    def until(self, claim: Callable[[], bool], seconds: float, what: str) -> None:
        """Poll until a claim holds; fail after the deadline."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if claim():
                return
            time.sleep(0.3)
        raise AssertionError(f"not within {seconds} s: {what}")


def _kill_tree(pid: int) -> None:
    """Kill a process and all below it; each is stopped before its children are listed, so that it starts no more."""
    tree = [pid]
    for one in tree:
        _signal(one, signal.SIGSTOP)
        tree += _children(one)
    for one in tree:
        _signal(one, signal.SIGKILL)


def _signal(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # a worker may end by itself at any moment
        os.kill(pid, what)


def _children(pid: int) -> list[int]:
    """Name the processes that a process started; by parent, because Ansible's workers lead sessions of their own."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def _quoted(script: str) -> str:
    return script.replace("'", "'\\''")


def put(*keys: Any) -> Edit:
    """Return an edit that sets the value at a path of keys; the last one is the value."""

    def edit(content: dict[str, Any]) -> None:
        *path, last, value = keys
        for key in path:
            content = content[key]
        content[last] = value

    return edit

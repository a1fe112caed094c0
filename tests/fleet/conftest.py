"""One local fleet for the whole session: up, models in a store of its own, deployed once from bare hosts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelfleet.fleet import BIN
from modelfleet.tree import INVENTORY, ROOT
from tests.fleet.live import NAME, Live, Run

EXAMPLES = ("digits", "cancer", "readings")
Say = Callable[[str], None]


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Say:
    """Print a line of progress past pytest's capturing."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n[fleet] {text}", end=" ", flush=True)

    return line


@pytest.fixture(scope="session")
def trained(say: Say, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with digits:1, cancer:1 and readings:1, trained by the examples."""
    store = tmp_path_factory.mktemp("store")
    say(f"training {', '.join(EXAMPLES)}")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda example: _train(example, store), EXAMPLES))
    return store


@pytest.fixture(scope="session")
def bare(say: Say, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Two bare servers, Debian 12 and 13, and a balancer; taken down at the end."""
    command = [str(BIN / "modelfleet"), "up", "--name", NAME, "--servers", "2", "--balancers", "1"]
    environment = {**os.environ, "MODELFLEET_STORE": str(trained)}
    subprocess.run([str(BIN / "modelfleet"), "down", "--name", NAME], check=False, env=environment)
    say("starting a fleet of 2 servers and 1 balancer")
    subprocess.run([*command, "--model", "digits:1", "--model", "cancer:1"], check=True, env=environment)
    yield Live(INVENTORY / f"{NAME}.local.yml", trained, tmp_path_factory.mktemp("scratch"))
    subprocess.run([str(BIN / "modelfleet"), "down", "--name", NAME], check=True, env=environment)


@pytest.fixture(scope="session")
def looked(say: Say, bare: Live) -> Run:
    """What `deploy --check --diff` said of the bare fleet, before anything was deployed."""
    say("checking a bare fleet")
    before = bare.state()
    checked = bare.deploy(None, "--check", "--diff")
    assert bare.state() == before
    return checked


@pytest.fixture(scope="session")
def first(say: Say, bare: Live, looked: Run) -> Run:
    """The first deploy, from bare hosts, by ansible-playbook alone."""
    say("deploying to bare hosts with ansible-playbook alone")
    return bare.execute(str(BIN / "ansible-playbook"), "-i", str(bare.path), "playbooks/deploy.yml")


@pytest.fixture(scope="session")
def live(bare: Live, first: Run) -> Live:
    """The fleet with its two services live."""
    assert first.status == 0, first.output
    return bare


def _train(example: str, store: Path) -> None:
    script = ROOT / "examples" / example / "train.py"
    subprocess.run([sys.executable, str(script)], env={**os.environ, "MODELFLEET_STORE": str(store)}, check=True)

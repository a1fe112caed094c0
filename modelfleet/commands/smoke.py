"""`modelfleet smoke`: try every claim on every host of a live fleet; strictly read-only."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import click

from modelfleet import fleet
from modelfleet import store as stores
from modelfleet.errors import EXIT_FAILURE, EXIT_VERDICT
from modelfleet.tree import ROOT, SMOKE_TESTS

TESTS_FAILED = 1


@click.command("smoke")
@click.option("--fleet", "fleet_option", metavar="FILE", help="The fleet file; the local fleet if not given.")
@click.option("--store", type=click.Path(path_type=Path), help="The store; the default store if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print an array: host, service, claim, verdict, got, expected.")
def command(fleet_option: str | None, store: Path | None, as_json: bool) -> int:
    """Try every claim on every host; read-only. Exit status 3 if a claim fails."""
    stores.use(store)
    path = fleet.find(fleet_option)
    fleet.refuse_broken(path)
    with tempfile.TemporaryDirectory() as folder:
        verdicts = Path(folder) / "verdicts.json"
        words = [sys.executable, "-m", "pytest", "-q", str(SMOKE_TESTS), "--fleet", str(path)]
        output = subprocess.PIPE if as_json else None
        done = subprocess.run([*words, "--verdicts", str(verdicts)], cwd=ROOT, stdout=output)
        if as_json and verdicts.exists():
            click.echo(verdicts.read_text())
    return {0: 0, TESTS_FAILED: EXIT_VERDICT}.get(done.returncode, EXIT_FAILURE)

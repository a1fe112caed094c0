"""`modelfleet ssh`: a shell on a host, or one command there."""

from __future__ import annotations

import difflib
import os

import click

from modelfleet import fleet
from modelfleet.errors import Failure
from modelfleet.local import inventory
from modelfleet.tree import ROOT


@click.command("ssh", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--fleet", "fleet_option", metavar="FILE", help="The fleet file; the local fleet if not given.")
@click.option("--name", help="The name of a local fleet, in place of --fleet.")
@click.argument("host")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(fleet_option: str | None, name: str | None, host: str, words: tuple[str, ...]) -> None:
    """Open a shell on HOST, or run WORDS there."""
    path = fleet.find(inventory.path(name) if name else fleet_option)
    hosts = {one.name: one for one in fleet.read(path).hosts}
    if host not in hosts:
        close = difflib.get_close_matches(host, hosts, n=1)
        cure = f"did you mean {close[0]}?" if close else f"it has {', '.join(hosts)}"
        raise Failure(str(path), f"it has no host {host}", cure)
    argv = hosts[host].ssh(*words)
    os.chdir(ROOT)
    os.execvp(argv[0], argv)  # noqa: S606 - the terminal is ssh's from here on

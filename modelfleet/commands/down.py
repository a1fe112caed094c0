"""`modelfleet down`: remove a local fleet."""

from __future__ import annotations

import click

from modelfleet.local import fleet


@click.command("down")
@click.option("--name", default="local", show_default=True, help="The fleet's name.")
def command(name: str) -> None:
    """Remove a local fleet: its hosts, network, keys and file. The images stay, for the next `up`."""
    gone = fleet.down(name)
    said = f"removed {', '.join(gone)}" if gone else "nothing was there to remove"
    click.echo(f"The fleet {name} is down: {said}. The host images stay.")

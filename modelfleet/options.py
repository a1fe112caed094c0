"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click

STORE = click.option("--store", "store_path", type=click.Path(path_type=Path), help="The store, if not the default.")
FLEET = click.option("--fleet", "fleet_option", metavar="FILE", help="The fleet file; the local fleet if not given.")

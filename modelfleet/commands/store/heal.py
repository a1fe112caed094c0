"""`modelfleet store heal`: repair the store and its copies from a good copy."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from modelfleet.copies import heal
from modelfleet.errors import EXIT_VERDICT
from modelfleet.options import STORE


@click.command("heal")
@click.option("--json", "as_json", is_flag=True, help="Print an object: done, failed, remains (as of `store fsck`).")
@STORE
def command(as_json: bool, store_path: Path | None) -> int:
    """Repair what `store fsck` finds, from a good copy at any place that the store knows.

    A damaged version is replaced only by one whose digest is the ledger's, and is kept in .trash/.damaged. Prints what
    was done and what could not be; exit status 3 if something is still wrong.
    """
    report = heal.run(store_path)
    failed, remains = [failure.said() for failure in report.failed], [asdict(finding) for finding in report.remains]
    if as_json:
        click.echo(json.dumps({"done": report.done, "failed": failed, "remains": remains}))
    else:
        for line in (*report.done, *map(str, report.failed), *map(str, report.remains)):
            click.echo(line)
        end = f"{len(report.remains)} things are still wrong" if report.remains else "every byte is as it was saved"
        click.echo(f"{len(report.done)} things done: {end}")
    return EXIT_VERDICT if report.remains else 0

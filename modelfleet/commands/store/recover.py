"""`modelfleet store recover`: rebuild a lost store from its copies and from releases on servers."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from modelfleet.copies import recover, targets
from modelfleet.copies.recover import Row
from modelfleet.errors import EXIT_VERDICT, Failure, Failures
from modelfleet.options import STORE

FIELDS = "versions (name, version, digest, state, source, what), documents, failed"


@click.command("recover")
@click.argument("fleet_or_url")
@click.option(
    "--copies", type=int, help="How many copies the store is to remember for `store fsck`: 2; 1 at a URL or host."
)
@click.option("--json", "as_json", is_flag=True, help=f"Print an object: {FIELDS}.")
@STORE
def command(fleet_or_url: str, copies: int | None, as_json: bool, store_path: Path | None) -> int:
    """Bring back every version that the hosts of FLEET_OR_URL have, as a copy or in a release, and the documents.

    A version that the store has is never overwritten. In the JSON a state is recovered, there, refused (the store has
    the version with another digest, or its disk refused it) or lost. Exit status 3 if anything is refused or lost, or a
    host did not answer.
    """
    one = targets.target(fleet_or_url)
    report = recover.run(targets.Target(one.target, copies or targets.usual(one)), store_path)
    if not report.versions:
        cure = "check it; `modelfleet store replicate --to` is what makes copies"
        raise Failures([*report.failed, Failure(fleet_or_url, "nobody there has a copy or a release", cure)])
    if as_json:
        failed = [failure.said() for failure in report.failed]
        click.echo(json.dumps(asdict(report) | {"failed": failed}))
    else:
        for line in (*map(_told, report.versions), *report.documents, *map(str, report.failed)):
            click.echo(line)
        counted = sum(row.state == recover.RECOVERED for row in report.versions)
        end = "all are there" if report.is_complete else "not all that is known is there"
        click.echo(f"{counted} of {len(report.versions)} versions recovered: {end}")
    return 0 if report.is_complete else EXIT_VERDICT


def _told(row: Row) -> str:
    end = {recover.RECOVERED: f"from {row.source}, digest equal"}.get(row.state, row.what)
    return f"{row.reference:<16} {row.state:<10} {row.digest[:19]}  {end}".rstrip()

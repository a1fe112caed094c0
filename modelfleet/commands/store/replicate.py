"""`modelfleet store replicate`: keep copies of every version on hosts, or at a URL."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from modelfleet.copies import replicate, targets
from modelfleet.copies.holders.streams import megabytes
from modelfleet.copies.replicate import Report
from modelfleet.errors import EXIT_FAILURE, EXIT_VERDICT
from modelfleet.options import STORE

FIELDS = "target, copies, versions, holders (holder, there, sent, documents, sent_bytes), findings, failed"


@click.command("replicate")
@click.option("--to", "to", metavar="FLEET_OR_URL", help="A fleet file, or a URL; the local fleet if not given.")
@click.option("--copies", type=int, help="On how many hosts each version is to be; 2 if not given, or all there are.")
@click.option("--forget", is_flag=True, help="Make none there; fsck and heal no longer ask for those that are there.")
@click.option("--json", "as_json", is_flag=True, help=f"Print an object: {FIELDS}; or forgotten.")
@STORE
def command(to: str | None, copies: int | None, forget: bool, as_json: bool, store_path: Path | None) -> int:
    """Keep copies of every version, and of the ledgers, aliases and log, on a fleet's hosts or at a URL.

    Only what is missing is sent: what a deploy or another copy brought to a host is linked there. Every byte that is
    there already is verified first. The store remembers where its copies are, for `store fsck` and `store heal`.
    Exit status 3 if a version of the store is damaged and has no copy made of it, 1 if a host failed.
    """
    if forget:
        gone = targets.forget(to, store_path)
        click.echo(json.dumps({"forgotten": gone}) if as_json else f"forgot the copies at {gone}; what is there stays")
        return 0
    one = targets.target(to)
    report = replicate.run(targets.Target(one.target, targets.usual(one) if copies is None else copies), store_path)
    if as_json:
        click.echo(json.dumps(document(report)))
    else:
        _print(report)
    return EXIT_FAILURE if report.failed else EXIT_VERDICT if report.findings else 0


def document(report: Report) -> dict[str, Any]:
    """Return what --json prints."""
    return asdict(report) | {"failed": [failure.said() for failure in report.failed]}


def _print(report: Report) -> None:
    for row in report.holders:
        click.echo(f"{row.holder}: {replicate.told(row)}")
    for wrong in (*report.findings, *report.failed):
        click.echo(str(wrong))
    sent = megabytes(sum(row.sent_bytes for row in report.holders))
    end = "each has its copies" if report.is_complete else "not every one has its copies"
    click.echo(f"{report.versions} versions, copies at {report.target}: {report.copies}; {sent} sent; {end}")

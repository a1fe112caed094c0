"""`modelfleet model log`: the versions of a name, what each was made of, and what was done with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from modelfleet import tables
from modelfleet.options import STORE
from modelfleet.store import history, lineage
from modelfleet.store.history import Past
from modelfleet.store.lineage import Behind

FIELDS = (
    "name, versions (the newest first: name, version, digest, state, created, author, algorithm, metric, change, "
    "lineage, breaking, aliases, signed, deployed), behind (ensemble, member, newest)"
)


@click.command("log")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help=f"Print an object: {FIELDS}.")
@STORE
def command(name: str, as_json: bool, store_path: Path | None) -> None:
    """Tell the lineage of NAME, such as digits: each version, the newest first, deleted ones too.

    Each with its main figure and the change against the version before, where it comes from, which aliases were
    moved to it, who signed it (`modelfleet model verify` checks that), and where it was deployed. At the end are the
    ensembles that hold an older version of a member than the newest.
    """
    found = history.history(name, store_path)
    behind = [one for one in lineage.behind(store_path) if name in _names(one)]
    if as_json:
        versions, late = [asdict(one) for one in found], [asdict(one) for one in behind]
        click.echo(json.dumps({"name": name, "versions": versions, "behind": late}))
        return
    rows = [[one.reference, one.created[:16], one.author, one.algorithm, _figure(one), one.state] for one in found]
    tables.show(tables.table(["version", "created", "author", "algorithm", "figure", "state"], rows), "")
    tables.show(*(line for one in found for line in _lines(one)))
    tables.show(*(f"{one.ensemble} is behind: it holds {one.member}, the newest is {one.newest}" for one in behind))


def _names(one: Behind) -> set[str]:
    return {reference.partition(":")[0] for reference in (one.ensemble, one.member)}


def _figure(one: Past) -> str:
    if not one.metric:
        return "-"
    change = "" if one.change is None else f" ({one.change:+.3g})"
    return f"{one.metric['metric']} {one.metric['value']:.4g}{change}"


def _lines(one: Past) -> Iterator[str]:
    """Say what was done with a version, a line each."""
    for word, value in one.lineage.items():
        yield f"{one.reference}  {word}: {value}"
    if one.breaking:
        yield f"{one.reference}  breaking: {one.breaking}"
    for moved in one.aliases:
        act = "lost the alias" if moved["dropped"] else "became"
        yield f"{one.reference}  {act} @{moved['alias']} on {moved['time']} by {moved['by']}"
    for signature in one.signed:
        yield f"{one.reference}  signed as {signature['role']} on {signature['signed']} by {signature['by']}"
    for deploy in one.deployed:
        services = ", ".join(deploy["services"])
        yield f"{one.reference}  deployed to {deploy['fleet']} as {services} on {deploy['time']} by {deploy['by']}"

"""`modelfleet model list`: what is saved."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.options import STORE
from modelfleet.store import Entry

FIELDS = (
    "name, version, digest, created, runtime, size_bytes, signature_digest, metrics, members, signed (roles), "
    "aliases, broken (why it can't be read, or empty)"
)


@click.command("list")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help=f"Print an array: {FIELDS}.")
@STORE
def command(name: str | None, as_json: bool, store_path: Path | None) -> None:
    """List the saved versions, of one name or of all, with their aliases and the roles of those who signed.

    No file is verified: `modelfleet store fsck` does that. An unknown name is an empty array with --json, as it may
    have no version yet, and else a failure that says which names there are.
    """
    found = store.entries(name, store_path)
    if name and not found and not as_json:
        store.latest(name, store_path)
    if as_json:
        click.echo(orjson.dumps(found))
        return
    if found:
        click.echo("\n".join(_lines(found)))
        return
    click.echo(f"{store.path(store_path)} holds no model; save one with modelfleet.save() or `modelfleet model save`.")


def _lines(found: list[Entry]) -> list[str]:
    width = max(len(entry.reference) for entry in found)
    return [f"{entry.reference:<{width}}  {_said(entry)}" for entry in found]


def _said(entry: Entry) -> str:
    if entry.broken:
        return str(Failure("can't be read", entry.broken, "see `modelfleet store fsck`"))
    names = " ".join(f"@{alias}" for alias in entry.aliases)
    signed = f"signed by {', '.join(entry.signed)}" if entry.signed else ""
    line = f"{entry.runtime:<8} {entry.created}  {entry.digest[:19]}  {names:<12} {signed}"
    return line.rstrip()

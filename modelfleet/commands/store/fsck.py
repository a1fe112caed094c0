"""`modelfleet store fsck`: verify every byte."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import click

from modelfleet import store
from modelfleet.copies import survey, targets
from modelfleet.errors import EXIT_VERDICT
from modelfleet.options import STORE
from modelfleet.progress import Progress, say
from modelfleet.store import fsck, index
from modelfleet.store.verifying import Finding

FIELDS = "where, kind, what, cure, name, version, file"


@click.command("fsck")
@click.option("--json", "as_json", is_flag=True, help=f"Print an array of what is wrong: {FIELDS}.")
@click.option("--local", "only_local", is_flag=True, help="Only the store itself, not its copies.")
@click.option("--rebuild-index", is_flag=True, help="Make the index of `model list` anew from the versions' files.")
@STORE
def command(as_json: bool, only_local: bool, rebuild_index: bool, store_path: Path | None) -> int:
    """Verify every byte of every version, also in the trash, and the ledgers, the aliases, the log and the index.

    The same for the copies, on the hosts themselves, wherever `store replicate` made them: damaged ones, too few, and
    hosts that can't be reached. Prints a line for each thing that is wrong and exits with 3 if there is any. Changes
    nothing but the index, which is made anew where it is missing or corrupt.
    """
    began = time.monotonic()
    found, count = _checked(store_path, only_local)
    seconds = time.monotonic() - began
    if rebuild_index or not index.is_sound(store_path):
        say(_indexed(store_path))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found]))
    else:
        for finding in found:
            click.echo(str(finding))
        said = f"{len(found)} things are wrong" if found else "every byte is as it was saved"
        places = "" if only_local else _places(len(targets.remembered(store_path)))
        click.echo(f"{count} versions verified{places} in {seconds:.1f} s: {said}")
    return EXIT_VERDICT if found else 0


def _checked(store_path: Path | None, only_local: bool) -> tuple[list[Finding], int]:
    """Return what is wrong, and how many versions of the store were verified."""
    counts = [0]
    with Progress("verifying the store") as progress:

        def count(done: int, total: int) -> None:
            counts[0], progress.doing = done, f"verifying the store, {done} of {total} versions"

        found = fsck.check(store_path, count)
        progress.doing = "verifying the copies"
        return found + ([] if only_local else survey.of_copies(store_path)), counts[0]


def _indexed(store_path: Path | None) -> str:
    """Make the index anew, and say so where it could be written."""
    count, folder = index.rebuild(store_path), store.path(store_path)
    if os.access(folder, os.W_OK) and index.is_sound(store_path):
        return f"indexed {count} versions anew"
    return f"{folder / index.FILE}: can't be written, so no index was made anew"


def _places(count: int) -> str:
    where = "one target" if count == 1 else f"{count} targets"
    return f", and their copies at {where}," if count else ""

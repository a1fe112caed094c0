"""`modelfleet store fsck`: verify every byte."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from modelfleet.copies import survey, targets
from modelfleet.errors import EXIT_VERDICT
from modelfleet.options import STORE
from modelfleet.store import fsck, index

QUIET_SECONDS = 2.0
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
    counts = [0]
    found = fsck.check(store_path, _progress(counts))
    found += [] if only_local else survey.of_copies(store_path)
    seconds = time.monotonic() - began
    if rebuild_index or not index.is_sound(store_path):
        click.echo(f"indexed {index.rebuild(store_path)} versions anew", err=True)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found]))
    else:
        for finding in found:
            click.echo(str(finding))
        said = f"{len(found)} things are wrong" if found else "every byte is as it was saved"
        places = "" if only_local else _places(len(targets.remembered(store_path)))
        click.echo(f"{counts[0]} versions verified{places} in {seconds:.1f} s: {said}")
    return EXIT_VERDICT if found else 0


def _places(count: int) -> str:
    where = "one target" if count == 1 else f"{count} targets"
    return f", and their copies at {where}," if count else ""


def _progress(counts: list[int]) -> Callable[[int, int], None]:
    """Say on stderr how far it is, every two seconds, and keep the count."""
    said = [time.monotonic()]

    def tell(done: int, total: int) -> None:
        counts[0] = done
        if time.monotonic() - said[0] > QUIET_SECONDS:
            said[0] = time.monotonic()
            print(f"verifying, {done} of {total} versions ...", file=sys.stderr, flush=True)

    return tell

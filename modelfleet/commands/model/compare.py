"""`modelfleet model compare`: two versions on the same rows, and a verdict."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet.errors import EXIT_VERDICT
from modelfleet.options import STORE

FIELDS = (
    "first and second (name, version, digest), verdict, test (name, p_value, alpha, and the counts of rows), "
    "agreement, task, data (source, rows), metrics (metric, first, second, higher_is_better, change), classes (label, "
    "rows, first, second: the F1), differences (section, field, first, second), notes, picture"
)


@click.command("compare")
@click.argument("first")
@click.argument("second")
@click.option("--data", metavar="FILE", type=click.Path(path_type=Path), help=".csv, .json, .parquet, .npz or .jsonl.")
@click.option("--target", default="target", metavar="COLUMN", show_default=True, help="The column of true answers.")
@click.option("--picture", metavar="FILE", type=click.Path(path_type=Path), help="Draw it, too: .png or .svg.")
@click.option("--trust", multiple=True, metavar="TYPE", help="A type in a skops file that you trust; may be repeated.")
@click.option("--python-code", is_flag=True, help="Run models that are Python code; they can do what you can.")
@click.option("--json", "as_json", is_flag=True, help=f"Print an object: {FIELDS}.")
@STORE
def command(
    first: str,
    second: str,
    data: Path | None,
    target: str,
    picture: Path | None,
    trust: tuple[str, ...],
    python_code: bool,
    as_json: bool,
    store_path: Path | None,
) -> int:
    """Score FIRST and SECOND, such as digits:3 and digits:4, on the same rows, and say whether SECOND is better.

    The rows are those of --data, or else those that SECOND kept when it was saved with targets=, or else FIRST. An
    .npz file has the arrays `inputs` and `target`. Classifiers are judged by the exact McNemar test, regressors by
    the Wilcoxon signed-rank test on absolute errors, both two-sided at 0.05.
    Exit status: 3 where SECOND is worse, 0 where it is better or no difference is shown.
    """
    from modelfleet import comparison, tables
    from modelfleet.comparison import picture as pictures
    from modelfleet.comparison import report
    from modelfleet_service.runtimes import Allowed

    if picture:
        pictures.check(picture)
    allowed = Allowed(trust, python_code)
    found = comparison.compare(first, second, data=data, target=target, allowed=allowed, store_path=store_path)
    if picture:
        pictures.draw(found, picture)
    if as_json:
        click.echo(json.dumps(found.said() | {"picture": str(picture) if picture else None}))
    else:
        tables.show(*report.parts(found), *([f"Drawn: {picture}"] if picture else []))
    return EXIT_VERDICT if found.is_worse else 0

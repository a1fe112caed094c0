"""`modelfleet model save`: a file becomes the next version of a name."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet.options import STORE


@click.command("save")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Lower case, digits and hyphens; the version is given by the store.")
@click.option("--examples", required=True, type=click.Path(path_type=Path), help=".npy, .npz, .csv, .json, .parquet.")
@click.option("--card", type=click.Path(path_type=Path), help="A YAML file with the card's fields.")
@click.option("--trust", multiple=True, metavar="TYPE", help="A type in a skops file that you trust; may be repeated.")
@click.option("--entry", metavar="MODULE:CLASS", help="The scorer class, where FILE is a folder of Python code.")
@click.option("--breaking", default="", metavar="WHY", help="Say why its signature is not that of the last version.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the fields name, version, digest, path.")
@STORE
def command(
    file: Path,
    name: str,
    examples: Path,
    card: Path | None,
    trust: tuple[str, ...],
    entry: str | None,
    breaking: str,
    as_json: bool,
    store_path: Path | None,
) -> None:
    """Save FILE as the next version of a name.

    FILE is an .onnx file, a .skops file, an XGBoost .ubj file, a LightGBM .txt file, or a folder of Python code.
    The card's fields are those of model.yaml, such as evaluation, training_data, intended_use and limits; for a
    classifier that is no skops file also classes, a list of its labels, and for an ONNX graph whose scores are no
    probabilities activation, softmax or sigmoid; feature_names names an array's columns, nullable the inputs in
    which a value may be missing.
    """
    from modelfleet.saving import card as cards
    from modelfleet.saving import examples as example_files
    from modelfleet.saving import files
    from modelfleet.saving.finish import Wish

    files.refuse(file)
    given = cards.read(card)
    rows = example_files.read(examples, given.pop("feature_names", None), nullable=given.pop("nullable", ()))
    wish = Wish(name, store_path, trust, breaking)
    saved = files.save(file, rows, given, wish, entry)
    if as_json:
        said = {"name": name, "version": int(saved.reference.split(":")[1]), "digest": saved.digest}
        click.echo(json.dumps(said | {"path": str(saved.path)}))
        return
    click.echo(f"saved {saved.reference} ({saved.digest[:19]}) at {saved.path}")

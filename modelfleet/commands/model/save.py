"""`modelfleet model save`: a file becomes the next version of a name."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet.options import STORE
from modelfleet.progress import Progress, say


@click.command("save")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--from", "other", type=click.Path(path_type=Path), help="In place of FILE: a pickle or an MLflow model.")
@click.option("--name", required=True, help="Lower case, digits and hyphens; the version is given by the store.")
@click.option("--examples", type=click.Path(path_type=Path), help=".npy, .npz, .csv, .json or .parquet.")
@click.option("--card", type=click.Path(path_type=Path), help="A YAML file with the card's fields.")
@click.option("--trust", multiple=True, metavar="TYPE", help="A type in a skops file that you trust; may be repeated.")
@click.option("--trust-pickle", is_flag=True, help="Load a pickle once, without network; it runs any code in it.")
@click.option("--with-network", is_flag=True, help="Load a pickle even where it can't be cut off from the network.")
@click.option("--entry", metavar="MODULE:CLASS", help="The scorer class, where FILE is a folder of Python code.")
@click.option("--breaking", default="", metavar="WHY", help="Say why its signature is not that of the last version.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the fields name, version, digest, path.")
@STORE
def command(
    file: Path | None,
    other: Path | None,
    name: str,
    examples: Path | None,
    card: Path | None,
    trust: tuple[str, ...],
    trust_pickle: bool,
    with_network: bool,
    entry: str | None,
    breaking: str,
    as_json: bool,
    store_path: Path | None,
) -> None:
    """Save FILE as the next version of a name.

    FILE is an .onnx file, a .skops file, an XGBoost .ubj file, a LightGBM .txt file, a folder of Python code, an
    MLflow model directory, or, with --trust-pickle, a pickle: .pkl, .joblib.
    The card's fields are those of model.yaml, such as evaluation, training_data, intended_use and limits; for a
    classifier that is no skops file also classes, a list of its labels, and for an ONNX graph whose scores are no
    probabilities activation, softmax or sigmoid; feature_names names an array's columns, nullable the inputs in
    which a value may be missing, and about_inputs gives inputs a unit and a description by name.
    A pickle is loaded once, in a process without network, and saved as a file that holds no code. An MLflow model
    brings its signature, and its input example where no --examples are given.
    """
    from modelfleet import store
    from modelfleet.saving import card as cards
    from modelfleet.saving import files, migration
    from modelfleet.saving.finish import Wish

    if (file is None) == (other is None):
        raise click.UsageError("give FILE, or --from FILE for what another tool wrote")
    source = file or other
    assert source
    trusted, wish = migration.Trust(trust_pickle, with_network), Wish(name, store_path, trust, breaking)
    store.check_name(name)
    migration.refuse(source, trusted)
    opened = migration.opened(source, examples, cards.read(card, name), wish, trusted)
    with Progress(f"saving {source}"), opened as ready:
        for note in ready.notes:
            say(note)
        saved = files.save(ready.file, ready.inputs, ready.card, wish, entry)
    click.echo(json.dumps(saved.said()) if as_json else f"saved {saved}")

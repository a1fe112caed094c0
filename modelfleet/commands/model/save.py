"""`modelfleet model save`: a file becomes the next version of a name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml

from modelfleet.errors import Failure
from modelfleet.options import STORE

PICKLES = {".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"}


@click.command("save")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Lower case, digits and hyphens; the version is given by the store.")
@click.option("--examples", required=True, type=click.Path(path_type=Path), help="Example inputs: .npy, .csv or .json.")
@click.option("--card", type=click.Path(path_type=Path), help="A YAML file with the card's fields.")
@click.option("--trust", multiple=True, metavar="TYPE", help="A type in a skops file that you trust; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the fields name, version, digest, path.")
@STORE
def command(
    file: Path, name: str, examples: Path, card: Path | None, trust: tuple[str, ...], as_json: bool, store_path: Path
) -> None:
    """Save FILE, an .onnx or a .skops file, as the next version of a name.

    The card's fields are those of model.yaml, such as evaluation, training_data, intended_use and limits; for an
    ONNX classifier also classes, a list of its labels.
    """
    from modelfleet import saving
    from modelfleet.saving import inputs

    if file.suffix in PICKLES:
        raise Failure(str(file), "a pickle runs code when it is loaded", "call modelfleet.save() where you trained")
    if not file.is_file():
        raise Failure(str(file), "there is no such file", "check the path")
    given = _card(card)
    rows = inputs.read(examples, given.pop("feature_names", None))
    if file.suffix == ".onnx":
        saved = saving.save_onnx(file, name, inputs=rows, card=given, store_path=store_path)
    elif file.suffix == ".skops":
        saved = saving.save_skops(file, name, inputs=rows, card=given, trusted_types=trust, store_path=store_path)
    else:
        raise Failure(str(file), "not a file that can be saved", "give an .onnx or a .skops file")
    if as_json:
        said = {"name": name, "version": int(saved.reference.split(":")[1]), "digest": saved.digest}
        click.echo(json.dumps(said | {"path": str(saved.path)}))
        return
    click.echo(f"saved {saved.reference} ({saved.digest[:19]}) at {saved.path}")


def _card(path: Path | None) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text()) if path else {}
    except (OSError, yaml.YAMLError) as error:
        raise Failure(str(path), f"can't be read ({' '.join(str(error).split())})", "give a YAML file") from error
    if not isinstance(content, dict):
        raise Failure(str(path), "not a card", "give a YAML mapping with the card's fields")
    return content

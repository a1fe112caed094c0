"""`modelfleet model export`: a saved version for another tool."""

from __future__ import annotations

import json
from pathlib import Path

import click

from modelfleet import exports
from modelfleet.options import STORE


@click.command("export")
@click.argument("reference")
@click.option("--as", "form", required=True, type=click.Choice(exports.FORMATS), help="What to write.")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="Where; nothing may be there yet.")
@click.option("--json", "as_json", is_flag=True, help="Print an object: name, version, digest, format, path.")
@STORE
def command(reference: str, form: str, target: Path, as_json: bool, store_path: Path | None) -> None:
    """Write REFERENCE, such as digits:4 or digits@champion, for another tool.

    cyclonedx is a CycloneDX 1.6 bill of materials (a JSON file) with the model's card, its files and its packages;
    mlflow a model directory of MLflow; triton a model repository of the Triton Inference Server.
    """
    model = exports.export(reference, form, target, store_path)
    if as_json:
        said = model.named() | {"format": form}
        click.echo(json.dumps(said | {"path": str(target.absolute())}))
        return
    click.echo(f"wrote {model.reference} ({model.digest[:19]}) as {form} to {target}")

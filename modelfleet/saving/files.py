"""Which way of saving fits a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelfleet import saving
from modelfleet.errors import Failure
from modelfleet.saving.finish import SavedModel, Wish
from modelfleet.saving.inputs import Inputs

KINDS = "an .onnx, .skops, .ubj (XGBoost) or .txt (LightGBM) file, or a folder of code with --entry"


def save(file: Path, inputs: Inputs, card: Mapping[str, Any], wish: Wish, entry: str | None = None) -> SavedModel:
    """Save a file, or a folder of code, as the next version of a name; raise Failure, with nothing saved."""
    if file.is_dir() and entry:
        return saving.save_code(file, entry, inputs, card, wish)
    if file.suffix == ".onnx":
        return saving.save_onnx(file, inputs, card, wish)
    if file.suffix == ".skops":
        return saving.save_skops(file, inputs, card, wish)
    if file.suffix in (".ubj", ".txt") and file.is_file():
        return saving.save_booster(file, inputs, card, wish)
    raise Failure(str(file), "not a file that can be saved", f"give {KINDS}")

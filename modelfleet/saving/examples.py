"""Files of example inputs: .npy, .npz, .csv, .json and .parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from modelfleet import zips
from modelfleet.errors import Failure, refuse_missing
from modelfleet.saving.inputs import Inputs

CODE = r"\s*0[0-9]+\s*"


def read(path: Path, feature_names: Sequence[str] | None = None, nullable: Sequence[str] = ()) -> Inputs:
    """Read example inputs.

    An .npy array; an .npz file of one array an input; a .csv or .parquet file with named columns; a .json list of
    lists, of objects or of texts. Raises Failure where it can't be read or is none of these.
    """
    return Inputs.of(load(path), feature_names, nullable=nullable)


def load(path: Path) -> Any:
    """Read a file of examples as what `Inputs.of` takes."""
    readers = {".npy": _npy, ".npz": _npz, ".csv": _csv, ".json": _json, ".parquet": _parquet}
    refuse_missing(path)
    if path.suffix not in readers:
        raise Failure(str(path), "not a file of examples", f"give one of {', '.join(readers)}")
    try:
        return readers[path.suffix](path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, EOFError, BadZipFile) as error:
        raise Failure(str(path), f"can't be read ({error})", "give rows of numbers, texts or truth values") from error


def _npy(path: Path) -> Any:
    with path.open("rb") as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _npz(path: Path) -> Any:
    zips.refuse_escapes(path)
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _csv(path: Path) -> Any:
    """Read a table; a column in which a whole number has a leading zero, such as a postcode, stays text."""
    import pandas as pd

    texts = pd.read_csv(path, dtype=str)
    codes = [name for name in texts.columns if texts[name].str.fullmatch(CODE, na=False).any()]
    return pd.read_csv(path, dtype=dict.fromkeys(codes, str))


def _parquet(path: Path) -> Any:
    import pandas as pd

    return pd.read_parquet(path)


def _json(path: Path) -> Any:
    import pandas as pd

    rows = json.loads(path.read_text())
    if not isinstance(rows, list):
        raise ValueError("not a list")
    return pd.DataFrame(rows) if rows and isinstance(rows[0], dict) else rows

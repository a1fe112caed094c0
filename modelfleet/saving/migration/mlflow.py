"""An MLflow model directory: its MLmodel file, its artefact, its signature and its input example; MLflow isn't needed.

Layout: https://mlflow.org/docs/latest/ml/model/ (MLmodel), with ``flavors`` as mlflow/onnx, mlflow/xgboost and
mlflow/lightgbm (``data``) and mlflow/sklearn (``pickled_model``, ``serialization_format``) write them, and input
examples as `_Example` in mlflow/models/utils.py stores them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from modelfleet.errors import Failure
from modelfleet.saving import examples as example_files
from modelfleet.saving.inputs import Inputs
from modelfleet.saving.migration import pickles, schema

FILE = "MLmodel"
FLAVORS = {"onnx": "data", "xgboost": "data", "lightgbm": "data", "sklearn": "pickled_model"}
EXAMPLE_FILES = ("input_example.json", "serving_input_example.json", "serving_input_payload.json")
SUFFIXES = {"xgboost": ".ubj", "lightgbm": ".txt"}
OWN = "modelfleet"
KEPT = {"onnx": ("classes", "activation"), "xgboost": ("classes",), "lightgbm": ("classes",), "sklearn": ()}
"""Which of the fields that our own export keeps are needed to save each flavor; an estimator knows its classes."""


@dataclass(frozen=True)
class MlflowModel:
    """A directory and what its MLmodel file says."""

    path: Path
    said: Mapping[str, Any]

    @cached_property
    def flavor(self) -> str:
        """The flavor that is taken over; raises Failure where there is none."""
        known = [name for name in FLAVORS if name in (self.said.get("flavors") or {})]
        if not known:
            has = ", ".join(sorted(self.said.get("flavors") or {})) or "none"
            raise Failure(str(self.path / FILE), f"its flavors are {has}", f"log it as one of {', '.join(FLAVORS)}")
        return known[0]

    @cached_property
    def artefact(self) -> Path:
        """The flavor's file."""
        flavor = self.said["flavors"][self.flavor]
        return self.inside(str(flavor.get(FLAVORS[self.flavor]) or ""))

    @property
    def is_pickle(self) -> bool:
        """Tell whether the artefact is a pickle: all of scikit-learn's are, unless they are said to be skops."""
        if self.flavor == "sklearn":
            return bool(self.said["flavors"]["sklearn"].get("serialization_format", "pickle") != "skops")
        return self.artefact.suffix in pickles.SUFFIXES

    def inside(self, name: str) -> Path:
        """Return a file of the directory; raise Failure where it is missing or the name leads out of it."""
        place = self.path / name
        if not name or not place.resolve().is_relative_to(self.path.resolve()) or not place.is_file():
            what = f"names {name!r}, which is no file in its directory"
            raise Failure(str(self.path / FILE), what, "copy the whole directory")
        return place

    def card(self) -> dict[str, Any]:
        """Say where the model comes from, and what our own export kept of it."""
        names = {"run_id": "mlflow_run_id", "utc_time_created": "mlflow_created", "mlflow_version": "mlflow_version"}
        lineage = {"migrated": f"the MLflow model {self.path.name}"}
        lineage |= {ours: str(self.said[theirs]) for theirs, ours in names.items() if self.said.get(theirs)}
        kept = (self.said.get("metadata") or {}).get(OWN) or {}
        card: dict[str, Any] = {name: kept[name] for name in KEPT[self.flavor] if kept.get(name)}
        if self.flavor == "xgboost" and str(self.said["flavors"]["xgboost"].get("model_class")).endswith("Classifier"):
            card.setdefault("classes", _numbered_classes(self.artefact))
        if kept.get("reference"):
            lineage["exported_from"] = f"{kept['reference']} ({kept.get('digest')})"
        return card | {"lineage": lineage}

    def examples(self, given: Any = None, names: Sequence[str] | None = None, nullable: Sequence[str] = ()) -> Inputs:
        """Return example inputs, ``given`` or the directory's own, with the names and types of the signature.

        Where the directory has none, ``names`` and ``nullable`` are as for `Inputs.of`. Raises Failure where there
        are no examples, or they don't fit the signature.
        """
        given = self._example() if given is None else given
        text = (self.said.get("signature") or {}).get("inputs")
        if not text:
            return Inputs.of(given, names, nullable=nullable)
        return schema.fitted(given, schema.read(text, self._where), self._where)

    def ready(self, folder: Path) -> Path:
        """Return the artefact under a name by which it can be saved; boosters are copied into ``folder``."""
        if self.flavor not in SUFFIXES:
            return self.artefact
        target = folder / f"model{SUFFIXES[self.flavor]}"
        if self.flavor == "xgboost" and self.artefact.suffix != ".ubj":
            _to_ubj(self.artefact, target)
        else:
            shutil.copyfile(self.artefact, target)
        return target

    @property
    def _where(self) -> str:
        return str(self.path / FILE)

    def _example(self) -> Any:
        info = self.said.get("saved_input_example_info") or {}
        named = [info["artifact_path"]] if info.get("artifact_path") else []
        found = [name for name in (*named, *EXAMPLE_FILES) if (self.path / str(name)).is_file()]
        if not found:
            raise Failure(str(self.path), "holds no input example", "give --examples")
        file = self.inside(str(found[0]))
        try:
            return example(json.loads(file.read_text()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Failure(str(file), f"can't be read as examples ({error})", "give --examples") from error


def is_model(path: Path) -> bool:
    """Tell whether a path is an MLflow model directory."""
    return (path / FILE).is_file()


def read(path: Path) -> MlflowModel:
    """Read a directory's MLmodel file; raise Failure where it is none."""
    try:
        said = yaml.safe_load((path / FILE).read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise Failure(str(path / FILE), f"can't be read ({' '.join(str(error).split())})", "log it again") from error
    if not isinstance(said, dict) or not isinstance(said.get("flavors"), dict):
        raise Failure(str(path / FILE), "names no flavors", "give a directory that MLflow wrote")
    return MlflowModel(path, said)


def example(said: Any) -> Any:
    """Turn the JSON of an input example into a data frame, an array, or arrays by name.

    Raises ValueError, KeyError or TypeError where it has none of MLflow's shapes.
    """
    import numpy as np
    import pandas as pd

    if not isinstance(said, dict):
        raise ValueError("not an object")
    if "indptr" in said:
        raise ValueError("a sparse matrix")
    if "data" in said:
        return pd.DataFrame(said["data"], columns=said["columns"]) if "columns" in said else np.array(said["data"])
    if "dataframe_split" in said:
        return example({name: said["dataframe_split"][name] for name in said["dataframe_split"] if name != "index"})
    if "dataframe_records" in said:
        return pd.DataFrame(said["dataframe_records"])
    inner = said["inputs"] if "inputs" in said else said["instances"]
    if isinstance(inner, dict) and "data" in inner:
        return example(inner)
    return {name: np.array(value) for name, value in inner.items()} if isinstance(inner, dict) else np.array(inner)


def load(path: Path | None) -> Any:
    """Read a file of examples, if there is one."""
    return example_files.load(path) if path else None


def _to_ubj(source: Path, target: Path) -> None:
    """Write an XGBoost model of any of its formats as UBJSON."""
    _booster(source).save_model(target)


def _numbered_classes(source: Path) -> list[int]:
    """Name the classes of XGBoost's own classifier, which are numbers from 0."""
    said = json.loads(_booster(source).save_config())["learner"]["learner_model_param"]
    return list(range(max(2, int(said["num_class"]))))


def _booster(source: Path) -> Any:
    """Load an XGBoost model; XGBoost tells a buffer's format by its content."""
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(source.read_bytes()))
    except (xgboost.core.XGBoostError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise Failure(str(source), f"XGBoost can't load it ({reason})", "log the model again") from error
    return booster

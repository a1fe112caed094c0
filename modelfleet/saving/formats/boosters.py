"""XGBoost and LightGBM: boosters in their libraries' own formats, which hold no code."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from modelfleet.errors import Failure
from modelfleet.saving import parity
from modelfleet.saving.card import Scoring
from modelfleet.saving.estimators import classes_of, own_answers, refuse_unfit
from modelfleet.saving.inputs import Inputs
from modelfleet_service.errors import ModelError
from modelfleet_service.runtimes import Answers

if TYPE_CHECKING:
    from modelfleet_service.runtimes.lightgbm import LightgbmRuntime
    from modelfleet_service.runtimes.xgboost import XgboostRuntime

FILES = {"xgboost": "model.ubj", "lightgbm": "model.txt"}
NEEDS = {"xgboost": ("xgboost-cpu", "numpy"), "lightgbm": ("lightgbm", "numpy")}
"""xgboost-cpu is XGBoost without its 200 MB for GPUs, which a service without devices can't use."""


def write(estimator: Any, kind: str, inputs: Inputs, folder: Path) -> Scoring:
    """Write the booster of a fitted XGBoost or LightGBM estimator; the parity is measured on all inputs.

    Raises Failure where it is not fitted, takes texts or categories, or does not answer as the estimator does.
    """
    where, path = type(estimator).__name__, folder / FILES[kind]
    rows(where, inputs)
    expected = own_answers(estimator, inputs)
    booster(estimator, kind).save_model(path)
    got = score(path, kind, inputs, classes_of(estimator))
    gap = parity.measure(where, expected, got)
    return _scoring(kind, gap, len(inputs))


def booster(estimator: Any, kind: str) -> Any:
    """Return the booster of a fitted estimator of a kind; a booster is its own."""
    if type(estimator).__name__ == "Booster":
        return estimator
    return estimator.get_booster() if kind == "xgboost" else estimator.booster_


def rows(where: str, inputs: Inputs) -> NDArray[np.float64]:
    """Return inputs as what a booster takes, an array of numbers; raise Failure where some are texts."""
    found = inputs.as_matrix()
    if found is None:
        raise Failure(where, "a booster takes numbers alone", "encode texts in a scikit-learn pipeline")
    return found


def take(file: Path, kind: str, folder: Path, inputs: Inputs, classes: Sequence[Any]) -> tuple[Scoring, Answers]:
    """Copy a booster's file; what it answers now is its golden set. Raises Failure where it can't be scored."""
    if kind == "lightgbm":
        _refuse_torn(file)
    given = rows(str(file), inputs).shape[1]
    shutil.copyfile(file, folder / FILES[kind])
    try:
        runtime = _runtime(folder / FILES[kind], kind, list(classes))
    except ModelError as error:
        raise Failure(str(file), error.what, "save it with Booster.save_model") from error
    if runtime.columns != given:
        what = f"takes {runtime.columns} columns, and the examples have {given}"
        raise Failure(str(file), what, "give examples with its columns, in its order")
    answers = runtime.score(inputs.batch)
    refuse_unfit(str(file), answers, len(inputs))
    shares = answers.probabilities
    if shares is not None and shares.shape[1] != len(classes):
        raise Failure(str(file), f"gives {shares.shape[1]} scores a row", f"it has {len(classes)} classes in the card")
    return _scoring(kind, None, None), answers


def score(path: Path, kind: str, inputs: Inputs, classes: list[Any]) -> Answers:
    """Score instances with a booster of a kind, ``xgboost`` or ``lightgbm``; raise ModelError where it is none."""
    return _runtime(path, kind, classes).score(inputs.batch)


def _refuse_torn(file: Path) -> None:
    """Raise Failure where a section of a model's text has no end: LightGBM itself dies of a torn one."""
    text = file.read_bytes()
    ends = [b"\nend of trees\n"] + [b"\nend of parameters\n"] * (b"\nparameters:" in text)
    if not text.startswith(b"tree\n") or not all(end in text for end in ends):
        raise Failure(str(file), "not a whole LightGBM model", "save it with Booster.save_model")


def _runtime(path: Path, kind: str, classes: list[Any]) -> XgboostRuntime | LightgbmRuntime:
    if kind == "xgboost":
        from modelfleet_service.runtimes.xgboost import XgboostRuntime

        return XgboostRuntime(path, classes)
    from modelfleet_service.runtimes.lightgbm import LightgbmRuntime

    return LightgbmRuntime(path, classes)


def _scoring(kind: Any, gap: float | None, rows: int | None) -> Scoring:
    return Scoring(runtime=kind, file=FILES[kind], tolerance=parity.TOLERANCE, parity=gap, parity_rows=rows)

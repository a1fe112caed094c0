"""`python -m modelfleet.saving.migration.unpickle FOLDER`: load FOLDER/pickle once and write it without a pickle.

Runs in a process of its own, cut off from the network, because a pickle may do anything. Beside the artefact it
writes said.json (``artefact``, ``classes``, ``algorithm``, ``parameters``, ``pickled_with``) and, in answers.npz, what
the estimator answers to the examples. A fault is one line and exit status 1.
"""

from __future__ import annotations

import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from modelfleet.errors import Failure
from modelfleet.saving import estimators
from modelfleet.saving.formats import boosters, skops
from modelfleet.saving.inputs import Inputs

PICKLE, EXAMPLES, SAID, ANSWERS = "pickle", "examples.pickle", "said.json", "answers.npz"
FILES = {"sklearn": skops.FILE, **boosters.FILES}


def main() -> None:
    """Do it, and say a known fault in one line."""
    try:
        convert(Path(sys.argv[1]))
    except Exception as error:  # what a pickle raises, and what comes of an object of any kind, may be anything
        reason = f"{error.what}; {error.cure}" if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
        sys.exit(" ".join(reason.split())[:300])


def convert(folder: Path) -> None:
    """Load the pickle of a folder and write its artefact, its answers and what it is."""
    inputs: Inputs = pickle.loads((folder / EXAMPLES).read_bytes())  # noqa: S301 - the caller wrote it
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = _loaded(folder / PICKLE)
    family = estimators.family(estimator)
    answers, classes = _answers(estimator, family, inputs)
    np.savez(folder / ANSWERS, allow_pickle=False, **answers)
    _write(estimator, family, folder / FILES[family])
    said = {
        "artefact": FILES[family],
        "classes": classes,
        "algorithm": estimators.algorithm(estimator),
        "parameters": estimators.parameters(estimator),
        "pickled_with": _pickled_with(caught),
    }
    (folder / SAID).write_text(json.dumps(said))


def _loaded(path: Path) -> Any:
    """Load with joblib, which reads plain pickles and those of cloudpickle as well."""
    import joblib  # type: ignore[import-untyped]

    return joblib.load(path)


def _answers(estimator: Any, family: str, inputs: Inputs) -> tuple[dict[str, Any], list[Any]]:
    """Return what the estimator answers, arrays by field of `Answers`, and a classifier's labels."""
    if family != "sklearn" and type(estimator).__name__ == "Booster":
        return {"value": _booster_answers(estimator, family, inputs)}, []
    own, classes = estimators.own_answers(estimator, inputs), estimators.classes_of(estimator)
    if own.labels is None:
        return dict(own.values), classes
    labels = own.labels.astype(str) if own.labels.dtype == object else own.labels
    return {"labels": labels, "probabilities": own.probabilities}, classes


def _booster_answers(booster: Any, family: str, inputs: Inputs) -> Any:
    rows = boosters.rows("", inputs)
    if family == "xgboost":
        return booster.inplace_predict(rows, validate_features=False)
    return booster.predict(rows)


def _write(estimator: Any, family: str, path: Path) -> None:
    if family in boosters.FILES:
        boosters.booster(estimator, family).save_model(path)
    else:
        from skops.io import dump

        dump(estimator, path)


def _pickled_with(caught: list[warnings.WarningMessage]) -> str:
    """Name the other scikit-learn that wrote the pickle, if there was one."""
    versions = [getattr(one.message, "original_sklearn_version", None) for one in caught]
    return next((f"scikit-learn {version}" for version in versions if version), "")


if __name__ == "__main__":
    main()

"""A store of small models that can be combined, and one ensemble of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge

import modelfleet

IRIS = load_iris()
NAMES = IRIS.target_names[IRIS.target]
COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]
ROWS = np.random.default_rng(1).normal(size=(40, 3))


def make(store: Path, target: Path) -> None:
    """Make a store that can be combined from: flowers:1 and squares:1 of another store, and four more.

    roses:1 is an ONNX classifier of the same inputs as flowers:1, its classes in the opposite order; cubes:1 is a
    skops regressor of the same inputs as squares:1; judge:1 was trained on the stack of flowers:1 and roses:1; and
    both:1 is the mean of those two.
    """
    shutil.copytree(store, target)
    roses = turned(LogisticRegression(C=0.01, max_iter=500).fit(IRIS.data, NAMES))
    rows = IRIS.data[::4]
    modelfleet.save(roses, "roses", inputs=rows, feature_names=COLUMNS, format="onnx", store_path=target)
    cubes = Ridge().fit(ROWS, ROWS.sum(axis=1) + 9)
    modelfleet.save(cubes, "cubes", inputs=ROWS, format="skops", store_path=target)
    stack = modelfleet.stack(["flowers:1", "roses:1"], rows, store_path=target)
    judge = LogisticRegression(max_iter=500).fit(stack, NAMES[::4])
    modelfleet.save(judge, "judge", inputs=stack, format="skops", store_path=target)
    modelfleet.combine("both", members=["flowers:1", "roses:1"], how="mean", store_path=target)


def turned(classifier: LogisticRegression) -> LogisticRegression:
    """Put a classifier's classes into the opposite order."""
    for name in ("classes_", "coef_", "intercept_"):
        setattr(classifier, name, getattr(classifier, name)[::-1].copy())
    return classifier

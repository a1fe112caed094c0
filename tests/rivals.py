"""Versions to compare: `leaves`, a classifier, and `slopes`, a regressor, each first a weak and then a strong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge

import modelfleet

COLUMNS = ["length", "width", "depth", "weight"]
TRAINED = 200


def leaves() -> tuple[Any, Any]:
    """300 rows of three classes; the first 200 are for training."""
    rows, targets = make_classification(
        300, 4, n_informative=4, n_redundant=0, n_classes=3, n_clusters_per_class=1, class_sep=1.6, random_state=0
    )
    return rows, np.array(["ash", "birch", "oak"])[targets]


def slopes() -> tuple[Any, Any]:
    """200 rows of three numbers, with a weighted sum and noise; the first 100 are for training."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(200, 3))
    return rows, rows @ [1.0, 2.0, 3.0] + random.normal(scale=0.2, size=200)


def save(store: Path) -> None:
    """Save leaves:1 (weak, nothing kept), leaves:2 and leaves:3 (equal), slopes:1 (weak) and slopes:2 (strong)."""
    rows, targets = leaves()
    seen, known = rows[:TRAINED], targets[:TRAINED]
    _leaves(store, DummyClassifier().fit(seen, known))
    for strength in (1.0, 1.001):
        model = LogisticRegression(C=strength, max_iter=500).fit(seen, known)
        accuracy = {
            "metric": "accuracy",
            "data_set": "held out",
            "value": float(model.score(rows[200:], targets[200:])),
        }
        lineage = {"parent": "leaves:1"}
        _leaves(store, model, targets=targets[200:], evaluation=[accuracy], lineage=lineage, author="ann")
    rows, targets = slopes()
    for strength in (100.0, 0.1):
        ridge = Ridge(strength).fit(rows[:100], targets[:100])
        modelfleet.save(ridge, "slopes", inputs=rows[100:], targets=targets[100:], format="skops", store_path=store)


def _leaves(store: Path, model: Any, **more: Any) -> None:
    rows = leaves()[0][TRAINED:]
    modelfleet.save(model, "leaves", inputs=rows, feature_names=COLUMNS, format="skops", store_path=store, **more)

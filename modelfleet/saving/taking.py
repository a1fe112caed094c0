"""Models that are taken over as they are, files and folders of code: what they answer now they answer for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelfleet import store
from modelfleet.errors import Failure, refuse_missing
from modelfleet.saving import card as cards
from modelfleet.saving import golden, locks, trial
from modelfleet.saving.card import Scoring
from modelfleet.saving.finish import SavedModel, Wish, finish, user
from modelfleet.saving.formats import boosters, code, graphs, onnx
from modelfleet.saving.inputs import Inputs
from modelfleet_service.runtimes import Answers

Targets = Sequence[Any] | None


@dataclass(frozen=True)
class Taken:
    """What was copied into a folder: how it is scored, its answers to the first inputs, and what scoring needs."""

    folder: Path
    algorithm: str
    scoring: Scoring
    answers: Answers
    needs: Sequence[str]


def save_onnx(file: Path, inputs: Inputs, card: Mapping[str, Any], wish: Wish, targets: Targets = None) -> SavedModel:
    """Save an ONNX file from anywhere; what it answers now is its golden set.

    ``card`` has the card's fields, and for a classifier ``classes``, its labels in the order of its probabilities,
    and ``activation`` where the graph's scores are no probabilities yet. Raises Failure, with nothing saved.
    """
    refuse_missing(file)
    document = dict(card)
    activation, classes = document.pop("activation", None), cards.classes(card)
    graph = onnx.read(file)
    fitted = graphs.fitted(file, graph, inputs)
    with store.incoming(wish.name, wish.store_path) as folder:
        scoring, answers = onnx.take(file, graph, folder, fitted.head(golden.ROWS), classes, activation)
        return _finished(Taken(folder, "ONNX", scoring, answers, onnx.NEEDS), fitted, targets, document, wish)


def save_booster(
    file: Path, inputs: Inputs, card: Mapping[str, Any], wish: Wish, targets: Targets = None
) -> SavedModel:
    """Save an XGBoost .ubj or a LightGBM .txt file; for a classifier ``card`` has ``classes``.

    Raises Failure, with nothing saved, where it can't be scored or the card is wrong.
    """
    kind = "xgboost" if file.suffix == ".ubj" else "lightgbm"
    head, classes = inputs.head(golden.ROWS), cards.classes(card)
    with store.incoming(wish.name, wish.store_path) as folder:
        scoring, answers = boosters.take(file, kind, folder, head, classes)
        taken = Taken(folder, f"{kind} booster", scoring, answers, boosters.NEEDS[kind])
        return _finished(taken, inputs, targets, card, wish)


def save_code(
    folder: Path, entry: str, inputs: Inputs, card: Mapping[str, Any], wish: Wish, targets: Targets = None
) -> SavedModel:
    """Save a folder of Python code whose class ``entry`` (``module:Class``) scores; a fleet has to allow it.

    The class is made with the folder's path and has ``predict(batch)``, which takes arrays of shape (n, ...) by input
    name and returns arrays by output name; for a classifier, ``card`` has ``classes`` and it returns
    ``probabilities``. A requirements.txt in the folder is locked with hashes, and the code has to answer alike in an
    environment that has nothing else. Raises Failure, with nothing saved.
    """
    head, classes = inputs.head(golden.ROWS), cards.classes(card)
    with store.incoming(wish.name, wish.store_path) as incoming:
        scoring, answers, needs = code.take(folder, entry, incoming, head, classes)
        try:
            return _finished(Taken(incoming, entry, scoring, answers, needs), inputs, targets, card, wish)
        except Failure as failure:
            raise code.explained(failure, folder) from failure


def _finished(taken: Taken, inputs: Inputs, targets: Targets, card: Mapping[str, Any], wish: Wish) -> SavedModel:
    """Add the rows and the locks, and prove the model; code in an environment of its own."""
    document, head = dict(card), inputs.head(golden.ROWS)
    classes = list(document.pop("classes", []))
    golden.write(taken.folder, head, taken.answers, classes, taken.scoring.tolerance)
    if targets is not None:
        golden.write_evaluation(taken.folder, inputs, targets)
    locks.write(taken.folder, taken.needs)
    said = {"algorithm": taken.algorithm, "libraries": locks.libraries(taken.needs), "author": user(), **document}
    said |= {"signature": golden.signature(head, taken.answers, classes), "scoring": taken.scoring}
    if taken.scoring.runtime != "code":
        return finish(taken.folder, said, wish)
    with trial.python(taken.folder) as python:
        return finish(taken.folder, said, wish, ["--code"], python)

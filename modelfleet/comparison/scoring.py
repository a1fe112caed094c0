"""Both versions score the same rows: classes as numbers with their probabilities, or values, in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet.comparison.rows import Rows
from modelfleet.errors import Failure
from modelfleet.progress import Progress
from modelfleet_service import scorer
from modelfleet_service.errors import ModelError, RequestError
from modelfleet_service.model import Model
from modelfleet_service.runtimes import Allowed, Answers, Members

CHUNK_ROWS = 256
CLASSIFICATION, REGRESSION = "classification", "regression"


@dataclass(frozen=True)
class Labels:
    """The answers of two classifiers to n rows, as positions in ``classes``.

    ``targets``, ``first`` and ``second`` are of shape (n,); ``shares``, a version's probabilities in the order of
    ``classes``, of shape (n, classes), with 0 for a class that the version doesn't have.
    """

    classes: Sequence[Any]
    targets: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    shares: tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Values:
    """The answers of two regressors to n rows: ``targets``, ``first`` and ``second`` are of shape (n, values)."""

    targets: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    def errors(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the absolute error of each row, of shape (n,), for both; the mean where a row has several values."""
        first, second = (np.abs(one - self.targets).mean(axis=1) for one in (self.first, self.second))
        return first, second


def score(first: Model, second: Model, rows: Rows, allowed: Allowed, members: Members, progress: Progress) -> Any:
    """Score the rows with both; return `Labels` for classifiers and `Values` for regressors.

    Raises Failure where the two answer different things, the rows fit one of them not, or one can't be loaded.
    """
    tasks = {_task(model) for model in (first, second)}
    if len(tasks) > 1:
        what = "one answers classes, the other values"
        raise Failure(f"{first.reference} and {second.reference}", what, "compare versions that answer the same")
    answers = [_answers(model, rows, allowed, members, progress) for model in (first, second)]
    if tasks == {CLASSIFICATION}:
        return _labels([model.signature["classes"] for model in (first, second)], answers, rows)
    values = [_column(answer, model) for model, answer in zip((first, second), answers, strict=True)]
    targets = _numbers(rows)
    for model, value in zip((first, second), values, strict=True):
        if value.shape != targets.shape:
            what = f"its answers have {value.shape[1]} values where {rows.source} has {targets.shape[1]}"
            raise Failure(model.reference, what, "give true answers of the same shape")
    return Values(targets, *values)


def _task(model: Model) -> str:
    if model.signature.get("classes"):
        return CLASSIFICATION
    outputs = model.signature["outputs"]
    if len(outputs) != 1 or outputs[0]["dtype"] == "string":
        what = "answers neither classes nor one output of numbers"
        raise Failure(model.reference, what, "compare classifiers or regressors")
    return REGRESSION


def _answers(model: Model, rows: Rows, allowed: Allowed, members: Members, progress: Progress) -> list[Answers]:
    progress.doing = f"loading {model.reference}"
    try:
        loaded = scorer.load(model, allowed, members)
        batch = loaded.signature.batch(list(rows.instances), len(rows))
        answers = []
        for start in range(0, len(rows), CHUNK_ROWS):
            progress.doing = f"scoring {model.reference}, {start} of {len(rows)} rows"
            chunk = {name: array[start : start + CHUNK_ROWS] for name, array in batch.items()}
            answers.append(loaded.runtime.score(chunk))
    except RequestError as error:
        what = f"{rows.source} does not fit its signature ({error.field}: {error})"
        raise Failure(model.reference, what, "give --data that fits both versions") from error
    except ModelError as error:
        cure = "if you trust what it names, add --trust TYPE or, for Python code, --python-code"
        raise Failure(model.reference, f"can't be scored here ({error})", cure) from error
    except Exception as error:  # a model's own code, or a library that runs it, may raise anything
        what = f"can't score the rows of {rows.source} ({type(error).__name__}: {error})"
        raise Failure(model.reference, what, "give --data that it can score, or save a version that can") from error
    return answers


def _labels(classes: Sequence[Sequence[Any]], answers: Sequence[Sequence[Answers]], rows: Rows) -> Labels:
    known = list(dict.fromkeys([*classes[0], *classes[1]]))
    position = {label: number for number, label in enumerate(known)}
    by_text = {str(label): number for label, number in position.items()}
    targets = [position.get(target, by_text.get(str(target), -1)) for target in rows.targets]
    if -1 in targets:
        what = f"the true answer {rows.targets[targets.index(-1)]!r} is a class of neither version"
        cure = f"the classes are {', '.join(map(str, known[:12]))}"
        raise Failure(rows.source, what, cure)
    chosen = [np.array([position[one] for part in side for one in _listed(part)]) for side in answers]
    shares = [
        _spread(side, [position[one] for one in own], len(known)) for side, own in zip(answers, classes, strict=True)
    ]
    return Labels(known, np.array(targets), chosen[0], chosen[1], (shares[0], shares[1]))


def _listed(answer: Answers) -> list[Any]:
    return list(np.asarray(answer.labels).tolist())


def _spread(answers: Sequence[Answers], positions: Sequence[int], width: int) -> NDArray[np.float64]:
    """Put a version's probabilities into the order of all classes, each row with the sum 1."""
    given = np.concatenate([np.asarray(answer.probabilities, dtype=np.float64) for answer in answers])
    shares = np.zeros((len(given), width))
    shares[:, positions] = given / given.sum(axis=1, keepdims=True)
    return shares


def _column(answers: Sequence[Answers], model: Model) -> NDArray[np.float64]:
    name = model.signature["outputs"][0]["name"]
    joined = np.concatenate([np.asarray(answer.values[name], dtype=np.float64) for answer in answers])
    return joined.reshape(len(joined), -1)


def _numbers(rows: Rows) -> NDArray[np.float64]:
    try:
        targets = np.asarray(rows.targets, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise Failure(rows.source, f"its true answers are no numbers ({error})", "name another --target") from error
    return targets.reshape(len(rows), -1)

"""What a fitted estimator is and answers, in the terms of the card."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet.errors import Failure
from modelfleet.saving.inputs import Inputs
from modelfleet_service.runtimes import Answers

NAMES = "X (has|does not have valid) feature names"
NUMBERS, PLAIN = "fiub", "fiubU"
OTHERS = ", truth values or texts"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep scikit-learn from warning of column names: which form of its inputs an estimator takes is tried here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=NAMES, category=UserWarning)
        yield


def refuse_other(model: Any) -> None:
    """Raise Failure where something is no estimator."""
    if not hasattr(model, "predict"):
        cure = "save a fitted estimator or pipeline; give a network as ONNX, as torch.onnx.export makes it"
        raise Failure(type(model).__name__, "it has no predict", cure)


@quiet()
def own_answers(estimator: Any, inputs: Inputs) -> Answers:
    """What the estimator itself answers: labels and probabilities, or ``value``.

    Raises Failure where it can't score the inputs, gives no probabilities, or answers what can't be golden.
    """
    refuse_other(estimator)
    name, classifies = type(estimator).__name__, hasattr(estimator, "classes_")
    if classifies and not hasattr(estimator, "predict_proba"):
        raise Failure(name, "it gives no probabilities", "wrap it in sklearn's CalibratedClassifierCV")
    try:
        labels = np.asarray(estimator.predict(inputs.native))
        shares = np.asarray(estimator.predict_proba(inputs.native)) if classifies else None
    except (ValueError, TypeError, AttributeError, KeyError) as error:  # NotFittedError is among them
        what = f"it can't score the inputs ({' '.join(str(error).split())[:200]})"
        raise Failure(name, what, "fit it, and give rows as it was fitted on") from error
    if shares is not None and (labels.ndim != 1 or shares.ndim != 2):
        raise Failure(name, f"it answers {labels.shape[1:]} labels a row", "save an estimator for each of them")
    answers = Answers(labels, shares) if shares is not None else Answers(values={"value": labels})
    refuse_unfit(name, answers, len(inputs))
    if shares is not None:
        return answers
    if _odd(labels, NUMBERS, (int, float)):
        what = "it answers something else than numbers, and has no classes_"
        raise Failure(name, what, "give it classes_ and predict_proba, or save it as a folder of code")
    return Answers(values={"value": labels.astype(np.float64)})


def refuse_unfit(where: str, answers: Answers, count: int) -> None:
    """Raise Failure where answers to ``count`` rows can't be golden.

    They are not one a row or are empty, are neither numbers nor truth values nor texts, or are NaN or infinity.
    """
    for name, array, kinds, plain in _said(answers):
        if array.shape[:1] != (count,) or 0 in array.shape:
            what = f"answers {name!r} of shape {array.shape} to {count} row{'s' if count > 1 else ''}"
            raise Failure(where, what, "give only answers whose first axis is that of the rows, and no empty ones")
        odd = _odd(array, kinds, plain)
        if odd:
            raise Failure(where, f"answers {name!r} as {odd}", f"give numbers{'' if kinds == NUMBERS else OTHERS}")
        floats = [one for one in array.flat if isinstance(one, float)] if array.dtype.kind == "O" else array
        if array.dtype.kind in "fO" and not np.isfinite(floats).all():
            raise Failure(where, "the model answers NaN or infinity", "mend the model, or give other inputs")
        if array.dtype.kind in "OU" and not all(_is_text(one) for one in array.flat if isinstance(one, str)):
            raise Failure(where, f"answers {name!r} with half of a surrogate pair", "answer whole characters")


def classes_of(estimator: Any) -> list[Any]:
    """Return a classifier's labels as plain values, in the order of its probabilities; empty for any other."""
    return plain(getattr(estimator, "classes_", []))


def plain(labels: Iterable[Any]) -> list[Any]:
    """Make labels as NumPy has them Python's own."""
    return [label.item() if hasattr(label, "item") else label for label in labels]


def algorithm(estimator: Any) -> str:
    """Name an estimator's class; a pipeline is named by its steps."""
    steps = [step for _, step in getattr(estimator, "steps", [])]
    return ", ".join(type(step).__name__ for step in steps) or type(estimator).__name__


def parameters(estimator: Any) -> dict[str, Any]:
    """Return the estimator's parameters as plain values; a part of a pipeline is said by its name."""
    given = estimator.get_params() if hasattr(estimator, "get_params") else {}
    plain = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, plain) else repr(value)[:200] for name, value in sorted(given.items())}


def family(estimator: Any) -> str:
    """Tell whose booster an estimator is: ``xgboost``, ``lightgbm``, or else ``sklearn``."""
    origin = type(estimator).__module__.partition(".")[0]
    return origin if origin in ("xgboost", "lightgbm") else "sklearn"


def packages(modules: Sequence[str]) -> list[str]:
    """Name the installed distributions that some modules belong to, without those that every model has."""
    import importlib.metadata

    origins = importlib.metadata.packages_distributions()
    tops = {module.partition(".")[0] for module in modules}
    return sorted({name.lower() for top in tops for name in origins.get(top, [])[:1]} - {"modelfleet"})


def _said(answers: Answers) -> list[tuple[str, NDArray[Any], str, tuple[type, ...]]]:
    """Return answers by name, each with NumPy's letters of its types, and what there may be in an array of objects."""
    if answers.labels is None or answers.probabilities is None:
        return [
            (name, np.asarray(array), PLAIN, (str, int, float, type(None))) for name, array in answers.values.items()
        ]
    labels, shares = np.asarray(answers.labels), np.asarray(answers.probabilities)
    return [("labels", labels, PLAIN, (str, int, float)), ("probabilities", shares, NUMBERS, (int, float))]


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _odd(array: NDArray[Any], kinds: str, plain: tuple[type, ...]) -> str:
    """Name the type of what is of none of these kinds or, in an array of objects, types; empty where all is."""
    if array.dtype.kind != "O":
        return "" if array.dtype.kind in kinds else array.dtype.type.__name__
    return next((type(one).__name__ for one in array.flat if not isinstance(one, plain)), "")

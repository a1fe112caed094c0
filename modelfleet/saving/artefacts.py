"""Estimators as files without pickle: ONNX where its answers are the estimator's own, skops otherwise."""

from __future__ import annotations

import pickle  # noqa: S403 - only its error class
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from modelfleet_service.errors import ModelError
from modelfleet_service.scorer import Runtime
from numpy.typing import NDArray

from modelfleet.errors import Failure

TOLERANCE = 1e-5
Matrix = NDArray[np.float64]


def own_answers(estimator: Any, rows: Matrix) -> tuple[NDArray[Any], Matrix | None]:
    """What the estimator itself answers: labels and probabilities, or values. Raises Failure on NaN."""
    probabilities = np.asarray(estimator.predict_proba(rows)) if hasattr(estimator, "classes_") else None
    answers = np.asarray(estimator.predict(rows))
    numbers = answers if probabilities is None else probabilities
    if not np.isfinite(numbers).all():
        raise Failure("golden set", "the model answers NaN or infinity", "mend the model, or give other inputs")
    return answers, probabilities


def write_onnx(estimator: Any, rows: Matrix, path: Path, classes: Sequence[Any]) -> float:
    """Convert to ONNX and return the parity on ``rows``: the largest absolute difference from the estimator.

    Raises Failure where it can't be converted, a label differs, or the parity is above the tolerance.
    """
    from skl2onnx import to_onnx

    options = {id(estimator): {"zipmap": False}} if classes else {}
    try:
        graph = to_onnx(estimator, rows[:1].astype(np.float32), options=options)
    except Exception as error:  # skl2onnx raises many classes, one for each thing it can't do
        raise Failure(type(estimator).__name__, f"ONNX can't express it ({error})", "save it with format='skops'") from error
    path.write_bytes(graph.SerializeToString())
    from modelfleet_service.onnx_runtime import OnnxRuntime

    return _parity(estimator, rows, OnnxRuntime(path, classes))


def write_skops(estimator: Any, rows: Matrix, path: Path, classes: Sequence[Any], trusted: Sequence[str]) -> float:
    """Write with skops and return the parity on ``rows``.

    Raises Failure where skops can't express it or it holds types that ``trusted`` does not name.
    """
    import skops.io
    from modelfleet_service.skops_runtime import SkopsRuntime

    try:
        skops.io.dump(estimator, path)
        runtime = SkopsRuntime(path, classes, trusted)
    except ModelError as error:
        cure = "pass trusted_types here, and list them as skops_trusted_types in the fleet file"
        raise Failure(type(estimator).__name__, error.what, cure) from error
    except (TypeError, ValueError, AttributeError, pickle.PicklingError) as error:
        raise Failure(type(estimator).__name__, f"skops can't express it ({error})", "use another estimator") from error
    return _parity(estimator, rows, runtime)


def _parity(estimator: Any, rows: Matrix, runtime: Runtime) -> float:
    expected, expected_shares = own_answers(estimator, rows)
    got, shares = runtime.score(rows)
    if expected_shares is not None and shares is not None:
        differ = int((got != expected).sum())
        if differ:
            raise _apart(estimator, f"{differ} of {len(rows)} labels differ after conversion")
        gap = float(np.abs(shares - expected_shares).max())
    else:
        gap = float((np.abs(got - expected) / np.maximum(1.0, np.abs(expected))).max())
    if gap > TOLERANCE:
        raise _apart(estimator, f"answers differ by {gap:.2g} after conversion, more than {TOLERANCE:.0e}")
    return gap


def _apart(estimator: Any, what: str) -> Failure:
    return Failure(type(estimator).__name__, what, "save it with format='skops'")

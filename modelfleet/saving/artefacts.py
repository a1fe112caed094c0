"""Estimators as files without pickle: ONNX where its answers are the estimator's own, skops otherwise."""

from __future__ import annotations

import pickle
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet.errors import Failure
from modelfleet_service.errors import ModelError
from modelfleet_service.scorer import Runtime

TOLERANCE = 1e-5
Matrix = NDArray[np.float64]


def own_answers(estimator: Any, rows: Matrix) -> tuple[NDArray[Any], Matrix | None]:
    """What the estimator itself answers: labels and probabilities, or values, each a number or a label a row.

    Raises Failure where it can't score the rows, gives no probabilities, answers several values a row, or NaN.
    """
    name, classifies = type(estimator).__name__, hasattr(estimator, "classes_")
    if classifies and not hasattr(estimator, "predict_proba"):
        raise Failure(name, "it gives no probabilities", "wrap it in sklearn's CalibratedClassifierCV")
    try:
        answers = np.asarray(estimator.predict(rows))
        probabilities = np.asarray(estimator.predict_proba(rows)) if classifies else None
    except (ValueError, TypeError, AttributeError) as error:  # NotFittedError is among them
        raise Failure(
            name, f"it can't score the inputs ({error})", "fit it, and give rows as it was fitted on"
        ) from error
    if answers.ndim != 1:
        raise Failure(name, f"it answers {answers.shape[1]} values a row", "save an estimator for each of them")
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
        raise Failure(
            type(estimator).__name__, f"ONNX can't express it ({error})", "save it with format='skops'"
        ) from error
    path.write_bytes(graph.SerializeToString())
    from modelfleet_service.onnx_runtime import OnnxRuntime

    return _parity(estimator, rows, OnnxRuntime(path, classes))


def take_onnx(file: Path, path: Path, rows: Matrix, classes: Sequence[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Copy an ONNX file and return what it answers to ``rows``.

    Raises Failure where it is no ONNX file, keeps data outside of itself, can't be scored, or answers NaN.
    """
    import onnx
    from google.protobuf.message import DecodeError

    from modelfleet_service.onnx_runtime import OnnxRuntime

    try:
        graph = onnx.load(file, load_external_data=False)
    except (OSError, DecodeError) as error:
        raise Failure(str(file), f"not an ONNX file ({error})", "export the model to ONNX again") from error
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in graph.graph.initializer):
        raise Failure(str(file), "keeps tensors in other files", "export it as one file")
    shutil.copyfile(file, path)
    try:
        answers, shares = OnnxRuntime(path, classes).score(rows)
    except Exception as error:  # onnxruntime raises classes of its own, without a common base
        reason = " ".join(str(error).split())[:300]
        raise Failure(str(file), f"can't score the examples ({reason})", "check their shape and order") from error
    if not np.isfinite(answers if shares is None else shares).all():
        raise Failure(str(file), "it answers NaN or infinity", "mend the model, or give other examples")
    return answers, shares


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


def read_skops(path: Path, trusted: Sequence[str]) -> Any:
    """Load an estimator from a skops file; raise Failure where it is none or holds types that nobody trusts."""
    import skops.io

    try:
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted))
        if unknown:
            cure = " ".join(f"--trust {name}" for name in unknown)
            raise Failure(str(path), f"holds types that skops does not trust: {', '.join(unknown)}", f"add {cure}")
        return skops.io.load(path, trusted=list(trusted))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise Failure(str(path), f"not a skops file ({error})", "write it with skops.io.dump") from error


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

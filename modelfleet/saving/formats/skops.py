"""skops: estimators as a description of their parts, read back from a list of trusted types and never unpickled."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modelfleet import zips
from modelfleet.errors import Failure, refuse_missing
from modelfleet.saving import parity
from modelfleet.saving.card import Scoring
from modelfleet.saving.estimators import classes_of, own_answers, packages, quiet
from modelfleet.saving.inputs import Inputs
from modelfleet_service.errors import ModelError
from modelfleet_service.runtimes import Answers

FILE = "model.skops"
ALWAYS = ("skops", "scikit-learn", "numpy")


def write(estimator: Any, inputs: Inputs, folder: Path, trusted: Sequence[str]) -> tuple[Scoring, tuple[str, ...]]:
    """Write an estimator with skops; return how it is scored, its parity on all inputs, and what scoring needs.

    Raises Failure where skops can't express it or it holds types that ``trusted`` does not name.
    """
    import skops.io

    path, where = folder / FILE, type(estimator).__name__
    try:
        skops.io.dump(estimator, path, compression=zipfile.ZIP_DEFLATED)
        takes, got = _score(path, inputs, classes_of(estimator), trusted)
    except ModelError as error:
        cure = "pass trusted_types here, and list them as skops_trusted_types in the fleet file"
        raise Failure(where, error.what, cure) from error
    except (TypeError, ValueError, AttributeError, KeyError, pickle.PicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        raise Failure(where, f"skops can't express it ({reason})", "use another estimator") from error
    gap = parity.measure(where, own_answers(estimator, inputs), got)
    scoring = Scoring(
        runtime="skops", file=FILE, tolerance=parity.TOLERANCE, parity=gap, parity_rows=len(inputs), takes=takes
    )
    frame = ("pandas",) if takes == "frame" else ()
    return scoring, tuple(sorted({*ALWAYS, *frame, *packages(list(_modules(path)))}))


def read(path: Path, trusted: Sequence[str]) -> Any:
    """Load an estimator from a skops file.

    Raises Failure where there is none, it is none, holds types that nobody trusts, or a member that leads out of it.
    """
    import skops.io

    from modelfleet_service.runtimes.skops import HARMLESS

    refuse_missing(path)
    try:
        zips.refuse_escapes(path)
        trusted = [*HARMLESS, *trusted]
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted))
        if unknown:
            cure = " ".join(f"--trust {name}" for name in unknown)
            raise Failure(str(path), f"holds types that skops does not trust: {', '.join(unknown)}", f"add {cure}")
        return skops.io.load(path, trusted=trusted)
    except Failure:
        raise
    except Exception as error:  # skops walks the schema as it finds it: an odd one raises whatever comes of it
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise Failure(str(path), f"not a skops file ({reason})", "write it with skops.io.dump") from error


@quiet()
def _score(path: Path, inputs: Inputs, classes: list[Any], trusted: Sequence[str]) -> tuple[Any, Answers]:
    """Score with the plainest form of the inputs that the estimator takes: a matrix needs no pandas on a host."""
    from modelfleet_service.runtimes.skops import SkopsRuntime

    if inputs.tensors[0].dtype == "string" and not inputs.named:
        return "texts", SkopsRuntime(path, classes, trusted, "texts").score(inputs.batch)
    if inputs.as_matrix() is not None:
        try:
            return "matrix", SkopsRuntime(path, classes, trusted, "matrix").score(inputs.batch)
        except (ValueError, TypeError, KeyError, IndexError):
            pass  # it chooses its columns by name
    return "frame", SkopsRuntime(path, classes, trusted, "frame").score(inputs.batch)


def _modules(path: Path) -> Iterator[str]:
    """Name the modules whose types a skops file holds."""
    with zipfile.ZipFile(path) as archive:
        waiting = [json.loads(archive.read("schema.json"))]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield str(part.get("__module__", ""))
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part

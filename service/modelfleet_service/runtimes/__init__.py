"""What loads an artefact and scores arrays with it: one module a format, imported only when a model needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from modelfleet_service.errors import ModelError
from modelfleet_service.model import Model
from modelfleet_service.signature import Batch


@dataclass(frozen=True)
class Answers:
    """What a model answers to n instances.

    A classifier has ``labels`` of shape (n,) and ``probabilities`` of shape (n, classes); anything else has
    ``values``, arrays of shape (n, ...) by output name.
    """

    labels: NDArray[Any] | None = None
    probabilities: NDArray[Any] | None = None
    values: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class Runtime(Protocol):
    """A loaded artefact."""

    def score(self, batch: Batch) -> Answers:
        """Score a batch."""


@dataclass(frozen=True)
class Allowed:
    """What the deployer allows a model to bring: types in a skops file beyond skops's own, and Python code."""

    skops_types: tuple[str, ...] = ()
    code: bool = False

    @classmethod
    def by(cls, settings: Mapping[str, Any]) -> Allowed:
        """Read what a release's settings allow."""
        return cls(tuple(settings.get("skops_trusted_types") or ()), bool(settings.get("python_code")))


Members = Callable[[str], Model]
"""Finds an ensemble's member by its digest: a verified model; raises ModelError where it is not there."""


def no_members(digest: str) -> Model:
    """Know no member: for where a model can't be an ensemble."""
    raise ModelError(digest, "the member is not at hand")


def open_runtime(model: Model, allowed: Allowed, members: Members, opened: dict[str, Runtime] | None = None) -> Runtime:
    """Load a verified model's artefact; ``opened`` has, by digest, the members that are loaded already.

    Raises ModelError where it can't be loaded or the deployer does not allow it.
    """
    kind, path = model.scoring["runtime"], model.path / model.scoring["file"]
    classes: Sequence[Any] = list(model.signature.get("classes") or [])
    outputs = [str(entry["name"]) for entry in model.signature["outputs"]]
    if kind == "onnx":
        from modelfleet_service.runtimes.onnx import OnnxRuntime

        return OnnxRuntime(path, classes, outputs, model.scoring.get("activation", "none"))
    if kind == "skops":
        from modelfleet_service.runtimes.skops import SkopsRuntime

        return SkopsRuntime(path, classes, allowed.skops_types, model.scoring.get("takes", "matrix"))
    if kind == "xgboost":
        from modelfleet_service.runtimes.xgboost import XgboostRuntime

        return XgboostRuntime(path, classes)
    if kind == "lightgbm":
        from modelfleet_service.runtimes.lightgbm import LightgbmRuntime

        return LightgbmRuntime(path, classes)
    if kind == "code":
        from modelfleet_service.runtimes.code import CodeRuntime

        return CodeRuntime(path, classes, outputs, model.scoring["entry"], allowed)
    if kind == "ensemble":
        from modelfleet_service.runtimes.ensemble import EnsembleRuntime

        return EnsembleRuntime(model, allowed, members, {} if opened is None else opened)
    raise ModelError(model.reference, f"no runtime is called {kind!r}")

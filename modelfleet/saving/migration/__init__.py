"""Models of other tools on their way into the store: pickles, and model directories of MLflow."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelfleet.errors import Failure, refuse_missing
from modelfleet.saving import examples as example_files
from modelfleet.saving.finish import Wish
from modelfleet.saving.inputs import Inputs
from modelfleet.saving.migration import mlflow, pickles
from modelfleet.saving.migration.pickles import Trust


@dataclass(frozen=True)
class Source:
    """What can be saved: a file that holds no code (or a folder of code), its examples, and the card's fields.

    ``notes`` are what its saver should know, a line each.
    """

    file: Path
    inputs: Inputs
    card: dict[str, Any]
    notes: tuple[str, ...] = ()


def refuse(path: Path, trust: Trust) -> None:
    """Raise Failure where something can't be saved, before anything else is read."""
    refuse_missing(path)
    if path.suffix in pickles.SUFFIXES:
        pickles.refuse(path, trust)
    if mlflow.is_model(path):
        model = mlflow.read(path)
        if model.is_pickle:
            pickles.refuse(model.artefact, trust)


@contextlib.contextmanager
def opened(path: Path, examples: Path | None, card: Mapping[str, Any], wish: Wish, trust: Trust) -> Iterator[Source]:
    """Make a file, a pickle or an MLflow model directory ready to be saved.

    ``card`` is what the saver says; of it ``feature_names``, ``nullable`` and ``about_inputs`` are used up. What a
    pickle becomes lies in a temporary folder. Raises Failure where it can't be taken over, or nobody gives examples.
    """
    refuse(path, trust)
    given = dict(card)
    names, nullable = given.pop("feature_names", None), given.pop("nullable", ())
    about = given.pop("about_inputs", {})
    with tempfile.TemporaryDirectory(prefix="modelfleet-") as folder:
        place = Path(folder)
        if mlflow.is_model(path):
            model = mlflow.read(path)
            inputs = model.examples(mlflow.load(examples), names, nullable).described(about)
            yield _of_mlflow(model, inputs, given, wish, trust, place)
            return
        if examples is None:
            raise Failure(str(path), "nothing says what goes into it", "give --examples")
        inputs = example_files.read(examples, names, nullable=nullable).described(about)
        if path.suffix in pickles.SUFFIXES:
            taken = pickles.take(path, inputs, place, wish, trust)
            yield Source(taken.file, inputs, pickles.merged(given, taken.card), taken.notes)
        else:
            yield Source(path, inputs, given)


def _of_mlflow(
    model: mlflow.MlflowModel, inputs: Inputs, card: Mapping[str, Any], wish: Wish, trust: Trust, folder: Path
) -> Source:
    own, said = model.card(), dict(card)
    if model.is_pickle:
        taken = pickles.take(model.artefact, inputs, folder, wish, trust)
        both = pickles.merged(own, taken.card)
        return Source(taken.file, inputs, pickles.merged(said, both), taken.notes)
    return Source(model.ready(folder), inputs, pickles.merged(said, own))


__all__ = ["Source", "Trust", "opened", "refuse"]

"""`modelfleet.save`: a model, fitted here or made anywhere, becomes the next version of a name, or nothing is saved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelfleet.errors import Failure
from modelfleet.saving import card as cards
from modelfleet.saving import estimators, files
from modelfleet.saving.card import Card, Measure, TrainingData
from modelfleet.saving.finish import SavedModel, Wish, user
from modelfleet.saving.fitted import save_estimator, save_skops
from modelfleet.saving.inputs import LABEL, Inputs
from modelfleet.saving.taking import save_booster, save_code, save_onnx


def save(
    model: Any,
    name: str,
    *,
    inputs: Any,
    targets: Sequence[Any] | None = None,
    feature_names: Sequence[str] | None = None,
    input_name: str = LABEL,
    nullable: Sequence[str] = (),
    about_inputs: Mapping[str, Mapping[str, str]] | None = None,
    format: str = "auto",
    entry: str = "",
    classes: Sequence[Any] = (),
    activation: str | None = None,
    evaluation: Sequence[Mapping[str, Any]] = (),
    training_data: Mapping[str, Any] | None = None,
    description: str = "",
    intended_use: str = "",
    limits: str = "",
    license: str = "",
    languages: Sequence[str] = (),
    author: str | None = None,
    lineage: Mapping[str, str] | None = None,
    tags: Sequence[str] = (),
    trusted_types: Sequence[str] = (),
    breaking: str = "",
    store_path: Path | None = None,
) -> SavedModel:
    """Save a model as the next version of ``name``.

    ``model`` is one of

    - a fitted estimator or pipeline of scikit-learn, XGBoost or LightGBM;
    - an ``onnx.ModelProto``, what ``torch.onnx.export`` returns, or the path of an .onnx file;
    - the path of a booster's file, XGBoost's .ubj or LightGBM's .txt, or of a .skops file;
    - the path of a folder of Python code, whose class ``entry``, such as ``scorer:Scorer``, scores.

    ``inputs`` are example rows, best the evaluation data: an array of shape (n, ...), whose instances are lists of
    numbers; a data frame (or an array with ``feature_names``), whose instances are objects; or a list of texts. They
    fix the signature; a column in which a value may be missing though none is here is named in ``nullable``, and
    ``about_inputs`` has the ``unit`` and ``description`` of inputs by name. The answers to the first rows become the
    golden set, and a conversion's parity is measured on all of them. With ``targets``, the true answers, the first
    1,000 rows are kept for comparisons with later versions.
    ``format`` is ``onnx``, ``skops``, ``xgboost``, ``lightgbm``, or ``auto``: a booster as it is, ONNX where its
    answers equal the estimator's, skops otherwise. What is no estimator has none; where it is a classifier, ``classes``
    are its labels in the order of its probabilities, and ``activation``, ``softmax`` or ``sigmoid``, is what an ONNX
    graph's scores still need. ``evaluation`` is a list of ``{"metric", "data_set", "value"}``;
    ``training_data`` has ``name``, ``location``, ``rows``, ``digest``. ``breaking`` says why a signature that is not
    the last version's is meant. Raises Failure, with nothing saved, where something of this is missing or wrong.
    """
    card = {
        "evaluation": _plain(evaluation),
        "training_data": _plain(training_data) or None,
        "description": description,
        "intended_use": intended_use,
        "limits": limits,
        "license": license,
        "languages": languages,
        "author": author or user(),
        "lineage": _plain(lineage or {}),
        "tags": tags,
    }
    labels: dict[str, Any] = {"classes": _labels(classes), "activation": activation}
    besides = {"feature_names": _names(feature_names), "nullable": _names(nullable)}
    cards.examined({**card, **labels, **besides, "about_inputs": _plain(about_inputs or {})})
    examples = Inputs.of(inputs, feature_names, input_name, nullable).described(about_inputs or {})
    wish = Wish(name, store_path, trusted_types, breaking)
    is_file, graph = isinstance(model, str | os.PathLike), files.graph_of(model)
    if not is_file:
        _refuse("entry", entry, "it is no folder of code")
    if not is_file and graph is None:
        estimators.refuse_other(model)
        _refuse("classes", labels["classes"], "an estimator has its own")
        _refuse("activation", activation, "an estimator has its own")
        return save_estimator(model, examples, card, wish, format, targets)
    _refuse("format", format != "auto", "only an estimator is converted")
    said = card | {field: value for field, value in labels.items() if value}
    if graph is not None:
        return files.save_graph(graph, examples, said, wish, targets)
    return files.save(Path(model), examples, said, wish, entry, targets)


def _refuse(argument: str, given: Any, why: str) -> None:
    if given:
        raise Failure(argument, f"given, and {why}", "leave it out")


def _plain(said: Any) -> Any:
    """Make a card's dicts and lists of mappings and tuples; what is neither is for the card to refuse."""
    if isinstance(said, Mapping):
        return {name: _plain(value) for name, value in said.items()}
    return [_plain(value) for value in said] if isinstance(said, list | tuple) else said


def _labels(said: Any) -> Any:
    """Make a list of labels, of Python's own types; what is none is left for the card to refuse."""
    is_list = isinstance(said, Iterable) and not isinstance(said, str)
    return estimators.plain(said) if is_list else said or []


def _names(said: Any) -> Any:
    """Make a list of an array or an index of names; a text is for the card to refuse."""
    return [str(name) for name in said] if isinstance(said, Iterable) and not isinstance(said, str) else said


__all__ = [
    "Card",
    "Inputs",
    "Measure",
    "SavedModel",
    "TrainingData",
    "Wish",
    "save",
    "save_booster",
    "save_code",
    "save_estimator",
    "save_onnx",
    "save_skops",
]

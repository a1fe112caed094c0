"""Saved versions for other tools: one module a format, imported only when it is asked for."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.needs import library
from modelfleet_service.model import Model

FORMATS = ("cyclonedx", "mlflow", "triton")


class Format(Protocol):
    """What each module has."""

    def write(self, model: Model, target: Path, members: Sequence[Model], /) -> None:
        """Write a verified model to a path where nothing is; raise Failure where the format can't express it.

        ``members`` are an ensemble's, those of members too.
        """


def export(reference: str, form: str, target: Path, store_path: Path | None = None) -> Model:
    """Write a version, such as ``digits:3``, in a format of `FORMATS` to a path; return what was written.

    ``target`` becomes a file (cyclonedx) or a folder (mlflow, triton), whole or not at all. Raises Failure where
    something is there already, the format can't express the model, or the version can't be found.
    """
    if target.exists() or target.is_symlink():
        raise Failure(str(target), "is there already", "give a path where nothing is")
    model = store.find(reference, store_path)
    members = store.members(model, store_path)
    module: Format = library(f"{__name__}.{form}", "export")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.absolute().parent) as beside:
            module.write(model, Path(beside) / target.name, members)
            (Path(beside) / target.name).rename(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(str(target), f"can't be written ({reason})", "give a path in a folder of yours") from error
    return model


def copy_artefact(model: Model, folder: Path, name: str) -> None:
    """Copy a model's artefact under a name, and what lies beside a graph under its own."""
    artefact = model.path / model.scoring["file"]
    shutil.copyfile(artefact, folder / name)
    if model.scoring["runtime"] == "onnx":
        import onnx

        from modelfleet.saving.formats.onnx import external_data

        for beside in external_data(onnx.load(artefact, load_external_data=False)):
            shutil.copyfile(artefact.parent / beside, folder / beside)


def refused(model: Model, tool: str, kinds: str) -> Failure:
    """Say that a tool has no place for this kind of model."""
    what = f"{tool} has no place for a model of the runtime {model.scoring['runtime']}"
    members = [f"{one['name']}:{one['version']}" for one in (model.card.get("ensemble") or {}).get("members", ())]
    cure = f"export its members, each as a model: {', '.join(members)}" if members else f"export {kinds}"
    return Failure(model.reference, what, cure)

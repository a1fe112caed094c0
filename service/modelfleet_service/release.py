"""The release that a process serves: its folder, as the host's release module made it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelfleet_service import members, signing
from modelfleet_service import model as models
from modelfleet_service.errors import ModelError
from modelfleet_service.runtimes import Allowed
from modelfleet_service.scorer import Scorer, load


@dataclass(frozen=True)
class Release:
    """A service at one moment, loaded: its names, its settings and its scorer."""

    service: str
    release: str
    settings: dict[str, Any]
    scorer: Scorer

    @property
    def model(self) -> models.Model:
        """The model it serves."""
        return self.scorer.model


def folder() -> Path:
    """Where the release is: MODELFLEET_RELEASE, or else the working directory."""
    return Path(os.environ.get("MODELFLEET_RELEASE") or Path.cwd())


def open_release(path: Path) -> Release:
    """Verify, load and try a release, its members too; it has answered its golden set when this returns.

    Raises ModelError where a file was altered, a demanded signature is missing, the artefact can't be loaded, or a
    golden answer is wrong.
    """
    document = path / "release.json"
    try:
        content = json.loads(document.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(str(document), f"can't be read ({error})") from error
    model = models.read(path / "model")
    if model.digest != content["model"]["digest"]:
        raise ModelError(str(path / "model"), f"is {model.digest} where the release says {content['model']['digest']}")
    settings = content.get("settings", {})
    held = members.every(model, members.of_release(path))
    for one in (model, *held.values()):
        _trust(one, settings.get("signing") or {})
    scorer = load(model, Allowed.by(settings), held.__getitem__)
    scorer.check_golden()
    return Release(content["service"], content["release"], settings, scorer)


def _trust(model: models.Model, demands: dict[str, Any]) -> None:
    """Refuse, before anything of it is loaded, a model that lacks a signature which the fleet demands."""
    keys = [signing.Key.of(entry) for entry in demands.get("keys") or ()]
    signing.require(model, keys, signing.listed(demands.get("roles") or ()))

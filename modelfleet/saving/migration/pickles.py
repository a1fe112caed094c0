"""Pickles: loaded once, in a child process without network, and written again as a file that holds no code.

The child can do to files what its user can: it is cut off from the network, from this process and from its
environment, and ends after a time; it is no jail. Nothing here unpickles.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelfleet import zips
from modelfleet.errors import Failure
from modelfleet.saving import parity
from modelfleet.saving.estimators import own_answers
from modelfleet.saving.finish import Wish
from modelfleet.saving.formats import boosters, skops
from modelfleet.saving.inputs import Inputs
from modelfleet.saving.migration import cut_off, unpickle
from modelfleet_service.model import sha256_of
from modelfleet_service.runtimes import Answers

SUFFIXES = {".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"}
LIMIT_SECONDS = 600.0


@dataclass(frozen=True)
class Trust:
    """What the saver decides about a pickle: whether to load it at all, and whether it may reach the network."""

    pickle: bool = False
    network: bool = False


@dataclass(frozen=True)
class Artefact:
    """A pickle-free file, the card's fields that come with it, and what its saver should know, a line each."""

    file: Path
    card: dict[str, Any]
    notes: tuple[str, ...] = ()


def refuse(file: Path, trust: Trust) -> None:
    """Raise Failure where a pickle is not trusted."""
    if not trust.pickle:
        cure = "if you know who made it, add --trust-pickle, or call modelfleet.save() where you trained"
        raise Failure(str(file), "a pickle runs any code that is in it when it is loaded", cure)


def take(
    file: Path, inputs: Inputs, folder: Path, wish: Wish, trust: Trust, seconds: float = LIMIT_SECONDS
) -> Artefact:
    """Convert a trusted pickle of a scikit-learn, XGBoost or LightGBM estimator into a file in ``folder``.

    Raises Failure where it is not trusted, can't be read or loaded within ``seconds``, the kernel can't cut it off
    from the network, skops can't express it or doubts its types, or the file does not answer as the pickle did.
    """
    refuse(file, trust)
    try:
        shutil.copyfile(file, folder / unpickle.PICKLE)
    except OSError as error:
        raise Failure(str(file), f"can't be read ({error.strerror or error})", "give the pickle's file") from error
    (folder / unpickle.EXAMPLES).write_bytes(pickle.dumps(inputs))
    _run(file, folder, trust, seconds)
    said = json.loads((folder / unpickle.SAID).read_text())
    artefact = folder / str(said["artefact"])
    if artefact.name not in unpickle.FILES.values():
        raise Failure(str(file), "the child wrote something else than a model", "don't trust this file")
    gap = _parity(file, artefact, said["classes"], inputs, _answers(folder), wish)
    lineage = {
        "migrated": file.name,
        "migrated_digest": f"sha256:{sha256_of(folder / unpickle.PICKLE)}",
        "migrated_parity": f"{gap:.2g} on {len(inputs)} rows",
    }
    notes: tuple[str, ...] = ()
    if said["pickled_with"]:
        lineage["pickled_with"] = str(said["pickled_with"])
        notes = (_version_note(file, said["pickled_with"]),)
    card = {"algorithm": said["algorithm"], "parameters": said["parameters"], "lineage": lineage}
    if artefact.suffix != ".skops" and said["classes"]:
        card["classes"] = said["classes"]
    return Artefact(artefact, card, notes)


def _run(file: Path, folder: Path, trust: Trust, seconds: float) -> None:
    command = [sys.executable, "-I", "-m", unpickle.__name__, str(folder)]
    if not trust.network:
        command = [sys.executable, "-I", str(cut_off.__file__), *command]
    child = subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, stderr = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failure(str(file), f"did not load within {seconds:.0f} s", "look at what it does") from None
    finally:
        _end(child)
    reason = (stderr.strip() or f"it ended with status {child.returncode}").splitlines()[-1]
    if child.returncode == cut_off.REFUSED:
        cure = "load it on a machine that allows it, or add --with-network"
        raise Failure(str(file), f"the kernel can't cut its loading off from the network ({reason})", cure)
    if child.returncode != 0:
        cure = "install here what it was trained with, or call modelfleet.save() there"
        raise Failure(str(file), f"can't be taken over ({reason})", cure)


def _end(child: subprocess.Popen[str]) -> None:
    """End whatever the child left running in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _answers(folder: Path) -> Answers:
    zips.refuse_escapes(folder / unpickle.ANSWERS)
    with np.load(folder / unpickle.ANSWERS, allow_pickle=False) as arrays:
        read = dict(arrays)
    if "labels" in read:
        return Answers(labels=read["labels"], probabilities=read["probabilities"])
    return Answers(values=read)


def _parity(file: Path, artefact: Path, classes: list[Any], inputs: Inputs, expected: Answers, wish: Wish) -> float:
    """Measure how far the artefact's answers are from those that the estimator gave in the child."""
    if artefact.suffix == ".skops":
        got = own_answers(skops.read(artefact, wish.trusted_types), inputs)
    else:
        kind = next(kind for kind, name in boosters.FILES.items() if name == artefact.name)
        got = boosters.score(artefact, kind, inputs, classes)
    return parity.measure(str(file), expected, got)


def _version_note(file: Path, other: str) -> str:
    import sklearn

    said = f"{file}: was pickled with {other} and loaded with {sklearn.__version__}"
    return f"{said}; compare its answers with those you know"


def merged(card: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Join what a model brings along with the saver's card, which counts where both say something."""
    lineage = {**own.get("lineage", {}), **(card.get("lineage") or {})}
    return {**own, **card} | ({"lineage": lineage} if lineage else {})

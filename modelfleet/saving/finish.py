"""The last steps of every save: card, manifest, the proof in a fresh process, and the version."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from modelfleet import store
from modelfleet.errors import Failure
from modelfleet.saving import clash, locks
from modelfleet.saving.card import Card, checked
from modelfleet.saving.page import page
from modelfleet.store import cards
from modelfleet.store.disk import who
from modelfleet.tree import SERVICE
from modelfleet_service import model

ENVIRONMENT = "environment.txt"


@dataclass(frozen=True)
class SavedModel:
    """What was saved: its reference, such as ``digits:3``, its digest, and where it is."""

    reference: str
    digest: str
    path: Path

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.reference} ({self.digest[:19]}) at {self.path}"

    def said(self) -> dict[str, Any]:
        """Return what the commands that save print with --json: name, version, digest, path."""
        name, _, version = self.reference.partition(":")
        return {"name": name, "version": int(version), "digest": self.digest, "path": str(self.path)}


@dataclass(frozen=True)
class Wish:
    """Under which name to save, and what the saver trusts and decides.

    ``trusted_types`` are types in a skops file; ``breaking`` says why a signature other than the last version's is
    meant. Raises Failure where the name is no text, or a type is not named as ``module.Class``.
    """

    name: str
    store_path: Path | None = None
    trusted_types: Sequence[str] = ()
    breaking: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            cure = "use up to 63 lower-case letters, digits and hyphens"
            raise Failure(repr(self.name), "not a model name", cure)
        is_list = isinstance(self.trusted_types, Collection) and not isinstance(self.trusted_types, str)
        odd = [one for one in self.trusted_types if not (isinstance(one, str) and "." in one)] if is_list else []
        if odd or not is_list:
            what = f"{odd[0]!r} is no type" if odd else f"{self.trusted_types!r} is no list"
            raise Failure("trusted_types", what, "give a list of names, such as ['a_package.AClass']")


def finish(
    folder: Path,
    document: Mapping[str, Any],
    wish: Wish,
    proof: Sequence[str] = (),
    python: str = sys.executable,
) -> SavedModel:
    """Add the card and the manifest, prove that a fresh process scores the golden set, and publish.

    ``proof`` are further arguments of the proving process, ``python`` is what runs it. Raises Failure, with nothing
    saved, where the card is wrong, the signature is not that of the version before, or an answer differs.
    """
    (folder / ENVIRONMENT).write_text(environment(), encoding="utf-8")
    created = datetime.now(UTC).isoformat(timespec="seconds")
    with store.next_version(wish.name, wish.store_path) as version:
        named = {"name": wish.name, "version": version, "created": created, "breaking": wish.breaking}
        card = checked({**document, **named})
        _refuse_clash(card, wish)
        _write(folder, card)
        arguments = [*(f"--trust={name}" for name in wish.trusted_types), *proof]
        card.scoring.memory_bytes = prove(folder, arguments, python)
        _write(folder, card)
        place = store.publish(folder, wish.name, version, wish.store_path)
    saved = model.read(place)
    return SavedModel(saved.reference, saved.digest, place)


def prove(folder: Path, arguments: Sequence[str] = (), python: str = sys.executable) -> int:
    """Load and score the files in a fresh process, as a host will; return its peak memory in bytes."""
    command = [python, "-m", "modelfleet_service.verify", str(folder), *arguments]
    own = python != sys.executable
    if own:  # an environment that has the packages of the lock, and must find nothing that lies about
        command.insert(1, "-P")
    variables = {**os.environ, "PYTHONPATH": str(SERVICE)} if own else None
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        what = f"do not answer as the trainer saw ({reason})"
        raise Failure("the saved files", what, "nothing was saved; mend the model")
    return _memory_bytes(done.stdout)


def _memory_bytes(said: str) -> int:
    """Read what the proof prints at its end; a model's own code may have ended the process before that."""
    try:
        return int(json.loads(said.splitlines()[-1])["memory_bytes"])
    except (IndexError, ValueError, KeyError, TypeError) as error:
        what = "the process that was to score them ended without an answer"
        raise Failure("the saved files", what, "nothing was saved; mend the model") from error


def user() -> str:
    """Name who saves, for a card that names no author."""
    return who().rpartition("@")[0]


def environment() -> str:
    """Say in which environment this process runs, a distribution a line, for the record of what trained a model."""
    installed = {f"{name}=={version}" for name, version in locks.installed()}
    system = f"# Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return "\n".join([system, *sorted(installed, key=str.lower)]) + "\n"


def _refuse_clash(card: Card, wish: Wish) -> None:
    """A name stands for one meaning: clients of its last version must be able to call the next.

    Its card says the signature; the other files may be damaged.
    """
    known = store.versions(wish.name, wish.store_path)
    if wish.breaking or not known:
        return
    _, last = cards.of_version(wish.name, known[-1], wish.store_path)
    clash.refuse(card.signature, last, f"{wish.name}:{known[-1]}")


def _write(folder: Path, card: Card) -> None:
    content = card.model_dump(exclude_none=True, exclude_defaults=False)
    (folder / model.CARD).write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (folder / model.PAGE).write_text(page(card), encoding="utf-8")
    (folder / model.MANIFEST).write_text(model.manifest_of(folder))

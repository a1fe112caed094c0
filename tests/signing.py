"""Small models and signatures over them, made with the primitives alone."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from modelfleet_service import model as models
from modelfleet_service import signing
from modelfleet_service.model import Model
from modelfleet_service.signing import Signature

WHEN = "2026-01-01T00:00:00+00:00"


def small_model(folder: Path, name: str = "digits", version: int = 3) -> Model:
    """Write a model that is a card and a manifest."""
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(f"name: {name}\nversion: {version}\n")
    (folder / models.MANIFEST).write_text(models.manifest_of(folder))
    return models.read(folder)


def key(owner: str) -> Ed25519PrivateKey:
    """Return the owner's key, the same at each run."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(owner.encode()).digest())


def public(owner: str) -> str:
    """Return the public half of the owner's key in base64."""
    return base64.b64encode(key(owner).public_key().public_bytes_raw()).decode()


def entry(owner: str, role: str | list[str]) -> dict[str, Any]:
    """Return the owner's line of a fleet file's models_keys."""
    return {"name": owner, "role": role, "key": public(owner)}


def signature(model: Model, owner: str, role: str) -> Signature:
    """Sign a model as its owner in a role."""
    made = key(owner).sign(signing.payload(model, role, WHEN, owner))
    return Signature(role, public(owner), WHEN, owner, base64.b64encode(made).decode())


def sign(model: Model, **roles: str) -> None:
    """Write a model's signatures: the owners and their roles."""
    made = [signature(model, owner, role) for owner, role in roles.items()]
    (model.path / models.SIGNATURES).write_bytes(signing.encode(made))

"""Who vouches for a model: Ed25519 signatures over its manifest's digest, each in a role such as trainer or approver.

They stand in ``manifest.sig`` beside the manifest, which doesn't list it: a signature comes after the model.
The file is canonical, so that no bit of it can change unseen.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from modelfleet_service.errors import ModelError
from modelfleet_service.model import SIGNATURES, Model

FORMAT = 1
DOMAIN = b"modelfleet model signature 1\n"
KEY_BYTES, SIGNATURE_BYTES = 32, 64


@dataclass(frozen=True, order=True)
class Signature:
    """One signature: role, public key and signature in base64, the time in UTC, and who the signer said to be."""

    role: str
    key: str
    signed: str
    by: str
    signature: str


@dataclass(frozen=True)
class Key:
    """A public key that a fleet lists: whose it is, the roles it may sign in, and its 32 bytes in base64."""

    name: str
    roles: tuple[str, ...]
    key: str

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Key:
        """Read an entry of a fleet file's ``models_keys``; ``role`` is one role or a list of them."""
        return cls(str(entry["name"]), listed(entry["role"]), str(entry["key"]))


def listed(value: Any) -> tuple[str, ...]:
    """Return a setting that is a list of texts as one; Ansible lets it be written as one text with commas, too."""
    parts = value if isinstance(value, list | tuple) else str(value).split(",")
    return tuple(text for part in parts if (text := str(part).strip()))


def payload(model: Model, role: str, signed: str, by: str) -> bytes:
    """Return the bytes that a signature covers; they are of no other model, version, role, time or signer."""
    said = {"manifest": model.digest, "name": model.name, "version": model.version}
    return DOMAIN + _canonical(said | {"role": role, "signed": signed, "by": by})


def encode(signatures: Iterable[Signature]) -> bytes:
    """Return the only bytes that a file with these signatures may have."""
    return _canonical({"format": FORMAT, "signatures": [asdict(entry) for entry in sorted(signatures)]})


def read(folder: Path) -> tuple[Signature, ...]:
    """Read the signatures beside a manifest, none if there is no file or all were withdrawn; they are not verified.

    Raises ModelError where the file is not one that `encode` wrote.
    """
    path = folder / SIGNATURES
    if not path.exists() and not path.is_symlink():
        return ()
    if path.is_symlink() or not path.is_file():
        raise ModelError(str(path), "is no plain file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(str(path), error.strerror or "can't be read") from error
    signatures = _decoded(content)
    if signatures is None or encode(signatures) != content:
        raise ModelError(str(path), "was altered: it is not as signatures are written")
    return signatures


def verify_all(model: Model) -> tuple[Signature, ...]:
    """Return a model's signatures, each of them valid over this model; none if it was not signed.

    Raises ModelError, which names the file, where one is not.
    """
    signatures = read(model.path)
    where = str(model.path / SIGNATURES)
    for entry in signatures:
        if not _valid(model, entry):
            raise ModelError(where, f"the signature as {entry.role[:40]!r} is not valid for {model.reference}")
    if len({(entry.role, entry.key) for entry in signatures}) < len(signatures):
        raise ModelError(where, "a key signs twice in one role")
    return signatures


def require(model: Model, keys: Iterable[Key], roles: Sequence[str]) -> tuple[Signature, ...]:
    """Verify a model's signatures, and that each demanded role has one by a key listed for it; return all of them.

    One key counts for one role, so that nobody is trainer and approver alone; a role named twice wants two keys.
    Raises ModelError where a signature is not valid or a role has none.
    """
    signatures = verify_all(model)
    lacks = lacking(signatures, keys, roles)
    if lacks:
        what = f"no valid signature as {' and as '.join(lacks)} by a key that the fleet lists for it"
        raise ModelError(str(model.path / SIGNATURES), what if signatures else f"is missing: {what}")
    return signatures


def lacking(signatures: Iterable[Signature], keys: Iterable[Key], roles: Sequence[str]) -> list[str]:
    """Name the demanded roles that have no signature when each key counts for one role at most.

    ``signatures`` were verified. The most roles that can be met are met (augmenting paths of a bipartite matching).
    """
    trusted = {key.key: key.roles for key in keys}
    signed = [(entry.role, entry.key) for entry in signatures if entry.role in trusted.get(entry.key, ())]
    taken: dict[str, int] = {}

    def meet(place: int, seen: set[str]) -> bool:
        for key in [key for role, key in signed if role == roles[place]]:
            if key not in seen:
                seen.add(key)
                if key not in taken or meet(taken[key], seen):
                    taken[key] = place
                    return True
        return False

    return [role for place, role in enumerate(roles) if not meet(place, set())]


def is_key(text: str) -> bool:
    """Tell whether a text is an Ed25519 public key: 32 bytes in base64."""
    return len(_bytes(text)) == KEY_BYTES


def _valid(model: Model, entry: Signature) -> bool:
    key, signature = _bytes(entry.key), _bytes(entry.signature)
    if (len(key), len(signature)) != (KEY_BYTES, SIGNATURE_BYTES):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, payload(model, entry.role, entry.signed, entry.by))
    except (InvalidSignature, ValueError):
        return False
    return True


def _decoded(content: bytes) -> tuple[Signature, ...] | None:
    """Read a file's entries; None where it isn't a document of this format."""
    try:
        document = json.loads(content)
        entries = tuple(Signature(**entry) for entry in document["signatures"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = all(isinstance(value, str) for entry in entries for value in asdict(entry).values())
    return entries if texts else None


def _bytes(text: str) -> bytes:
    """Decode base64 whose only form this is; empty where it isn't."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return content if base64.b64encode(content).decode() == text else b""


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"

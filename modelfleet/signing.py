"""Signing a saved version, and saying who signed it; what a signature is stands in modelfleet_service.signing."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from modelfleet import keys, store
from modelfleet.errors import Failure
from modelfleet.store import audit, disk, signed
from modelfleet.store.verifying import Version
from modelfleet_service import signing
from modelfleet_service.errors import ModelError
from modelfleet_service.model import Model
from modelfleet_service.signing import Key, Signature

ROLE = re.compile(r"[a-z][a-z0-9-]{0,30}")
TAMPERED = "find out who changed it; then remove the file and have the model signed again"


@dataclass(frozen=True)
class Signed:
    """What signing did: ``new`` is false where this key had signed in this role before, and nothing was written."""

    model: Model
    signature: Signature
    new: bool


@dataclass(frozen=True)
class Demands:
    """What a fleet demands of every model that it runs: its keys, roles, and fields of the card as dotted paths."""

    keys: tuple[Key, ...]
    roles: tuple[str, ...]
    fields: tuple[str, ...]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Demands:
        """Read a fleet's settings; they are well typed where `modelfleet check` found nothing."""
        return cls(
            keys=tuple(Key.of(entry) for entry in settings.get("models_keys") or ()),
            roles=signing.listed(settings.get("models_required_roles") or ()),
            fields=signing.listed(settings.get("models_required_fields") or ()),
        )

    def unsigned(self, model: Model) -> list[Failure]:
        """Return a failure for each demanded role in which no listed key signed; raise Failure where one is false."""
        lacks = signing.lacking(standing(model), self.keys, self.roles)
        return [
            Failure(
                model.reference,
                f"no signature as {role} by {_either(self.allowed(role))} (one key counts for one role)",
                f"have it signed: `modelfleet model sign {model.reference} --role {role}`",
            )
            for role in lacks
        ]

    def allowed(self, role: str) -> list[str]:
        """Name the keys that may sign in a role."""
        return [key.name for key in self.keys if role in key.roles]

    def signer(self, entry: Signature) -> str | None:
        """Name the key of a signature; None where the fleet doesn't list it for that role."""
        return next((key.name for key in self.keys if key.key == entry.key and entry.role in key.roles), None)


def check_role(role: str) -> None:
    """Raise Failure unless the text can be a role."""
    if not ROLE.fullmatch(role):
        raise Failure(repr(role[:40]), "not a role", "use lower-case letters, digits and hyphens, such as trainer")


def sign(reference: str, key: Ed25519PrivateKey, role: str, store_path: Path | None = None) -> Signed:
    """Verify a version, every byte of it and every signature, and add one; the file changes in one step.

    Raises Failure where the role can't be one, the model or a signature was altered, or the store can't be written.
    """
    check_role(role)
    model = store.find(reference, store_path)
    own = keys.public(key)
    with disk.changing(model.path.parent):
        _see_there(model)
        present, known = signatures(model), signed.recorded(store_path)
        made = next((entry for entry in present if (entry.role, entry.key) == (role, own)), None)
        is_new = made is None
        if made is None:
            made = _made(model, key, role)
            with signed.opened(model.path):
                signed.put(model.path, [*present, made])
        last = known.get(model.digest, {}).get((role, own), {})
        if is_new or last.get("act") != signed.SIGNED:  # what was cut off before its record, or withdrawn by half
            audit.record(signed.SIGNED, store_path, reference=model.reference, digest=model.digest, role=role, key=own)
    return Signed(model, made, is_new)


def unsign(
    reference: str, role: str, key: str | None = None, store_path: Path | None = None
) -> tuple[Model, list[str]]:
    """Withdraw the signatures of a version in a role, lost ones too, or that of one public key; return their keys.

    No copy brings them back. Raises Failure where there is none, the model or a signature was altered, or the store
    can't be written.
    """
    model = store.find(reference, store_path)
    with disk.changing(model.path.parent):
        _see_there(model)
        present = signatures(model)
        version = Version(model.name, model.version, model.path, model.digest)
        lost = signed.lacking(version, signed.recorded(store_path))
        had = [*((one.role, one.key) for one in present), *((one["role"], one["key"]) for one in lost)]
        gone = [entry for entry in had if entry[0] == role and key in (None, entry[1])]
        if not gone:
            whose = f" by the key {key}" if key else ""
            cure = f"`modelfleet model show {model.reference}` lists its signatures"
            raise Failure(model.reference, f"has no signature as {role}{whose}", cure)
        details = {"reference": model.reference, "digest": model.digest, "role": role}
        for _, one in gone:  # first, so that what is cut off here is withdrawn rather than brought back
            audit.record(signed.WITHDRAWN, store_path, **details, key=one)
        so = "the log says already that it is withdrawn"
        with disk.told(model.path, so), signed.opened(model.path):
            signed.put(model.path, [one for one in present if (one.role, one.key) not in gone])
    return model, [one for _, one in gone]


def signatures(model: Model) -> tuple[Signature, ...]:
    """Return a model's signatures, each verified; raise Failure where one is not valid."""
    try:
        return signing.verify_all(model)
    except ModelError as error:
        raise Failure(error.where, error.what, TAMPERED) from error


def standing(model: Model) -> list[Signature]:
    """Return the signatures of a model in a store, each verified, but those that were withdrawn.

    The file still has one where the withdrawal was cut off after its record.
    """
    return signed.standing(signatures(model), model.digest, signed.recorded(model.path.parents[1]))


def _see_there(model: Model) -> None:
    if not model.path.is_dir():
        raise Failure(model.reference, "was deleted meanwhile", f"`modelfleet model restore {model.reference}`")


def _made(model: Model, key: Ed25519PrivateKey, role: str) -> Signature:
    when, by = disk.now(), disk.who()
    signature = key.sign(signing.payload(model, role, when, by))
    return Signature(role, keys.public(key), when, by, base64.b64encode(signature).decode())


def _either(names: Iterable[str]) -> str:
    return " or ".join(names) or "any key"

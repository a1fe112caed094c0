"""Private keys for signing models: PEM files that their owner alone can read; no other form of them leaves memory."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from modelfleet.errors import Failure

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
PASSWORD = "MODELFLEET_KEY_PASSWORD"  # noqa: S105 - the variable's name
MAKE_ONE = "make one with `modelfleet store keygen NAME`"
OTHERS = 0o077


@dataclass(frozen=True)
class NewKey:
    """A key that was made: its file, and the public half in base64 for the fleet file."""

    name: str
    path: Path
    public: str

    def entry(self, role: str) -> str:
        """Return the line of a fleet file's ``models_keys``."""
        return f'- {{name: {self.name}, role: {role}, key: "{self.public}"}}'


def home() -> Path:
    """Return the folder of this user's keys."""
    return platformdirs.user_config_path("modelfleet") / "keys"


def make(name: str, folder: Path | None = None, password: str | None = None) -> NewKey:
    """Make a key and write its private half to ``<folder>/<name>.pem``, which only its owner can read.

    Raises Failure where the name can't be a file's, a key of this name is there, or the folder can't be written.
    """
    if not NAME.fullmatch(name):
        raise Failure(repr(name[:40]), "not a key's name", "use up to 63 letters, digits, dots, hyphens and _")
    path = (folder or home()) / f"{name}.pem"
    key = Ed25519PrivateKey.generate()
    if path.exists():
        raise Failure(str(path), "is there already", "choose another name; no key is overwritten")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_once(path, _pem(key, password))
    except OSError as error:
        raise Failure(str(path), f"can't be written ({error.strerror})", "choose a folder with --out") from error
    return NewKey(name, path, public(key))


def find(option: Path | None = None) -> Path:
    """Find the key's file: ``--key``, then MODELFLEET_KEY, then the only one in the user's folder."""
    chosen = option or os.environ.get("MODELFLEET_KEY")
    if chosen:
        return Path(chosen)
    found = sorted(home().glob("*.pem"))
    if not found:
        raise Failure(str(home()), "there is no key", f"{MAKE_ONE}, or name one with --key")
    if len(found) > 1:
        raise Failure(str(home()), f"there are {', '.join(path.name for path in found)}", "name one with --key")
    return found[0]


def load(path: Path, ask: Callable[[Path], str]) -> Ed25519PrivateKey:
    """Read a private key; ``ask`` is called for the passphrase if it has one and the environment doesn't.

    Raises Failure where the file is no private Ed25519 key, can be read by others, or the passphrase is wrong.
    """
    content = _content(path)
    password = (os.environ.get(PASSWORD) or ask(path)).encode() if b"ENCRYPTED" in content else None
    try:
        key = serialization.load_pem_private_key(content, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if password is not None:
            raise Failure(
                str(path), "can't be opened with this passphrase", f"try again, or mend {PASSWORD}"
            ) from error
        raise Failure(str(path), "not a private key in PEM form", MAKE_ONE) from error
    if not isinstance(key, Ed25519PrivateKey):
        kind = type(key).__name__.removeprefix("_").removesuffix("PrivateKey")
        raise Failure(str(path), f"is an {kind} key, where models are signed with Ed25519", MAKE_ONE)
    return key


def public(key: Ed25519PrivateKey) -> str:
    """Return the public half: 32 bytes in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise Failure(str(path), f"the key can't be read ({error.strerror})", "check the path and its mode") from error
    if b"PUBLIC KEY" in content:
        raise Failure(str(path), "is a public key, which can't sign", "give the private key's file")
    if b"PRIVATE KEY" in content and mode & OTHERS:
        raise Failure(str(path), "others can read this private key", f"run `chmod 600 {path}`")
    return content


def _pem(key: Ed25519PrivateKey, password: str | None) -> bytes:
    sealing = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing)


def _write_once(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)

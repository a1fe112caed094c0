"""Private keys: made once, readable by their owner alone, and what is none is refused by what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from modelfleet import keys
from modelfleet.errors import Failure

PEM, PKCS8, PLAIN = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()


def unasked(path: Path) -> str:
    """Fail where a passphrase is asked for."""
    raise AssertionError(path)


def test_a_key_is_read_back_and_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    made = keys.make("ann", tmp_path / "new/folder")
    assert made.path == tmp_path / "new/folder/ann.pem"
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.path.parent.stat().st_mode & 0o077 == 0
    assert keys.public(keys.load(made.path, unasked)) == made.public


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    made = keys.make("ann", tmp_path)
    kept = made.path.read_bytes()
    with pytest.raises(Failure, match=r"ann\.pem: is there already; choose another name"):
        keys.make("ann", tmp_path)
    assert made.path.read_bytes() == kept


@pytest.mark.parametrize("name", ["", "../ann", "a/b", ".ann", "a" * 300, "a b"])
def test_a_name_that_can_t_be_a_file_s_is_refused_in_a_short_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(Failure, match="not a key's name") as caught:
        keys.make(name, tmp_path)
    assert len(str(caught.value)) < 150
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_t_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match=r"file/ann\.pem: can't be written"):
        keys.make("ann", tmp_path / "file")


def test_a_passphrase_is_taken_from_the_environment_or_else_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = keys.make("ann", tmp_path, "secret")
    assert b"ENCRYPTED" in made.path.read_bytes()
    assert keys.public(keys.load(made.path, lambda _: "secret")) == made.public
    monkeypatch.setenv(keys.PASSWORD, "secret")
    assert keys.public(keys.load(made.path, unasked)) == made.public


def test_a_wrong_passphrase_is_said_without_repeating_it(tmp_path: Path) -> None:
    made = keys.make("ann", tmp_path, "secret")
    with pytest.raises(Failure, match=r"ann\.pem: can't be opened with this passphrase") as caught:
        keys.load(made.path, lambda _: "gu3ss")
    assert "gu3ss" not in str(caught.value)


def private(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Callable[[], bytes]:
    """Return what writes a private key."""
    return lambda: key.private_bytes(PEM, PKCS8, PLAIN)


def public() -> bytes:
    """Write a public key."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return Ed25519PrivateKey.generate().public_key().public_bytes(PEM, form)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: b"", "not a private key in PEM form"),
        (lambda: b"\xff\x00 no key", "not a private key in PEM form"),
        (lambda: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a private key in PEM form"),
        (public, "is a public key, which can't sign; give the private key's file"),
        (private(rsa.generate_private_key(65537, 2048)), "is an RSA key, where models are signed with Ed25519"),
        (private(ec.generate_private_key(ec.SECP256R1())), "key, where models are signed with Ed25519"),
    ],
    ids=["empty", "no text", "cut", "public", "rsa", "ec"],
)
def test_what_is_no_private_ed25519_key_is_refused_in_one_line(
    tmp_path: Path, content: Callable[[], bytes], said: str
) -> None:
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_bytes(content())
    with pytest.raises(Failure, match=said) as caught:
        keys.load(path, unasked)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"none\.pem: the key can't be read \(No such file"):
        keys.load(tmp_path / "none.pem", unasked)


def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    made = keys.make("ann", tmp_path)
    made.path.chmod(0o644)
    with pytest.raises(Failure, match=r"others can read this private key; run `chmod 600"):
        keys.load(made.path, unasked)


def test_the_option_comes_before_the_variable_and_the_variable_before_the_only_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("MODELFLEET_KEY", raising=False)
    made = keys.make("ann")
    assert keys.find() == made.path
    monkeypatch.setenv("MODELFLEET_KEY", "/variable.pem")
    assert keys.find() == Path("/variable.pem")
    assert keys.find(Path("/option.pem")) == Path("/option.pem")


def test_no_key_or_several_are_said_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("MODELFLEET_KEY", raising=False)
    with pytest.raises(Failure, match="there is no key; make one with `modelfleet store keygen NAME`"):
        keys.find()
    keys.make("ann")
    keys.make("bea")
    with pytest.raises(Failure, match=r"there are ann\.pem, bea\.pem; name one with --key"):
        keys.find()

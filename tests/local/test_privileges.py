"""What is missing is named, where it can't be installed."""

from __future__ import annotations

import pytest

from modelfleet.errors import Failure
from modelfleet.local import privileges


def test_without_apt_the_one_thing_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "_which", lambda _: None)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(Failure, match=r"apt-get is not here; install docker\.io yourself"):
        privileges.need("dockerd", ["docker.io"], "a Docker engine")


def test_without_root_and_sudo_the_one_thing_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda program, **_: "/usr/bin/apt-get" if program == "apt-get" else None)
    with pytest.raises(Failure, match=r"neither root nor sudo is at hand; install docker\.io yourself"):
        privileges.need("dockerd", ["docker.io"], "a Docker engine")


def test_a_program_that_is_here_is_not_installed() -> None:
    assert privileges.need("sh", ["dash"], "a shell").endswith("/sh")

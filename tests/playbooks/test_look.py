"""What rules a host out before anything is changed on it."""

from __future__ import annotations

import os
import socket

import pytest

from tests.playbooks.test_callback import plugin

look = plugin("library/look.py")
DEBIAN_12 = {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}


@pytest.mark.parametrize(
    "release",
    [
        {"ID": "debian", "VERSION_ID": "11", "PRETTY_NAME": "Debian GNU/Linux 11 (bullseye)"},
        {"ID": "ubuntu", "VERSION_ID": "24.04", "PRETTY_NAME": "Ubuntu 24.04 LTS"},
        {},
    ],
)
def test_an_unsupported_distribution_is_refused_with_the_supported_ones(release: dict[str, str]) -> None:
    assert "use Debian 12 or 13" in look.unsupported(release, "3.11")


def test_an_unsupported_python_is_refused() -> None:
    assert "Python 3.9 is not supported" in look.unsupported(DEBIAN_12, "3.9")


def test_a_port_held_by_another_process_is_refused_with_its_name_and_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refusal = look.taken({port: "modelfleet-digits.socket"})
    assert refusal.startswith(f"port {port} is in use by ")
    assert f"(pid {os.getpid()})" in refusal


def test_a_free_port_is_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert look.taken({port: "modelfleet-digits.socket"}) is None

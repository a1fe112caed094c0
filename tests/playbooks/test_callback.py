"""What a run says about a failure: one line with the cure."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from modelfleet.tree import PLAYBOOKS


def plugin(path: str) -> ModuleType:
    """Import a plugin or module of the playbooks from its file."""
    spec = importlib.util.spec_from_file_location(Path(path).stem + "_plugin", PLAYBOOKS / path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


explain = plugin("callback_plugins/modelfleet.py").explain


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (
            "Failed to connect to the host via ssh: ssh: connect to host x port 22: Connection timed out",
            "answer SSH",
        ),
        ("ssh: connect to host x port 22: Connection refused", "answer SSH"),
        ("@@@\nWARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n@@@", "pinned"),
        ("Host key verification failed.", "pinned"),
        ("deploy@x: Permission denied (publickey).", "refuses the user"),
        ("Missing sudo password", "sudo without a password"),
        ("deploy is not in the sudoers file.", "sudo without a password"),
        ("/bin/sh: 1: /usr/bin/python3: not found", "python3 is not installed"),
    ],
)
def test_a_known_failure_is_one_line_with_its_cure(said: str, word: str) -> None:
    line = explain({"msg": said, "unreachable": True})
    assert word in line
    assert "; " in line
    assert "\n" not in line


def test_a_network_fault_on_a_host_is_not_taken_for_a_silent_host() -> None:
    assert "answer SSH" not in explain({"msg": "curl: (28) Connection timed out"})
    assert "apt" in explain({"msg": "Failed to fetch: Could not resolve 'deb.example.org'"})


def test_a_message_of_our_own_is_passed_on_as_it_is() -> None:
    assert explain({"msg": "port 8001 is in use by x; stop it"}) == "port 8001 is in use by x; stop it"


def test_an_unknown_failure_is_folded_into_one_line() -> None:
    assert explain({"msg": "first\n  second"}) == "first second"


def test_a_silent_failure_says_how_to_learn_more() -> None:
    assert "-vvv" in explain({})

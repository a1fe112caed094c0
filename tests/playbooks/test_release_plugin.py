"""The controller's half of a release."""

from __future__ import annotations

import pytest

from tests.playbooks.test_callback import plugin

environment_file = plugin("action_plugins/release.py").environment_file


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("info", 'LEVEL="info"\n'),
        ('a "b"', 'LEVEL="a \\"b\\""\n'),
        ("$HOME", 'LEVEL="\\$HOME"\n'),
        ("a\\b", 'LEVEL="a\\\\b"\n'),
        (5, 'LEVEL="5"\n'),
    ],
)
def test_a_value_can_not_leave_its_quotes(value: object, written: str) -> None:
    assert environment_file({"LEVEL": value}) == written

"""Whether a bundle fits on a host."""

from __future__ import annotations

from tests.playbooks.test_callback import plugin

shortage = plugin("action_plugins/fits.py").shortage
MEGABYTE = 10**6


def test_too_little_disk_is_said_with_both_numbers() -> None:
    said = shortage(disk=(900 * MEGABYTE, 100 * MEGABYTE), memory=(0, 1))
    assert said.startswith("needs 900 MB of disk under /opt/modelfleet and has 100 MB; ")


def test_too_little_memory_is_said_with_both_numbers() -> None:
    said = shortage(disk=(0, 1), memory=(300 * MEGABYTE, 200 * MEGABYTE))
    assert said.startswith("needs 300 MB of memory")


def test_what_fits_is_not_refused() -> None:
    assert shortage(disk=(1, 1), memory=(1, 1)) is None

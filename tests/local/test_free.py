"""Ports and subnets of a local fleet collide with nothing."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest

from modelfleet.errors import Failure
from modelfleet.local import free


def test_a_port_that_something_listens_at_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert free.port(number, ()) > number


def test_a_reserved_port_is_passed_over() -> None:
    first = free.port(20000, ())
    assert free.port(first, {first}) > first


def test_no_port_at_all_is_a_failure() -> None:
    with pytest.raises(Failure, match="no port from 65535 on is free"):
        free.port(65535, ())


def test_a_subnet_overlaps_none_that_is_taken() -> None:
    taken = [ipaddress.IPv4Network("10.213.0.0/23"), ipaddress.IPv4Network("192.168.0.0/16")]
    assert free.subnet(taken) == ipaddress.IPv4Network("10.213.2.0/24")
    with pytest.raises(Failure, match="take another local fleet down"):
        free.subnet([ipaddress.IPv4Network("10.0.0.0/8")])


def test_the_routes_of_this_machine_are_read_without_the_default(tmp_path: Path) -> None:
    rows = ["Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT"]
    rows += ["eth0 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0", "eth0 0002A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0"]
    (tmp_path / "route").write_text("\n".join(rows))
    assert free.routed(tmp_path / "route") == [ipaddress.IPv4Network("192.168.2.0/24")]

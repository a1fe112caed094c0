"""Ports and subnets that nothing else uses."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from pathlib import Path

from modelfleet.errors import Failure

HIGHEST_PORT = 65535
SUBNETS = [ipaddress.IPv4Network(f"10.213.{number}.0/24") for number in range(256)]


def port(first: int, reserved: Iterable[int]) -> int:
    """Return the first port from ``first`` on that is not reserved and that nothing on 127.0.0.1 listens at."""
    kept = set(reserved)
    for number in range(first, HIGHEST_PORT):
        if number not in kept and _bindable(number):
            return number
    raise Failure("127.0.0.1", f"no port from {first} on is free", "stop what listens there")


def subnet(taken: Iterable[ipaddress.IPv4Network]) -> ipaddress.IPv4Network:
    """Return the first of our subnets that overlaps none of those taken. Raise Failure if there is none."""
    kept = list(taken)
    for candidate in SUBNETS:
        if not any(candidate.overlaps(other) for other in kept):
            return candidate
    raise Failure("this machine", "no private subnet is free", "take another local fleet down")


def routed(table: Path = Path("/proc/net/route")) -> list[ipaddress.IPv4Network]:
    """Return the networks that this machine has a route to, but for the default route."""
    rows = [line.split() for line in table.read_text().splitlines()[1:]] if table.exists() else []
    found = [ipaddress.IPv4Network((_address(row[1]), str(_address(row[7])))) for row in rows]
    return [network for network in found if network.prefixlen]


def _address(word: str) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(word), "little"))


def _bindable(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True

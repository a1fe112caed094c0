"""Run a command that can reach no network: `python cut_off.py COMMAND...`; standard library only.

The command gets a network namespace with nothing in it, and where the kernel allows it a user namespace, so that even
root can't go back: network_namespaces(7), user_namespaces(7). Without either the exit status is 77 and the last line
says why. It runs as a process of its own, because a process with threads can't enter a user namespace.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from pathlib import Path

REFUSED = 77
NEW_USER, NEW_NET = 0x10000000, 0x40000000


def main() -> None:
    """Cut this process off, forbid core dumps, and become the command."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    user, group = os.getuid(), os.getgid()
    try:
        try:
            _unshare(NEW_USER | NEW_NET)
            _stay(user, group)
        except OSError:
            _unshare(NEW_NET)
    except (OSError, AttributeError) as error:
        print(getattr(error, "strerror", None) or "this system has no namespaces", file=sys.stderr)
        sys.exit(REFUSED)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command is its caller's


def _unshare(flags: int) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _stay(user: int, group: int) -> None:
    """Be the same user within the namespace, with rights over nothing outside of it."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


if __name__ == "__main__":
    main()

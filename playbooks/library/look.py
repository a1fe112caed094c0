#!/usr/bin/python
"""Look at a host and refuse it if it can't be used; changes nothing. Runs on any Python that Ansible accepts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: look
short_description: Look at a host before anything is changed
description: Checks the distribution, Python and systemd, and that wanted ports are free; reports disk and memory.
options:
  service_ports: {type: dict, default: {}, description: "The port of each service that is to run here, by its name."}
  public_port: {type: int, description: The port at which a balancer answers clients.}
author: [modelfleet]
"""

EXAMPLES = r"""
- name: Look at the host
  look:
    service_ports: {digits: 8001}
"""

RETURN = r"""
target: {description: "Python, machine and glibc of the host.", type: dict, returned: success}
releases: {description: The releases on disk by service., type: dict, returned: success}
environments: {description: The digests of the environments on disk., type: list, returned: success}
package_lists: {description: Whether apt has read what it can install., type: bool, returned: success}
disk_free_bytes: {description: Free disk where releases go., type: int, returned: success}
memory_free_bytes: {description: Memory that processes could take., type: int, returned: success}
"""

import os  # noqa: E402
import platform  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

ROOT = Path("/opt/modelfleet")
DISTRIBUTIONS = {"debian": ("12", "13")}
PYTHONS = ("3.11", "3.13")
LISTENING = "0A"
NGINX = "nginx.service"
DIGEST_PORT = 8099


def main() -> None:
    """Answer with what was found, or fail with the first thing that rules the host out."""
    module = AnsibleModule(
        {"service_ports": {"type": "dict", "default": {}}, "public_port": {"type": "int"}},
        supports_check_mode=True,
    )
    refusal = unsupported(release_of(Path("/etc/os-release")), python())
    refusal = refusal or taken(wanted_ports(module.params["service_ports"], module.params["public_port"]))
    if refusal:
        module.fail_json(msg=refusal)
    module.exit_json(
        changed=False,
        target={"python": python(), "machine": platform.machine(), "glibc": platform.libc_ver()[1]},
        releases={path.parent.name: [entry.name for entry in path.iterdir()] for path in ROOT.glob("*/releases")},
        environments=[path.name for path in (ROOT / "environments").glob("*")],
        package_lists=any(Path("/var/lib/apt/lists").glob("*_Packages*")),
        disk_free_bytes=disk_free(ROOT),
        memory_free_bytes=memory_free(),
    )


def python() -> str:
    """Return this Python's version, such as 3.11."""
    return ".".join(str(part) for part in sys.version_info[:2])


def release_of(path: Path) -> dict[str, str]:
    """Read an os-release file."""
    lines = [line.split("=", 1) for line in path.read_text().splitlines() if "=" in line]
    return {name: value.strip('"') for name, value in lines}


def unsupported(release: dict[str, str], version: str) -> str | None:
    """Say why the host's system is not supported; None where it is."""
    if release.get("VERSION_ID") not in DISTRIBUTIONS.get(release.get("ID", ""), ()):
        found = release.get("PRETTY_NAME", "an unknown system")
        return f"{found} is not supported; use Debian 12 or 13, or take the host out of the fleet"
    if version not in PYTHONS:
        return f"Python {version} is not supported; install the distribution's python3 ({', '.join(PYTHONS)})"
    if not Path("/run/systemd/system").is_dir():
        return "systemd does not run this host; boot it with systemd"
    return None


def wanted_ports(service_ports: dict[str, int], public_port: int | None) -> dict[int, str]:
    """Map each port that the host is to answer at to the unit that may hold it."""
    ports = {int(port): f"modelfleet-{service}.socket" for service, port in service_ports.items()}
    return {**ports, public_port: NGINX, DIGEST_PORT: NGINX} if public_port else ports


def taken(ports: dict[int, str]) -> str | None:
    """Say which wanted port something else holds; None where all are free or ours."""
    sockets, held = listeners(), kit_sockets()
    for port, unit in ports.items():
        former = held.get(port, unit)
        if former != unit:
            service = former.split(".")[0].replace("modelfleet-", "")
            cure = "take that service out of the fleet file and deploy, then put this one in"
            return f"port {port} is still that of the service {service}; {cure}"
        name = holder(sockets[port]) if port in sockets and port not in held else ""
        if name and not (unit == NGINX and name.startswith("nginx ")):
            return f"port {port} is in use by {name}; stop it, or give {unit.split('.')[0]} another port"
    return None


def listeners() -> dict[int, str]:
    """Map each TCP port that is listened on to the socket's inode."""
    found: dict[int, str] = {}
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        lines = table.read_text().splitlines()[1:] if table.exists() else []
        for row in (line.split() for line in lines):
            if row[3] == LISTENING:
                found[int(row[1].rsplit(":", 1)[1], 16)] = row[9]
    return found


def kit_sockets() -> dict[int, str]:
    """Map each port at which a socket of the kit listens to the socket's unit."""
    asked = ["systemctl", "list-units", "--plain", "--no-legend", "--state=active", "modelfleet-*.socket"]
    lines = subprocess.run(asked, capture_output=True, text=True).stdout.splitlines()
    units = [line.split()[0] for line in lines if line.strip()]
    found = {unit: listens(unit) for unit in units}
    return {int(address.rpartition(":")[2]): unit for unit, address in found.items() if address}


def listens(unit: str) -> str:
    """Tell at which address and port a socket unit listens; empty if it is not active."""
    show = ["systemctl", "show", "--property=ActiveState,Listen", unit]
    said = dict(line.split("=", 1) for line in subprocess.run(show, capture_output=True, text=True).stdout.splitlines())
    return said.get("Listen", "").split(" ")[0] if said.get("ActiveState") == "active" else ""


def holder(inode: str) -> str:
    """Name the process that holds a socket."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) == f"socket:[{inode}]":
                process = link.parts[2]
                return f"{Path('/proc', process, 'comm').read_text().strip()} (pid {process})"
        except OSError:
            continue
    return "another process"


def disk_free(path: Path) -> int:
    """Bytes free at the path, or at its nearest existing parent."""
    while not path.exists():
        path = path.parent
    usage = os.statvfs(path)
    return usage.f_bavail * usage.f_frsize


def memory_free() -> int:
    """Bytes of memory that new processes could take."""
    lines = [line.split() for line in Path("/proc/meminfo").read_text().splitlines()]
    return next(int(row[1]) * 1024 for row in lines if row[0] == "MemAvailable:")


if __name__ == "__main__":
    main()

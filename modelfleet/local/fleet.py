"""Bring a local fleet up and down; both are safe to repeat."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
from docker.models.containers import Container

from modelfleet.errors import Failure
from modelfleet.fleet import refuse_broken
from modelfleet.local import containers, engine, free, image, inventory, keys
from modelfleet.local.containers import LocalHost
from modelfleet.local.privileges import as_root
from modelfleet.progress import say
from modelfleet.tree import ROOT

FOLDERS = ".fleets"
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
FIRST_SSH_PORT, FIRST_PUBLIC_PORT = 2201, 8080
SERVERS, BALANCERS = 3, 1
OLDER, NEWER = "bookworm", "trixie"
FIRST_SERVER_ADDRESS, FIRST_BALANCER_ADDRESS = 11, 201
MOST_SERVERS, MOST_BALANCERS = 180, 40
INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_PER_HOST = 6


def up(fleet: str, servers: int | None, balancers: int | None, models: Sequence[str]) -> tuple[Path, list[LocalHost]]:
    """Bring a local fleet up, or to the given size; return its file and its hosts.

    Without sizes a fleet keeps those it has; a new one gets three servers and one balancer.
    """
    _check(fleet, servers, balancers)
    if inventory.path(fleet).exists():
        refuse_broken(inventory.path(fleet))
    client = engine.client()
    existing = containers.of_fleet(client, fleet)
    if _left_over(existing, fleet):
        raise Failure(f"fleet {fleet}", "hosts of that name are left", f"`modelfleet down --name {fleet}` removes them")
    folder = _folder(fleet)
    hosts = _wanted(client, fleet, existing, _size(folder, servers, balancers))
    image.ensure(client, {host.suite for host in hosts})
    _allow_inotify(len(client.containers.list()) + len(hosts))
    keys.login(folder)
    _remove([existing[name] for name in existing if name not in {host.name for host in hosts}])
    _run(client, fleet, folder, existing, hosts)
    return inventory.write(fleet, folder, hosts, models), hosts


def down(fleet: str) -> list[str]:
    """Remove all of a local fleet but the images; return the names of the hosts that were there."""
    _check(fleet, None, None)
    client = engine.client() if _folder(fleet, make=False).exists() else engine.existing()
    found = containers.of_fleet(client, fleet) if client else {}
    _left_over(found, fleet)
    if client:
        _clear(client, fleet, found)
    shutil.rmtree(_folder(fleet, make=False), ignore_errors=True)
    inventory.path(fleet).unlink(missing_ok=True)
    return sorted(found)


def _size(folder: Path, servers: int | None, balancers: int | None) -> tuple[int, int]:
    """Return the size that is wanted, and keep it: a run that was interrupted is completed by the next."""
    file = folder / "size.json"
    kept = json.loads(file.read_text()) if file.exists() else {"servers": SERVERS, "balancers": BALANCERS}
    size = servers or kept["servers"], balancers or kept["balancers"]
    file.write_text(json.dumps({"servers": size[0], "balancers": size[1]}))
    return size


def _wanted(
    client: docker.DockerClient, fleet: str, existing: dict[str, Container], size: tuple[int, int]
) -> list[LocalHost]:
    """Say which hosts there are to be: those that are there as they are, and new ones; the last server is newer."""
    known = {name: containers.described(container) for name, container in existing.items()}
    mixed = any(host.suite == NEWER for host in known.values())
    subnet = containers.network(client, fleet)
    reserved = containers.reserved_ports(client)
    hosts: list[LocalHost] = []
    for kind, number in zip(("server", "balancer"), size, strict=True):
        for index in range(1, number + 1):
            name = f"{kind}{index}"
            if name in known:
                hosts.append(known[name])
                continue
            ssh_port = free.port(FIRST_SSH_PORT, reserved)
            public = free.port(FIRST_PUBLIC_PORT, {*reserved, ssh_port}) if kind == "balancer" else None
            reserved |= {ssh_port, public or ssh_port}
            first = FIRST_BALANCER_ADDRESS if public else FIRST_SERVER_ADDRESS
            address = str(subnet[first + index - 1])
            newer = kind == "server" and index == number > 1 and not mixed
            hosts.append(LocalHost(name, NEWER if newer else OLDER, address, ssh_port, public))
    return hosts


def _run(
    client: docker.DockerClient, fleet: str, folder: Path, existing: dict[str, Container], hosts: list[LocalHost]
) -> None:
    def bring(host: LocalHost) -> None:
        container = existing.get(host.name)
        if container is None:
            container = containers.create(client, fleet, ROOT, folder, host)
        elif container.status != "running":
            containers.start(container, folder)
        containers.wait(container)

    new = [host.name for host in hosts if host.name not in existing or existing[host.name].status != "running"]
    if new:
        say(f"Starting {', '.join(new)} ...")
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(bring, hosts))


def _remove(found: list[Container]) -> None:
    if found:
        say(f"Removing {', '.join(sorted(str(container.name) for container in found))} ...")
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda container: container.remove(force=True, v=True), found))


def _clear(client: docker.DockerClient, fleet: str, found: dict[str, Container]) -> None:
    _remove(list(found.values()))
    for network in client.networks.list(filters={"label": f"modelfleet.fleet={fleet}"}):
        network.remove()


def _left_over(found: dict[str, Container], fleet: str) -> bool:
    """Tell whether these containers were left by a checkout that is gone; refuse them where it is still there."""
    owners = {str(container.labels.get("modelfleet.root")) for container in found.values()} - {str(ROOT)}
    for owner in sorted(owners):
        if _may_be(Path(owner, FOLDERS, fleet)):
            cure = f"run `modelfleet down --name {fleet}` there, or choose another --name"
            raise Failure(f"fleet {fleet}", f"it belongs to the checkout at {owner}", cure)
        say(f"A fleet {fleet} was left by the checkout {owner}, which is gone.")
    return bool(owners)


def _may_be(folder: Path) -> bool:
    """Tell whether a folder is there, or may be: one that this user can't see is not gone."""
    try:
        return folder.is_dir()
    except PermissionError:
        return True


def _check(fleet: str, servers: int | None, balancers: int | None) -> None:
    if not NAME.fullmatch(fleet):
        raise Failure(repr(fleet), "not a fleet name", "use lower-case letters, digits and hyphens")
    for what, number, most in (("servers", servers, MOST_SERVERS), ("balancers", balancers, MOST_BALANCERS)):
        if number is not None and not 1 <= number <= most:
            raise Failure(f"--{what}", f"{number} is not possible", f"give 1 to {most}")


def _folder(fleet: str, make: bool = True) -> Path:
    folder = ROOT / FOLDERS / fleet
    if make:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _allow_inotify(hosts: int) -> None:
    """Each systemd takes some inotify instances of one user's share, and a host that gets none ends at once."""
    wanted = 128 + INOTIFY_PER_HOST * hosts
    if (
        not INOTIFY.exists()
        or int(INOTIFY.read_text()) >= wanted
        or hosts * INOTIFY_PER_HOST < int(INOTIFY.read_text())
    ):
        return
    say(f"Raising fs.inotify.max_user_instances to {wanted}, which {hosts} hosts need ...")
    words = [*as_root(), "sh", "-c", f"echo {wanted} > {INOTIFY}"]
    if subprocess.run(words, capture_output=True, env=dict(os.environ)).returncode != 0:
        cure = f"run `sysctl fs.inotify.max_user_instances={wanted}` as root, or use fewer hosts"
        raise Failure("this machine", f"{hosts} hosts need more inotify instances than it allows", cure)

"""Hosts as containers: systemd as PID 1, sshd behind a port on 127.0.0.1, an address in the fleet's network."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from modelfleet.errors import Failure
from modelfleet.local import free, image, keys

LABEL = "modelfleet"
BOOT_SECONDS = 60
PUBLIC_PORT = 80
# Named capabilities instead of a privileged container, so that it works where the engine itself lacks some.
# SYS_PTRACE is what root on a real host has; systemd needs it for PrivateUsers= beside ProtectProc=.
CAPABILITIES = ["SYS_ADMIN", "NET_ADMIN", "SYS_BOOT", "SYS_PTRACE"]


@dataclass(frozen=True)
class LocalHost:
    """One host of a local fleet; ``public_port`` is a balancer's port on 127.0.0.1."""

    name: str
    suite: str
    address: str
    ssh_port: int
    public_port: int | None

    @property
    def is_balancer(self) -> bool:
        """Whether it stands in front of the servers."""
        return self.public_port is not None


def of_fleet(client: docker.DockerClient, fleet: str) -> dict[str, Container]:
    """Return a fleet's containers by host name, stopped ones too."""
    found = client.containers.list(all=True, filters={"label": f"{LABEL}.fleet={fleet}"})
    return {container.labels[f"{LABEL}.host"]: container for container in found}


def described(container: Container) -> LocalHost:
    """Read a host back from its container's labels."""
    said = container.labels
    public = said.get(f"{LABEL}.public_port")
    return LocalHost(
        name=said[f"{LABEL}.host"],
        suite=said[f"{LABEL}.suite"],
        address=said[f"{LABEL}.address"],
        ssh_port=int(said[f"{LABEL}.ssh_port"]),
        public_port=int(public) if public else None,
    )


def reserved_ports(client: docker.DockerClient) -> set[int]:
    """Return the ports that any container has or, while it is stopped, will want again."""
    bindings = [container.attrs["HostConfig"]["PortBindings"] or {} for container in client.containers.list(all=True)]
    entries = [entry for binding in bindings for ports in binding.values() for entry in ports or []]
    return {int(entry["HostPort"]) for entry in entries if entry.get("HostPort")}


def network(client: docker.DockerClient, fleet: str) -> ipaddress.IPv4Network:
    """Return the subnet of the fleet's network, which is made if it is not there."""
    name = f"{LABEL}-{fleet}"
    for found in client.networks.list(names=[name]):
        if found.name == name:
            return ipaddress.IPv4Network(found.attrs["IPAM"]["Config"][0]["Subnet"])
    subnet = free.subnet([*_networks(client), *free.routed()])
    pool = IPAMPool(subnet=str(subnet))
    client.networks.create(
        name, driver="bridge", ipam=IPAMConfig(pool_configs=[pool]), labels={f"{LABEL}.fleet": fleet}
    )
    return subnet


def create(client: docker.DockerClient, fleet: str, root: Path, folder: Path, host: LocalHost) -> Container:
    """Create a host's container and start it. Raise Failure with the engine's reason."""
    endpoint = client.api.create_endpoint_config(ipv4_address=host.address)
    ports: dict[str, Any] = {"22/tcp": ("127.0.0.1", host.ssh_port)}
    if host.public_port is not None:
        ports[f"{PUBLIC_PORT}/tcp"] = ("127.0.0.1", host.public_port)
    with _explained(host.name):
        container = client.containers.create(
            image.tag(host.suite),
            command=_init(client, host.suite),
            name=f"{LABEL}-{fleet}-{host.name}",
            hostname=host.name,
            cap_add=CAPABILITIES,
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            cgroupns="host",
            volumes={"/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "rw"}},
            tmpfs={"/run": "", "/run/lock": "", "/tmp": "exec,mode=1777"},  # noqa: S108 - the container's own
            stop_signal="SIGRTMIN+3",
            restart_policy={"Name": "unless-stopped"},  # type: ignore[arg-type]  # the stub lacks this name
            ports=ports,
            network=f"{LABEL}-{fleet}",
            networking_config={f"{LABEL}-{fleet}": endpoint},
            labels=_labels(fleet, root, host),
        )
    start(container, folder)
    return container


def start(container: Container, folder: Path) -> None:
    """Put a host's keys into its container and start it. Raise Failure with the engine's reason."""
    name = container.labels[f"{LABEL}.host"]
    with _explained(name):
        container.put_archive("/", _identity(folder, name))
        container.start()


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except APIError as error:
        what = f"the Docker engine refuses it ({error.explanation})"
        raise Failure(name, what, "mend that and run `modelfleet up` again") from error


def wait(container: Container) -> None:
    """Wait until systemd says that the host runs. Raise Failure, which says why, where it does not in time."""
    name, deadline, state = container.labels[f"{LABEL}.host"], time.monotonic() + BOOT_SECONDS, ""
    while time.monotonic() < deadline:
        container.reload()
        if container.status == "exited":
            cure = "raise fs.inotify.max_user_instances, or use fewer hosts"
            raise Failure(name, f"it ended at once (status {container.attrs['State']['ExitCode']})", cure)
        state = _state(container)
        if state == "running":
            return
        time.sleep(0.2)
    failing = _said(container, "systemctl", "--failed", "--no-legend", "--plain").split()
    raise Failure(
        name, f"systemd says {state or 'nothing'} {' '.join(failing[:1])}", "run `modelfleet down` and up again"
    )


def _state(container: Container) -> str:
    try:
        return _said(container, "systemctl", "is-system-running")
    except APIError:
        return ""


def _said(container: Container, *command: str) -> str:
    output = container.exec_run(list(command)).output
    return output.decode().strip() if isinstance(output, bytes) else ""


def _init(client: docker.DockerClient, suite: str) -> list[str]:
    """Debian 13's systemd wants an argument on an engine that has cgroup v1."""
    legacy = suite != "bookworm" and client.info().get("CgroupVersion") == "1"
    return ["/lib/systemd/systemd", *(["SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"] if legacy else [])]


def _labels(fleet: str, root: Path, host: LocalHost) -> dict[str, str]:
    said = {"fleet": fleet, "root": str(root), "host": host.name, "suite": host.suite, "address": host.address}
    said["ssh_port"] = str(host.ssh_port)
    if host.public_port is not None:
        said["public_port"] = str(host.public_port)
    return {f"{LABEL}.{name}": value for name, value in said.items()}


def _identity(folder: Path, name: str) -> bytes:
    """Pack the host's own key and the fleet's public login key as a tar archive for the host's root."""
    own, login = keys.host(folder, name), keys.login(folder)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        _add(archive, "etc/ssh/ssh_host_ed25519_key", own.read_text(), 0o600)
        _add(archive, "etc/ssh/ssh_host_ed25519_key.pub", f"{keys.public(own)}\n", 0o644)
        _add(archive, "home/deploy/.ssh", None, 0o700, owner=1000)
        _add(archive, "home/deploy/.ssh/authorized_keys", f"{keys.public(login)}\n", 0o600, owner=1000)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: str | None, mode: int, owner: int = 0) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.uid, entry.gid, entry.mtime = mode, owner, owner, int(time.time())
    if content is None:
        entry.type = tarfile.DIRTYPE
        archive.addfile(entry)
        return
    entry.size = len(content.encode())
    archive.addfile(entry, io.BytesIO(content.encode()))


def _networks(client: docker.DockerClient) -> list[ipaddress.IPv4Network]:
    configs = [config for found in client.networks.list() for config in found.attrs["IPAM"]["Config"] or []]
    subnets = [config["Subnet"] for config in configs if "." in config.get("Subnet", "")]
    return [ipaddress.IPv4Network(subnet) for subnet in subnets]

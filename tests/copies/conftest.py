"""Three hosts that are processes of this machine: the agent runs as on any host, below a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from modelfleet.copies import targets
from modelfleet.copies.holders.hosts import HostHolder
from modelfleet.copies.targets import Target
from modelfleet.fleet import Host
from tests.store.tiny import publish


class Here(Host):
    """A host whose commands run here, without SSH and sudo."""

    def ssh(self, *command: str) -> list[str]:
        """Return the command for a shell, as sshd would give it to one."""
        return ["sh", "-c", " ".join(command).removeprefix("sudo -n ")]


class Gone(Host):
    """A host that does not answer."""

    def ssh(self, *command: str) -> list[str]:  # noqa: ARG002
        """Return what fails as SSH does."""
        return ["sh", "-c", "echo 'connect to host: No route to host' >&2; exit 255"]


@dataclass
class Hosts:
    """The hosts of a fleet, and the folder that stands for /opt/modelfleet on each."""

    folder: Path
    gone: set[str] = field(default_factory=set)
    names: tuple[str, ...] = ("one", "two", "three")

    @property
    def target(self) -> Target:
        """Two copies on these hosts."""
        return Target(str(self.folder / "fleet.yml"), 2)

    def all(self) -> list[Host]:
        """Every host."""
        return [(Gone if name in self.gone else Here)(name, name, name, 22, None, (), {}) for name in self.names]

    def copies(self, reference: str) -> list[Path]:
        """The folders of a version's copies, on whatever hosts."""
        return sorted(self.folder.glob(f"*/copies/models/{reference.replace(':', '/')}"))


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """Three hosts without any copy."""
    found = Hosts(tmp_path / "hosts")
    monkeypatch.setattr(targets, "hosts", lambda _: found.all())
    monkeypatch.setattr(targets, "HostHolder", lambda host: HostHolder(host, str(found.folder / host.name)))
    return found


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A store with many:1 to many:3 and few:1."""
    store = tmp_path / "origin"
    for name in ("many", "many", "many", "few"):
        publish(store, name)
    return store


def flip(path: Path, at: int = 5) -> None:
    """Flip one bit of a file, also of a read-only one."""
    content, mode = bytearray(path.read_bytes()), path.stat().st_mode
    content[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)


def meanwhile(patch: pytest.MonkeyPatch, module: ModuleType, name: str, act: Callable[[], object]) -> None:
    """Do something once, just before a module's function is called for the first time."""
    function = getattr(module, name)

    def first(*arguments: Any) -> Any:
        patch.setattr(module, name, function)
        act()
        return function(*arguments)

    patch.setattr(module, name, first)

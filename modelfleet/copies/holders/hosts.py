"""A host that holds copies; its agent does the work there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from modelfleet.copies.holders.holding import Copy, Flaw, Look, Original
from modelfleet.copies.holders.ssh import Session
from modelfleet.copies.holders.streams import described, written
from modelfleet.fleet import Host
from modelfleet_service.model import File

HOME = "/opt/modelfleet"


class HostHolder:
    """A host, asked in one session that lasts until `close`; ``root`` is /opt/modelfleet but in tests."""

    def __init__(self, host: Host, root: str = HOME) -> None:
        self.name, self.base = host.name, f"{host.name}:{root}"
        self.documents_at = f"{self.base}/copies/store"
        self._session = Session(host, root)
        self._lacking: dict[str, tuple[Path, int]] = {}

    def look(self, *, releases: bool = False, hold: bool = False) -> Look:
        """Verify every byte there; with ``hold``, keep other runs out and remove what a killed one left."""
        said = self._session.ask("look", releases=releases, hold=hold)
        documents = {path: File(path, **entry) for path, entry in said["documents"].items()}
        copies, served = (tuple(map(_copy, said[key])) for key in ("copies", "releases"))
        return Look(copies, served, documents, tuple(said["leftovers"]))

    def lacks(self, originals: Sequence[Original]) -> tuple[list[Path], int]:
        """Return the files whose content is nowhere on the host, each content once, and the bytes free there."""
        known = {file.sha256: (one.folder / file.path, file.size) for one in originals for file in one.files}
        said = self._session.ask("lacks", files=[{"sha256": sha256} for sha256 in known])
        self._lacking = {sha256: known[sha256] for sha256 in said["lacks"]}
        return [path for path, _ in self._lacking.values()], int(said["free"])

    def put(self, originals: Sequence[Original]) -> int:
        """Put versions in their places, whole; return the bytes that were sent."""
        wanted = {file.sha256 for one in originals for file in one.files}
        sent = {sha256: self._lacking.pop(sha256) for sha256 in sorted(wanted & set(self._lacking))}
        versions = [
            {"name": one.name, "version": one.version, "files": [asdict(file) for file in one.files]}
            for one in originals
        ]
        files = [{"sha256": sha256, "size": size} for sha256, (_, size) in sent.items()]
        self._session.ask("put", sent.values(), versions=versions, files=files)
        return sum(size for _, size in sent.values())

    def write(self, documents: dict[str, bytes]) -> None:
        """Put the store's documents in their places."""
        with tempfile.TemporaryDirectory() as folder:
            parts = []
            for number, content in enumerate(documents.values()):
                parts.append((Path(folder) / str(number), len(content)))
                parts[-1][0].write_bytes(content)
            files = [asdict(described(path, content)) for path, content in documents.items()]
            self._session.ask("write", parts, files=files)

    def read(self, path: str) -> bytes:
        """Return the content of a small file below the root."""
        answer = self._session.ask("get", files=[{"path": path}])
        return b"".join(self._session.received(answer["files"][0]["size"]))

    def document(self, path: str) -> bytes:
        """Return the content of one of the store's documents."""
        return self.read(f"copies/store/{path}")

    def fetch(self, copy: Copy, files: Iterable[File], folder: Path) -> None:
        """Write files of a copy into a folder; raise Failure where one is not what its digest says."""
        wanted = list(files)
        self._session.ask("get", files=[{"path": f"{copy.where}/{file.path}", "size": file.size} for file in wanted])
        for file in wanted:
            where = f"{self.name}:{copy.where}/{file.path}"
            written(self._session.received(file.size), folder / file.path, file, where)

    def close(self) -> None:
        """End the session."""
        self._session.close()


def _copy(said: dict[str, Any]) -> Copy:
    return Copy(
        where=said["where"],
        digest=said["digest"],
        name=said.get("name", ""),
        version=said.get("version", 0),
        signatures=said["signatures"],
        size=said["bytes"],
        wrong=tuple(Flaw(**entry) for entry in said["wrong"]),
    )

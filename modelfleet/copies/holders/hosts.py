"""A host that holds copies: one SSH session, in which `agent` runs as root and answers requests."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from modelfleet.copies.holders import shipping
from modelfleet.copies.holders.holding import Copy, Flaw, Look, Original
from modelfleet.copies.holders.streams import CHUNK, described, written
from modelfleet.errors import Failure
from modelfleet.evidence.session import reason
from modelfleet.fleet import Host
from modelfleet.tree import ROOT
from modelfleet_service.model import File

HOME = "/opt/modelfleet"
ALIVE = ("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4")
UNREACHABLE = "see that it is up and answers SSH"


class HostHolder:
    """A host, asked in one session that lasts until `close`; ``root`` is /opt/modelfleet but in tests."""

    def __init__(self, host: Host, root: str = HOME) -> None:
        self.name, self.base = host.name, f"{host.name}:{root}"
        self.documents_at = f"{self.base}/copies/store"
        self._stderr: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the session
        program = shipping.program()
        self._process = _start(host, len(program), self._stderr)
        self._lacking: dict[str, tuple[Path, int]] = {}
        self._say(program + json.dumps({"root": root}).encode() + b"\n")

    def look(self, *, releases: bool = False, hold: bool = False) -> Look:
        """Verify every byte there; with ``hold``, keep other runs out and remove what a killed one left."""
        said = self._ask("look", releases=releases, hold=hold)
        documents = {path: File(path, **entry) for path, entry in said["documents"].items()}
        copies, served = (tuple(map(_copy, said[key])) for key in ("copies", "releases"))
        return Look(copies, served, documents, tuple(said["leftovers"]))

    def lacks(self, originals: Sequence[Original]) -> tuple[list[Path], int]:
        """Return the files whose content is nowhere on the host, each content once, and the bytes free there."""
        known = {file.sha256: (one.folder / file.path, file.size) for one in originals for file in one.files}
        said = self._ask("lacks", files=[{"sha256": sha256} for sha256 in known])
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
        self._ask("put", sent.values(), versions=versions, files=files)
        return sum(size for _, size in sent.values())

    def write(self, documents: dict[str, bytes]) -> None:
        """Put the store's documents in their places."""
        with tempfile.TemporaryDirectory() as folder:
            parts = []
            for number, content in enumerate(documents.values()):
                parts.append((Path(folder) / str(number), len(content)))
                parts[-1][0].write_bytes(content)
            files = [asdict(described(path, content)) for path, content in documents.items()]
            self._ask("write", parts, files=files)

    def read(self, path: str) -> bytes:
        """Return the content of a small file below the root."""
        answer = self._ask("get", files=[{"path": path}])
        return b"".join(self._received(answer["files"][0]["size"]))

    def document(self, path: str) -> bytes:
        """Return the content of one of the store's documents."""
        return self.read(f"copies/store/{path}")

    def fetch(self, copy: Copy, files: Iterable[File], folder: Path) -> None:
        """Write files of a copy into a folder; raise Failure where one is not what its digest says."""
        wanted = list(files)
        self._ask("get", files=[{"path": f"{copy.where}/{file.path}", "size": file.size} for file in wanted])
        for file in wanted:
            written(self._received(file.size), folder / file.path, file, f"{self.name}:{copy.where}/{file.path}")

    def close(self) -> None:
        """End the session."""
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def _ask(self, act: str, parts: Iterable[tuple[Path, int]] = (), **request: Any) -> dict[str, Any]:
        """Send a request and files of exactly these sizes; return the answer, or raise Failure with the host's."""
        try:
            self._say(json.dumps({"act": act, **request}).encode() + b"\n")
            for path, size in parts:
                self._send(path, size)
        except BrokenPipeError:
            pass  # its last answer says why
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise Failure(self.name, f"the session ended ({self._reason()})", UNREACHABLE)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failure(self.name, answer["error"], answer["cure"])
        return answer

    def _say(self, content: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(content)  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]

    def _send(self, path: Path, size: int) -> None:
        with path.open("rb", buffering=0) as stream:
            left = size
            while left:
                chunk = stream.read(min(CHUNK, left))
                if not chunk:
                    raise Failure(str(path), "became shorter while it was sent", "see `modelfleet store fsck`")
                self._process.stdin.write(chunk)  # type: ignore[union-attr]
                left -= len(chunk)
        self._process.stdin.flush()  # type: ignore[union-attr]

    def _received(self, size: int) -> Iterable[bytes]:
        left = size
        while left:
            chunk = self._process.stdout.read(min(CHUNK, left))  # type: ignore[union-attr]
            if not chunk:
                raise Failure(self.name, f"the session ended ({self._reason()})", UNREACHABLE)
            left -= len(chunk)
            yield chunk

    def _reason(self) -> str:
        self._process.wait()
        self._stderr.seek(0)
        return reason(self._stderr.read())


def _start(host: Host, size: int, stderr: IO[str]) -> subprocess.Popen[bytes]:
    """Start the host's own python3 on as many bytes of its input as the program has; what follows are requests."""
    code = f"import sys; exec(compile(sys.stdin.buffer.read({size}), 'agent', 'exec'))"
    program, *words = host.ssh("sudo", "-n", "python3", "-c", shlex.quote(code))
    options = ALIVE if program == "ssh" else ()
    command = [program, *options, *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, cwd=ROOT)


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

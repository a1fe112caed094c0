"""One SSH session with a host, in which the agent runs as root and answers requests until the session ends."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from modelfleet.copies.holders import shipping
from modelfleet.copies.holders.streams import CHUNK
from modelfleet.errors import Failure
from modelfleet.evidence.session import reason
from modelfleet.fleet import Host
from modelfleet.tree import ROOT

ALIVE = ("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4")
UNREACHABLE = "see that it is up and answers SSH"


class Session:
    """A session that lasts until `close`; the agent keeps copies below ``root``."""

    def __init__(self, host: Host, root: str) -> None:
        self.name = host.name
        self._owed = 0
        self._stderr: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the session
        program = shipping.program()
        self._process = _start(host, len(program), self._stderr)
        self._say(program + json.dumps({"root": root}).encode() + b"\n")

    def ask(self, act: str, parts: Iterable[tuple[Path, int]] = (), **request: Any) -> dict[str, Any]:
        """Send a request and files of exactly these sizes; return the answer, or raise Failure with the host's.

        What is left of the bytes that followed the last answer is dropped first: who read them may have given up.
        """
        for _ in self.received(self._owed):
            pass
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
        self._owed = sum(file["size"] for file in answer.get("files", ()))
        return answer

    def received(self, size: int) -> Iterable[bytes]:
        """Return as many bytes as an answer said that follow it."""
        left = size
        while left:
            chunk = self._process.stdout.read(min(CHUNK, left))  # type: ignore[union-attr]
            if not chunk:
                raise Failure(self.name, f"the session ended ({self._reason()})", UNREACHABLE)
            left -= len(chunk)
            self._owed -= len(chunk)
            yield chunk

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

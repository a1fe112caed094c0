"""Bytes to and from a host's session, and what it refuses."""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from modelfleet.copies.holders.agent.files import CHUNK

File = dict[str, Any]


class Refused(Exception):  # noqa: N818
    """A known refusal: what is wrong, and what to do about it."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what)
        self.answer = {"error": what, "cure": cure}


def receive(file: File, folder: Path) -> Path:
    """Take exactly the bytes of one file, to a folder under its SHA-256; nothing is kept that fails its hash."""
    beside, hashed, left = folder / str(file["sha256"]), hashlib.sha256(), int(file["size"])
    with beside.open("wb") as stream:
        while left:
            chunk = sys.stdin.buffer.read(min(CHUNK, left))
            if not chunk:
                raise Refused("the sender went away", "try again")
            left -= len(chunk)
            hashed.update(chunk)
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    if hashed.hexdigest() != file["sha256"]:
        raise Refused(f"a file fails its hash on arrival ({file['sha256'][:12]})", "check the network and the disk")
    return beside


def send(root: Path, files: list[File]) -> None:
    """Send exactly as many bytes of each file below the root as was said; end the session where there are fewer."""
    for file in files:
        left = int(file["size"])
        with (root / file["path"]).open("rb") as stream:
            while left:
                chunk = stream.read(min(CHUNK, left))
                if not chunk:
                    sys.exit(f"{file['path']}: is shorter than it was")
                sys.stdout.buffer.write(chunk)
                left -= len(chunk)

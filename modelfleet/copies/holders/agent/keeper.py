"""What a host keeps below one root: copies of versions, and the store's documents."""

import fcntl
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from modelfleet.copies.holders.agent import transfer
from modelfleet.copies.holders.agent.examining import SIGNATURES, examined, releases_below
from modelfleet.copies.holders.agent.files import clear, digest, is_plain, link, sync
from modelfleet.copies.holders.agent.transfer import Refused

PATIENCE_SECONDS = 30
Answer = dict[str, Any]


class Keeper:
    """The copies below one root; ``good`` says where content lies that was verified in this session, by SHA-256."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "copies"
        self.models = self.home / "models"
        self.documents = self.home / "store"
        self.incoming = self.home / ".incoming"
        self.good: dict[str, Path] = {}
        self.held: IO[str] | None = None

    def look(self, request: Answer) -> Answer:
        """Verify every byte; with ``hold``, take the lock first and remove what a killed run left."""
        if request.get("hold"):
            self.hold()
        folders = sorted(path for path in self.models.glob("*/*") if path.name.isdecimal())
        releases = releases_below(self.root) if request.get("releases") else []
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            copies = list(map(self.noted, pool.map(examined, folders), folders))
            served = list(map(self.noted, pool.map(examined, releases), releases))
        for copy, folder in zip(copies, folders, strict=True):
            copy.update(name=folder.parent.name, version=int(folder.name))
        return {
            "time": time.time(),
            "copies": copies,
            "releases": served,
            "documents": self.documents_here(),
            "leftovers": [] if self.held else self.leftovers(),
        }

    def lacks(self, request: Answer) -> Answer:
        """Tell which contents are neither in a copy nor a blob of a deploy, and how many bytes are free."""
        missing = [file for file in request["files"] if not self.has(str(file["sha256"]))]
        place = next(path for path in (self.home, *self.home.parents) if path.is_dir())
        return {"lacks": [file["sha256"] for file in missing], "free": shutil.disk_usage(place).free}

    def put(self, request: Answer) -> Answer:
        """Receive contents, and put versions made of them, and of what is here, in their places."""
        for file in request["files"]:
            self.good[file["sha256"]] = transfer.receive(file, self.incoming)
        for version in request["versions"]:
            self.place(version)
        for file in request["files"]:
            (self.incoming / file["sha256"]).unlink(missing_ok=True)
        return {}

    def write(self, request: Answer) -> Answer:
        """Receive documents of the store; each is the old one or the new one."""
        for file in request["files"]:
            beside, target = transfer.receive(file, self.incoming), self.documents / file["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            beside.chmod(0o444)
            beside.replace(target)
            sync(target.parent)
        return {}

    def get(self, request: Answer) -> Answer:
        """Say which files are sent, and their sizes where nobody asked for one; the bytes follow."""
        return {"files": [{"size": (self.root / file["path"]).stat().st_size, **file} for file in request["files"]]}

    def hold(self) -> None:
        """Take the lock, which the kernel frees when this process ends."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.held = (self.home / ".lock").open("w")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Refused("another run is at work on its copies", "wait for it and try again") from None
                time.sleep(0.1)
        clear(self.incoming)
        self.incoming.mkdir()

    def noted(self, found: Answer, folder: Path) -> Answer:
        """Remember where good content lies."""
        self.good.update({sha256: folder / name for name, sha256 in found.pop("good").items()})
        return {**found, "where": str(folder.relative_to(self.root))}

    def has(self, sha256: str) -> bool:
        """Tell whether the content is here, looking among the blobs of deploys, too."""
        blob = self.root / "blobs/sha256" / sha256
        if sha256 not in self.good and is_plain(blob) and digest(blob) == sha256:
            self.good[sha256] = blob
        return sha256 in self.good

    def place(self, version: Answer) -> None:
        """Put one version in its place, whole; a damaged one there makes way for it."""
        target = self.models / version["name"] / str(version["version"])
        beside = self.incoming / "version"
        clear(beside)
        placed = {file["sha256"]: file["path"] for file in version["files"]}
        for file in version["files"]:
            link(self.good[file["sha256"]], beside / file["path"])
        if not (beside / SIGNATURES).exists() and not target.is_symlink() and is_plain(target / SIGNATURES):
            link(target / SIGNATURES, beside / SIGNATURES)
        for entry in sorted((beside, *beside.rglob("*")), reverse=True):
            sync(entry)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.replace(beside, target)
        self.good.update({sha256: target / path for sha256, path in placed.items()})

    def replace(self, beside: Path, target: Path) -> None:
        """Rename a folder to its place; who is not root may only move one that he can write to."""
        if os.path.lexists(target):
            if target.is_dir() and not target.is_symlink():
                target.chmod(0o755)
            target.rename(self.incoming / "replaced")
        beside.rename(target)
        for folder in (*(path for path in target.rglob("*") if path.is_dir()), target):
            folder.chmod(0o555)
        sync(target.parent)
        clear(self.incoming / "replaced")

    def documents_here(self) -> Answer:
        """The store's documents by path, with their digests and sizes."""
        paths = [path for path in sorted(self.documents.rglob("*")) if is_plain(path)]
        return {
            str(path.relative_to(self.documents)): {"sha256": digest(path), "size": path.stat().st_size}
            for path in paths
        }

    def leftovers(self) -> list[str]:
        """What a killed run left; none while a run is at work."""
        if not self.incoming.is_dir() or not any(self.incoming.iterdir()):
            return []
        with (self.home / ".lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return []
        return [str(self.incoming.relative_to(self.root))]

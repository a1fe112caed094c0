"""Runs on a host, sent over SSH to its own python3: keeps copies of versions there. Standard library only.

Each request is a line of JSON, and so is each answer; bytes follow a request or an answer whose files say how many.
A copy is ``<root>/copies/models/<name>/<version>/``, the store's documents lie below ``<root>/copies/store/``.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

CHUNK = 1 << 20
PATIENCE_SECONDS = 30
MANIFEST, SIGNATURES = "manifest.json", "manifest.sig"
Answer = dict[str, Any]
File = dict[str, Any]


class Refused(Exception):  # noqa: N818
    """A known refusal: what is wrong, and what to do about it."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what)
        self.answer = {"error": what, "cure": cure}


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
            self.good[file["sha256"]] = self.receive(file)
        for version in request["versions"]:
            self.place(version)
        for file in request["files"]:
            (self.incoming / file["sha256"]).unlink(missing_ok=True)
        return {}

    def write(self, request: Answer) -> Answer:
        """Receive documents of the store; each is the old one or the new one."""
        for file in request["files"]:
            beside, target = self.receive(file), self.documents / file["path"]
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

    def receive(self, file: File) -> Path:
        """Take exactly the bytes of one file; nothing is kept that fails its hash."""
        beside, hashed, left = self.incoming / str(file["sha256"]), hashlib.sha256(), int(file["size"])
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


def releases_below(root: Path) -> list[Path]:
    """The model folders of releases, and those of the members of ensembles."""
    found = (*root.glob("*/releases/[!.]*/model"), *root.glob("*/releases/[!.]*/members/*"))
    return sorted(path for path in found if (path / MANIFEST).is_file())


def examined(folder: Path) -> Answer:
    """Verify a version's folder against its manifest: its identity, what is wrong, and where good content lies."""
    found: Answer = {"digest": "", "signatures": "", "bytes": 0, "wrong": [], "good": {}}
    try:
        content = (folder / MANIFEST).read_bytes()
        found["digest"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
        found["signatures"] = digest(folder / SIGNATURES) if is_plain(folder / SIGNATURES) else ""
        found["wrong"] = list(flaws(folder, content, found))
    except FileNotFoundError:
        found["wrong"] = [flaw(MANIFEST, "missing", "is missing")]
    except OSError as error:
        name = Path(str(error.filename or "")).name
        found["wrong"] = [flaw(name, "unreadable", f"can't be read ({error.strerror})")]
    return found


def flaws(folder: Path, content: bytes, found: Answer) -> Iterator[File]:
    """Yield what is wrong with a folder; note in ``found`` its good files and their bytes."""
    try:
        files = {str(file["path"]): (str(file["sha256"]), int(file["size"])) for file in json.loads(content)["files"]}
    except (ValueError, KeyError, TypeError):
        yield flaw(MANIFEST, "altered", "was altered: it is no manifest")
        return
    found["good"][hashlib.sha256(content).hexdigest()] = MANIFEST
    found["bytes"] = len(content)
    if found["signatures"]:
        found["good"][found["signatures"]] = SIGNATURES
    here = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    for name in sorted(here - set(files) - {MANIFEST, SIGNATURES}):
        yield flaw(name, "unlisted", "is not in the manifest")
    for name, (sha256, size) in files.items():
        path = folder / name
        if not is_plain(path):
            yield flaw(name, "missing", "is missing")
        elif path.stat().st_size != size:
            yield flaw(name, "altered", f"has {path.stat().st_size} bytes where the manifest says {size}")
        elif digest(path) != sha256:
            yield flaw(name, "altered", "was altered: its SHA-256 is not the manifest's")
        else:
            found["good"][sha256] = name
            found["bytes"] += size
    for path in (folder, *sorted(folder.rglob("*"))):
        if not path.is_symlink() and path.stat().st_mode & 0o222:
            yield flaw("" if path == folder else str(path.relative_to(folder)), "writable", "can be written to")


def flaw(file: str, kind: str, what: str) -> File:
    """One thing that is wrong."""
    return {"file": file, "kind": kind, "what": what}


def is_plain(path: Path) -> bool:
    """Tell whether a path is a file, and no link to one."""
    return path.is_file() and not path.is_symlink()


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal, in a megabyte of memory."""
    hashed, buffer = hashlib.sha256(), bytearray(CHUNK)
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            hashed.update(memoryview(buffer)[:count])
    return hashed.hexdigest()


def link(source: Path, target: Path) -> None:
    """Put content at a second place: as a hard link, or copied where the file system has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    if target.stat().st_mode & 0o222 or not target.stat().st_mode & 0o444:
        target.chmod(0o444)


def clear(folder: Path) -> None:
    """Remove a folder, its read-only ones too; a link itself, not what it points to."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.is_dir():
        folder.chmod(0o755)
        for path in folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder)


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def send(keeper: Keeper, files: list[File]) -> None:
    """Send exactly as many bytes of each file as was said; end the session where there are fewer."""
    for file in files:
        left = int(file["size"])
        with (keeper.root / file["path"]).open("rb") as stream:
            while left:
                chunk = stream.read(min(CHUNK, left))
                if not chunk:
                    sys.exit(f"{file['path']}: is shorter than it was")
                sys.stdout.buffer.write(chunk)
                left -= len(chunk)


def main() -> None:
    """Answer requests until there are no more; an error is the last answer."""
    keeper = Keeper(Path(json.loads(sys.stdin.buffer.readline())["root"]))
    os.umask(0o022)
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        try:
            answer = getattr(keeper, request["act"])(request)
        except Refused as refused:
            answer = refused.answer
        except OSError as error:
            answer = {"error": f"{error.filename or keeper.home}: {error.strerror}", "cure": "see to its disk"}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        if "error" not in answer and request["act"] == "get":
            send(keeper, answer["files"])
        sys.stdout.buffer.flush()
        if "error" in answer:
            return


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()

"""Verify every byte of a version's folder against its manifest, and the manifest against the ledger."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from modelfleet.store import cards
from modelfleet_service import model, signing
from modelfleet_service.errors import ModelError
from modelfleet_service.model import MANIFEST, SIGNATURES, File, Model

HEAL = "run `modelfleet store heal`"
FROM_COPY = "`modelfleet store heal` takes it from a copy; else save the model again"
MAKE_READ_ONLY = "chmod a-w it"
Count = Callable[[int, int], None]


@dataclass(frozen=True)
class Version:
    """A version's folder, in its place or in the trash; ``digest`` is the ledger's, None where that has none."""

    name: str
    version: int
    folder: Path
    digest: str | None

    def said(self) -> dict[str, object]:
        """The part of its card that is known without reading it."""
        return {"name": self.name, "version": self.version}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: the path, a kind such as ``altered``, what it is, what to do about it.

    ``name``, ``version`` and ``file`` say which version and which file of it, where it is one of a version's.
    """

    where: str
    kind: str
    what: str
    cure: str
    name: str = ""
    version: int = 0
    file: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.cure}"


def check(versions: Sequence[Version], count: Count | None = None) -> list[Finding]:
    """Verify versions side by side, in a few megabytes of memory; return what is wrong, in the versions' order.

    ``count`` is told how many of how many are done.
    """
    found: list[Finding] = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for done, findings in enumerate(pool.map(findings_of, versions), 1):
            found += findings
            if count:
                count(done, len(versions))
    return found


def findings_of(version: Version) -> list[Finding]:
    """Return what is wrong with one version; nothing where it was deleted or restored meanwhile."""
    if version.folder.is_symlink():
        return [_finding(version, "", "link", "is a symbolic link", "put the folder itself there")]
    try:
        names = model.names(version.folder)
        found = [*_of_content(version, names), *_of_modes(version, names)]
    except OSError as error:
        name = Path(str(error.filename or "")).name
        found = [_finding(version, name, "unreadable", f"can't be read ({error.strerror})", "check its disk and mode")]
    return found if version.folder.is_dir() else []


def _of_content(version: Version, names: Sequence[str]) -> Iterator[Finding]:
    try:
        content = (version.folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        yield _finding(version, MANIFEST, "missing", "is missing", FROM_COPY)
        return
    if version.digest not in (None, model.identity(content)):
        yield _finding(version, MANIFEST, "altered", "was altered: its SHA-256 is not the ledger's", FROM_COPY)
        return
    try:
        files = model.listed(version.folder / MANIFEST, content)
    except ModelError as error:
        yield _finding(version, MANIFEST, "altered", error.what, FROM_COPY)
        return
    yield from _of_files(version, names, files)
    yield from _of_signatures(version, Model(version.folder, model.identity(content), files, version.said()))


def _of_files(version: Version, names: Sequence[str], files: tuple[File, ...]) -> Iterator[Finding]:
    for name in model.unlisted(names, files):
        yield _finding(version, name, "unlisted", "is not in the manifest", "move it out of the store")
    whole = True
    for file in files:
        try:
            model.verify_file(f"{version.folder}/{file.path}", file)
        except ModelError as error:
            whole = False
            kind = "missing" if error.what == "is missing" else "altered"
            yield _finding(version, file.path, kind, error.what, FROM_COPY)
    if version.digest is None and whole:
        yield from _of_card(version)


def _of_signatures(version: Version, read: Model) -> Iterator[Finding]:
    try:
        signing.verify_all(read)
    except ModelError as error:
        cure = f"{HEAL}, or remove it and have the model signed again"
        yield _finding(version, SIGNATURES, "altered", error.what, cure)


def _of_card(version: Version) -> Iterator[Finding]:
    """See that a version which the ledger does not know says itself that it belongs here."""
    reference = cards.reference_of(version.folder)
    if reference != f"{version.name}:{version.version}":
        what, cure = f"holds {reference or 'no card'}", "put the folder back to where it was saved"
        yield _finding(version, "", "misplaced", what, cure)


def _of_modes(version: Version, names: Sequence[str]) -> Iterator[Finding]:
    for name in names:
        if name != SIGNATURES and _is_writable(f"{version.folder}/{name}"):
            yield _finding(version, name, "writable", "can be written to", MAKE_READ_ONLY)
    if _is_writable(version.folder):
        yield _finding(version, "", "writable", "can be written to", MAKE_READ_ONLY)


def _is_writable(place: Path | str) -> bool:
    mode = os.lstat(place).st_mode
    return bool(mode & 0o222) and not stat.S_ISLNK(mode)


def _finding(version: Version, file: str, kind: str, what: str, cure: str) -> Finding:
    where = str(version.folder / file) if file else str(version.folder)
    return Finding(where, kind, what, cure, version.name, version.version, file)

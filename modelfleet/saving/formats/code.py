"""Models that are Python code: a folder with a scorer class, its data, and its own requirements."""

from __future__ import annotations

import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelfleet.errors import Failure
from modelfleet.saving import parity
from modelfleet.saving.card import Scoring
from modelfleet.saving.inputs import Inputs
from modelfleet_service.runtimes import Answers

FOLDER = "code"
REQUIREMENTS = "requirements.txt"
ENTRY = re.compile(r"[A-Za-z_]\w*:[A-Za-z_]\w*")
REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?\s*([=<>!~]=?[^;@/]*)?(;.*)?")
MISSING = re.compile(r"No module named '([\w.]+)'")
ANSWERING, ASKED, SAID = f"{__package__}.answering", "asked", "said"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


def take(
    source: Path, entry: str, folder: Path, inputs: Inputs, classes: Sequence[Any]
) -> tuple[Scoring, Answers, tuple[str, ...]]:
    """Copy a folder of code; return its scoring, its answers to the inputs, and its requirements.

    Raises Failure where the entry is no ``module:Class``, the folder holds links or other things that are no files,
    the code can't be loaded here or answers nothing usable, or a requirement is more than a name with versions.
    """
    if not ENTRY.fullmatch(entry):
        raise Failure(entry, "not a scorer class", "write it as module:Class, such as scorer:Scorer")
    _refuse_odd(source)
    needs = requirements(source / REQUIREMENTS)
    shutil.copytree(source, folder / FOLDER, ignore=LEFT_OUT)
    answers = _answers(folder / FOLDER, entry, inputs, list(classes))
    scoring = Scoring(runtime="code", file=FOLDER, entry=entry, tolerance=parity.TOLERANCE)
    return scoring, answers, needs


def requirements(path: Path) -> tuple[str, ...]:
    """Read a requirements.txt of names with versions; raise Failure at an option, an address or a path in it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(str(path), f"can't be read ({error})", "write it in UTF-8") from error
    wanted = [line.partition(" #")[0].strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    for line in wanted:
        if not REQUIREMENT.fullmatch(line):
            raise Failure(str(path), f"{line!r} is more than a name with versions", "write it as name ==1.2")
    return ("numpy", *(line for line in wanted if not re.match(r"numpy\b", line)))


def explained(failure: Failure, source: Path) -> Failure:
    """Say of a failed proof that the code imports something which its requirements do not name, where that is why."""
    lacks = MISSING.search(failure.what)
    if not lacks:
        return failure
    what = f"its code needs {lacks.group(1)!r}, which nothing in it brings along"
    return Failure(str(source / REQUIREMENTS), what, "name the package there; nothing was saved")


def _refuse_odd(source: Path) -> None:
    """Raise Failure where something in a folder, and not left out, is neither a file nor a folder."""
    for path in source.rglob("*"):
        if _is_left_out(path, source):
            continue
        if path.is_symlink():
            raise Failure(str(path), "is a link", "put the file itself there")
        if not (path.is_file() or path.is_dir()):
            raise Failure(str(path), "is no plain file", "move it out of the folder")


def _is_left_out(path: Path, source: Path) -> bool:
    return any(LEFT_OUT(str(source), [part]) for part in path.relative_to(source).parts)


def _answers(folder: Path, entry: str, inputs: Inputs, classes: list[Any]) -> Answers:
    """Have the code tried in a process of its own, which it may end; raise Failure where that has not answered."""
    with tempfile.TemporaryDirectory(prefix="modelfleet-") as name:
        place = Path(name)
        (place / ASKED).write_bytes(pickle.dumps((folder, entry, inputs.batch, classes)))
        command = [sys.executable, "-P", "-m", ANSWERING, name]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        try:
            said = pickle.loads((place / SAID).read_bytes())  # noqa: S301 - of code that was run here
        except Exception as error:  # anybody's code may leave anything there
            reason = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
            what = f"its process ended without an answer ({reason})"
            raise Failure(f"{folder.name}/{entry}", what, "mend the code; it is loaded and tried here once") from error
    if isinstance(said, Answers):
        return said
    raise Failure(**said)

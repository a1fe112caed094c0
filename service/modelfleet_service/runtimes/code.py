"""Models that are Python code of their own: loaded only where the deployer allows code."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet_service.errors import ModelError
from modelfleet_service.runtimes import Allowed, Answers
from modelfleet_service.signature import Batch


class CodeRuntime:
    """A scorer class, such as ``scorer:Scorer``, made with the folder that holds its code and data.

    Its ``predict(batch)`` takes arrays by input name and returns arrays by output name: ``probabilities`` of shape
    (n, classes) for a classifier, else the signature's outputs; any where ``outputs`` is None. Modules of the folder
    can be imported while the class is loaded and made, at the top of a module and not within ``predict``.
    """

    def __init__(
        self, folder: Path, classes: Sequence[Any], outputs: Sequence[str] | None, entry: str, allowed: Allowed
    ) -> None:
        self._classes, self._outputs, self._where = list(classes), outputs, str(folder)
        if not allowed.code:
            raise ModelError(str(folder), "is Python code, and the fleet does not allow it (python_code)")
        self._scorer = _scorer(folder, entry)

    def score(self, batch: Batch) -> Answers:
        """Score a batch; raises ModelError where the code answers something else than it said when it was saved.

        Texts of a class of the code's own, such as an enum, are answered as plain ones. What the code raises itself
        comes through; where it exits, that is a RuntimeError, and the process stays.
        """
        try:
            answered = self._scorer.predict(batch)
        except SystemExit as error:
            raise RuntimeError(f"the code wants to end the process, SystemExit({error})") from error
        said = {name: _plain(np.asarray(value)) for name, value in answered.items()}
        expected = {"probabilities"} if self._classes else set(said if self._outputs is None else self._outputs)
        if set(said) != expected:
            raise ModelError(self._where, f"its code answers {sorted(said)} where {sorted(expected)} was expected")
        if not self._classes:
            return Answers(values=said)
        shares = said["probabilities"]
        return Answers(labels=np.asarray(self._classes)[shares.argmax(axis=1)], probabilities=shares)


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of objects with plain texts in it: of another class they are written, but not equal."""
    if array.dtype.kind not in "OT":
        return array
    plain = np.frompyfunc(lambda one: str.__str__(one) if isinstance(one, str) else one, 1, 1)
    return np.asarray(plain(array.astype(object)), dtype=object)


def _scorer(folder: Path, entry: str) -> Any:
    """Import the entry's module under a name of its own: two models' code may have the same file names."""
    stem, _, name = entry.partition(":")
    alias = f"modelfleet_code_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    sys.dont_write_bytecode = True  # the folder is what the manifest says, and stays so
    try:
        with _own_modules(folder.resolve()):
            spec = importlib.util.spec_from_file_location(alias, folder / f"{stem}.py")
            assert spec
            assert spec.loader
            module = importlib.util.module_from_spec(spec)
            sys.modules[alias] = module
            spec.loader.exec_module(module)
            scorer = getattr(module, name)(folder)
        sys.modules[alias] = module  # where dataclasses and pickle look for its classes
        return scorer
    except (Exception, SystemExit) as error:  # anybody's code may raise anything
        raise ModelError(str(folder), f"its code can't be loaded ({type(error).__name__}: {error})") from error


@contextlib.contextmanager
def _own_modules(folder: Path) -> Iterator[None]:
    """Let imports find a folder's modules before any of the same name, and forget them afterwards.

    Whoever imported them keeps them; the next model's ``import helper`` finds a helper of its own.
    """
    before, tops = dict(sys.modules), _tops(folder)
    for name in before:
        if name.partition(".")[0] in tops:
            del sys.modules[name]
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        for name, module in list(sys.modules.items()):
            if before.get(name) is not module and _lies_in(folder, module):
                del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if name.partition(".")[0] in tops})
        sys.path[:] = [entry for entry in sys.path if not _is_below(folder, entry)]


def _tops(folder: Path) -> set[str]:
    """Name the modules and packages at a folder's top; Python's own can't be replaced."""
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    return ({path.stem for path in folder.glob("*.py")} | packages) - sys.stdlib_module_names


def _lies_in(folder: Path, module: Any) -> bool:
    spec = getattr(module, "__spec__", None)
    places = [getattr(spec, "origin", None), *(getattr(spec, "submodule_search_locations", None) or ())]
    return any(_is_below(folder, place) for place in places if place)


def _is_below(folder: Path, place: str) -> bool:
    return Path(place).is_absolute() and Path(place).resolve().is_relative_to(folder)

"""Libraries that only some verbs need, imported when they run."""

from __future__ import annotations

import importlib
from typing import Any

from modelfleet.errors import Failure


def cure(extra: str) -> str:
    """Say how to install the libraries of an extra of the kit."""
    return f"run `make setup` in the kit's folder, or `pip install -e '.[{extra}]'` there"


def library(name: str, extra: str) -> Any:
    """Import a module; raise Failure, which says what to install, where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Failure(name, f"can't be imported ({error})", cure(extra)) from error

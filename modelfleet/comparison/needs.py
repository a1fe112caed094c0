"""The libraries that only a comparison needs, imported when it runs."""

from __future__ import annotations

import importlib
from typing import Any

from modelfleet.errors import Failure

CURE = "install them: `pip install 'modelfleet[sklearn,compare]'`"


def library(name: str) -> Any:
    """Import a module; raise Failure, which says what to install, where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Failure(name, f"can't be imported ({error}), and comparing needs it", CURE) from error

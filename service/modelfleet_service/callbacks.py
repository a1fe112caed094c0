"""C callbacks of Python libraries, in a process that is forked where no memory may be both written and executed."""

from __future__ import annotations

import ctypes
import gc
from _ctypes import CFuncPtr


def keep() -> None:
    """Keep every ctypes callback that there is now until the process ends.

    XGBoost and LightGBM register one each. Under ``MemoryDenyWriteExecute`` libffi keeps them in memory that forked
    processes share (python/cpython#69839): each would free them at its exit, and the second abort.
    """
    for thing in gc.get_objects():
        if isinstance(thing, CFuncPtr):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))

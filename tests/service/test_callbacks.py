"""Callbacks outlive what holds them once they are kept."""

from __future__ import annotations

import ctypes
import weakref

from modelfleet_service import callbacks

CALLBACK = ctypes.CFUNCTYPE(None)


def test_a_callback_that_is_kept_is_never_freed() -> None:
    kept, freed = CALLBACK(lambda: None), CALLBACK(lambda: None)
    is_kept, is_freed = weakref.ref(kept), weakref.ref(freed)
    del freed
    callbacks.keep()
    del kept
    assert is_freed() is None
    assert is_kept() is not None

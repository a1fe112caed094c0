"""The smallest version that a store takes: a card of a few lines and its manifest, published without any training."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from modelfleet import store as stores
from modelfleet_service import model

CARD = """name: {name}
version: {version}
created: "2026-01-01T00:00:00+00:00"
scoring: {{runtime: onnx, file: model.onnx, memory_bytes: 1}}
signature: {{inputs: [], outputs: []}}
evaluation: [{{metric: accuracy, data_set: test, value: 0.9}}]
"""
NOBODY = 65534
"""The user that a test is by which is not to be root; he owns nothing."""
HARMLESS = frozenset({"leftover", "unnoted", "writable", "unknown"})
"""The kinds of findings that lose nothing, which a kill may leave: `modelfleet.store.mending` mends the first three."""


def publish(store: Path | None, name: str = "many", more: str = "", size: int = 100) -> int:
    """Save a version and return its number; ``more`` is added to its card, ``size`` is the artefact's in bytes."""
    with stores.incoming(name, store) as folder, stores.next_version(name, store) as version:
        write(folder, name, version, more, size)
        stores.publish(folder, name, version, store)
        return version


def write(folder: Path, name: str, version: int, more: str = "", size: int = 100) -> None:
    """Write a version's files into a folder."""
    (folder / "model.yaml").write_text(CARD.format(name=name, version=version) + more)
    (folder / "model.onnx").write_bytes(f"{name}:{version} ".encode() * (size // 8 + 1))
    (folder / model.MANIFEST).write_text(model.manifest_of(folder))


def full(*_: object) -> None:
    """Refuse as a full disk does, in the place of what writes."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

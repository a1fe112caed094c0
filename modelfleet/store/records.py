"""Append-only files of one JSON object a line, each line with a checksum at its end.

A line that a kill or a power cut tore is the beginning of one without its end; it is no record, and the next one starts
on a line of its own. Every other line that can't be read was altered on the disk.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelfleet.store import disk

FRAME = b', "crc": "########"}'
TAIL = len(FRAME)


@dataclass(frozen=True)
class Records:
    """The records of a file, in order, and the numbers of the lines that were altered."""

    found: tuple[dict[str, Any], ...]
    altered: tuple[int, ...]


def append(file: Path, record: Mapping[str, Any]) -> None:
    """Add one record that lasts, or none at all; raise OSError where the disk refuses it."""
    with disk.flocked(file) as descriptor:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        _write(descriptor, b"\n" * torn + _line(record), size)
        os.fsync(descriptor)


def read(file: Path) -> Records:
    """Read all records; none where there is no file. Raises OSError where it can't be read."""
    try:
        return parsed(file.read_bytes())
    except FileNotFoundError:
        return Records((), ())


def parsed(content: bytes) -> Records:
    """Return the records of a file's content."""
    lines = content.split(b"\n")
    read = [(number, line, _record(line)) for number, line in enumerate(lines, 1) if line]
    altered = tuple(number for number, line, record in read if record is None and not _is_torn(line))
    return Records(tuple(record for _, _, record in read if record is not None), altered)


def _line(record: Mapping[str, Any]) -> bytes:
    head = json.dumps(record, ensure_ascii=False).encode()[:-1]
    return head + f', "crc": "{zlib.crc32(head):08x}"}}\n'.encode()


def _record(line: bytes) -> dict[str, Any] | None:
    head = line[:-TAIL]
    if line[-TAIL:] != f', "crc": "{zlib.crc32(head):08x}"}}'.encode():
        return None
    record: dict[str, Any] = json.loads(head + b"}")
    return record


def _is_torn(line: bytes) -> bool:
    """Tell whether a line is the beginning of one, or what a power cut left in its place: zeros."""
    return b'{"'.startswith(line.rstrip(b"\0")[:2]) and not any(map(_is_end, (line[-TAIL:], line[-TAIL - 1 : -1])))


def _is_end(text: bytes) -> bool:
    """Tell whether a line ends with this, most of what frames a checksum; some of it may have been altered."""
    fitting = sum(found == framed for found, framed in zip(text, FRAME, strict=False) if framed != ord("#"))
    return fitting > (TAIL - FRAME.count(b"#")) / 2


def _write(descriptor: int, content: bytes, size: int) -> None:
    """Write everything, or take back what was written."""
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise

"""Files and folders of a host: hashed, linked, removed, and seen to be on the disk."""

import hashlib
import os
import shutil
from pathlib import Path

CHUNK = 1 << 20


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

"""Which holder is to have a copy of which version: highest random weight, and those first that have one already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from modelfleet.copies.holders.holding import Original

BATCH_BYTES = 256 << 20
BATCH_VERSIONS = 64


def weight(digest: str, holder: str) -> bytes:
    """Return the weight of a holder for a version (Thaler and Ravishankar, 1998): the same on every controller."""
    return hashlib.sha256(f"{digest} {holder}".encode()).digest()


def chosen(digest: str, holders: Sequence[str], having: AbstractSet[str], copies: int) -> list[str]:
    """Return which holders are to have a version: those that have a good copy first, then by weight."""
    return sorted(holders, key=lambda name: (name not in having, weight(digest, name)))[:copies]


def assigned(
    originals: Sequence[Original], having: Mapping[str, AbstractSet[str]], copies: int
) -> dict[str, list[Original]]:
    """Return the versions that each holder is to have; ``having`` are the references of each holder's good copies."""
    found: dict[str, list[Original]] = {name: [] for name in having}
    for original in originals:
        good = {name for name, references in having.items() if original.reference in references}
        for name in chosen(original.digest, list(having), good, copies):
            found[name].append(original)
    return found


def batches(originals: Sequence[Original]) -> Iterator[list[Original]]:
    """Cut into batches of a bounded size: what is in its place stays there when a later one is cut off."""
    batch: list[Original] = []
    for original in originals:
        full = len(batch) == BATCH_VERSIONS or sum(one.size for one in batch) + original.size > BATCH_BYTES
        if batch and full:
            yield batch
            batch = []
        batch.append(original)
    if batch:
        yield batch

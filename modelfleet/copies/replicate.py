"""Replicate: bring every version, and the store's documents, to as many holders of a target as it is to have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modelfleet.copies import contents, plan, refusing, targets
from modelfleet.copies.holders.holding import Holder, Look, Original
from modelfleet.copies.holders.streams import megabytes
from modelfleet.copies.targets import Target
from modelfleet.errors import Failure
from modelfleet.progress import Progress
from modelfleet.store import disk, place
from modelfleet.store.verifying import Finding


@dataclass(frozen=True)
class Row:
    """What was done at one holder: versions that were there, versions and documents that were sent, and the bytes.

    A version whose files were all on the host already, in a deploy's blobs, counts as sent, with no bytes.
    """

    holder: str
    there: int
    sent: int
    documents: int
    sent_bytes: int


@dataclass(frozen=True)
class Report:
    """What a run did, what could not be copied, and which holders failed."""

    target: str
    copies: int
    versions: int
    holders: tuple[Row, ...]
    findings: tuple[Finding, ...]
    failed: tuple[Failure, ...]

    @property
    def is_complete(self) -> bool:
        """Tell whether every version has its copies and no holder failed."""
        return not self.findings and not self.failed


def run(one: Target, store: Path | None = None) -> Report:
    """Make the copies of a store at a target, and remember the target once its holders were reached.

    Raises Failure, with nothing sent, where there are too few holders or they hold what this store does not know.
    """
    place.opened(store)
    refusing.count(one)
    with targets.alone(store), Progress(f"reading what is to be copied to {one.target}") as progress:
        report = fill(one, store, progress)
        if report.is_complete:
            targets.remember(replace(one, last=disk.now()), store)
    return report


def fill(one: Target, store: Path | None, progress: Progress) -> Report:
    """Make the copies; the caller keeps other runs out."""
    originals, wrong = contents.originals(store)
    documents, spoilt = contents.sound_documents(store)
    wrong += spoilt
    progress.doing = f"verifying what is at {one.target}"
    with targets.opened(one, hold=True) as holders:
        refusing.few(one, holders)
        refusing.foreign(holders, contents.digests(store), documents)
        _remember(one, store)
        having = {name: _good(look, originals) for name, look in holders.looks.items()}
        wanted = plan.assigned(originals, having, one.copies)

        def filled(name: str) -> tuple[Row, list[Finding]]:
            return _filled(holders.reached[name], holders.looks[name], wanted[name], documents, progress)

        done, failed = targets.each({name: name for name in holders.reached}, filled)
    rows = tuple(row for row, _ in done.values())
    found = {finding.where: finding for _, findings in done.values() for finding in findings}
    failures = (*holders.failed.values(), *failed.values())
    versions = len({(o.name, o.version) for o in originals} | {(one.name, one.version) for one in wrong if one.version})
    return Report(one.target, one.copies, versions, rows, (*wrong, *found.values()), failures)


def _remember(one: Target, store: Path | None) -> None:
    """Keep the target, so that a run which is cut off is seen; when one last ended well stays as it was."""
    known = next((other for other in targets.remembered(store) if other.target == one.target), one)
    targets.remember(replace(one, last=known.last), store)


def _filled(
    holder: Holder, look: Look, wanted: Sequence[Original], documents: Mapping[str, bytes], progress: Progress
) -> tuple[Row, list[Finding]]:
    needed, damaged = _undamaged(holder, [one for one in wanted if not _is_settled(look, one)])
    stale = {path: content for path, content in documents.items() if look.is_stale(path, content)}
    if stale:
        holder.write(stale)
    sent = 0
    for number, batch in enumerate(batches := list(plan.batches(needed)), 1):
        progress.doing = f"{holder.name}: sending batch {number} of {len(batches)}, {megabytes(sent)} sent"
        sent += holder.put(batch)
    sent += sum(map(len, stale.values()))
    there = len(wanted) - len(needed) - len(damaged)
    row = Row(holder.name, there, len(needed), len(stale), sent)
    return row, list(damaged.values())


def _undamaged(holder: Holder, needed: list[Original]) -> tuple[list[Original], dict[str, Finding]]:
    """Leave out what is damaged in the store, and have the holder told of the files that are sent for the others.

    Versions share files: where one of two is damaged, its bytes are not to be sent for the other. Raises Failure where
    the holder has no room.
    """
    damaged: dict[str, Finding] = {}
    while True:
        paths, free = holder.lacks(needed)
        wrong = {one.reference: finding for one in needed if (finding := contents.damaged(one, set(paths)))}
        if not wrong:
            refusing.full(holder.name, sum(path.stat().st_size for path in paths), free)
            return needed, damaged
        damaged |= wrong
        needed = [one for one in needed if one.reference not in wrong]


def told(row: Row) -> str:
    """Say what was done at one holder."""
    besides = f" and {row.documents} documents" if row.documents else ""
    return f"{row.sent} versions{besides} sent ({megabytes(row.sent_bytes)}), {row.there} versions were there"


def _good(look: Look, originals: Sequence[Original]) -> set[str]:
    """Return the references of the versions that a holder has whole copies of."""
    return {one.reference for one in originals if look.has_good(one.name, one.version, one.digest)}


def _is_settled(look: Look, one: Original) -> bool:
    """Tell whether there is nothing to do about a copy: it is good, its modes and its signatures, too.

    The signatures of a copy stay where the store has none, or none that are valid.
    """
    copy = look.copy_of(one.name, one.version)
    signed = bool(copy and one.signatures in ("", copy.signatures))
    return bool(copy and not copy.wrong and signed and copy.digest == one.digest)

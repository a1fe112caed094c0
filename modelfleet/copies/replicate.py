"""Replicate: bring every version, and the store's documents, to as many holders of a target as it is to have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modelfleet.copies import contents, documents, plan, targets
from modelfleet.copies.holding import Holder, Look, Original
from modelfleet.copies.streams import described
from modelfleet.copies.targets import Holders, Target
from modelfleet.errors import Failure, Failures
from modelfleet.progress import Progress
from modelfleet.store import disk, ledger, place
from modelfleet.store.verifying import Finding

SPARE_BYTES = 64 << 20
SPARE_SHARE = 1.1
RECOVER = "`modelfleet store recover` first, so that nothing is lost"


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
    """Make the copies of a store at a target, and remember the target.

    Raises Failure, with nothing sent, where there are too few holders or they hold what this store does not know.
    """
    place.opened(store)
    _refuse_count(one)
    with targets.alone(store), Progress(f"reading what is to be copied to {one.target}") as progress:
        known = next((other for other in targets.remembered(store) if other.target == one.target), one)
        targets.remember(replace(one, last=known.last), store)
        report = fill(one, store, progress)
        if report.is_complete:
            targets.remember(replace(one, last=disk.now()), store)
    return report


def fill(one: Target, store: Path | None, progress: Progress) -> Report:
    """Make the copies; the caller keeps other runs out."""
    originals, wrong = contents.originals(store)
    papers = contents.documents(store)
    progress.doing = f"verifying what is at {one.target}"
    with targets.opened(one, hold=True) as holders:
        _refuse_few(one, holders)
        _refuse_foreign(holders, contents.digests(store), papers)
        having = {name: {o.reference for o in originals if _is_good(look, o)} for name, look in holders.looks.items()}
        wanted = plan.assigned(originals, having, one.copies)

        def filled(name: str) -> tuple[Row, list[Finding]]:
            return _filled(holders.reached[name], holders.looks[name], wanted[name], papers, progress)

        done, failed = targets.each({name: name for name in holders.reached}, filled)
    rows = tuple(row for row, _ in done.values())
    found = {finding.where: finding for _, findings in done.values() for finding in findings}
    failures = (*holders.failed.values(), *failed.values())
    versions = len({(o.name, o.version) for o in originals} | {(one.name, one.version) for one in wrong})
    return Report(one.target, one.copies, versions, rows, (*wrong, *found.values()), failures)


def _filled(
    holder: Holder, look: Look, wanted: Sequence[Original], papers: Mapping[str, bytes], progress: Progress
) -> tuple[Row, list[Finding]]:
    needed = [one for one in wanted if not _is_settled(look, one)]
    paths, free = holder.lacks(needed)
    damaged = {one.reference: finding for one in needed if (finding := contents.damaged(one, set(paths)))}
    needed = [one for one in needed if one.reference not in damaged]
    _refuse_full(holder.name, sum(path.stat().st_size for path in paths if path.is_file()), free)
    stale = {path: paper for path, paper in papers.items() if _is_stale(look, path, paper)}
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


def told(row: Row) -> str:
    """Say what was done at one holder."""
    papers = f" and {row.documents} documents" if row.documents else ""
    return f"{row.sent} versions{papers} sent ({megabytes(row.sent_bytes)}), {row.there} versions were there"


def megabytes(count: int) -> str:
    """Write a number of bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count} bytes"


def _is_good(look: Look, one: Original) -> bool:
    copy = look.copy_of(one.name, one.version)
    return bool(copy and copy.is_whole and copy.digest == one.digest)


def _is_settled(look: Look, one: Original) -> bool:
    """Tell whether there is nothing to do about a copy: it is good, its modes and its signatures, too.

    The signatures of a copy stay where the store has none, or none that are valid.
    """
    copy = look.copy_of(one.name, one.version)
    signed = bool(copy and one.signatures in ("", copy.signatures))
    return bool(copy and not copy.wrong and signed and copy.digest == one.digest)


def _is_stale(look: Look, path: str, paper: bytes) -> bool:
    there = look.documents.get(path)
    return there is None or there.sha256 != described(path, paper).sha256


def _refuse_count(one: Target) -> None:
    if one.is_url:
        if one.copies != 1:
            raise Failure(one.target, "a URL holds one copy", "leave --copies out, and replicate to a second URL")
        return
    count = len(targets.hosts(one))
    if not 0 < one.copies <= count:
        raise Failure(
            one.target, f"{one.copies} copies can't be on {count} hosts", f"choose --copies from 1 to {count}"
        )


def _refuse_few(one: Target, holders: Holders) -> None:
    if len(holders.reached) >= one.copies:
        return
    if not holders.reached:
        raise Failures(list(holders.failed.values()))
    what = f"only {len(holders.reached)} hosts can be used and {one.copies} copies are wanted"
    raise Failures([*holders.failed.values(), Failure(one.target, what, "nothing was sent; try again")])


def _refuse_foreign(holders: Holders, digests: Mapping[tuple[str, int], str], papers: Mapping[str, bytes]) -> None:
    """Raise Failures where a holder knows more than this store, or has its versions with other content."""
    found = []
    for name, look in holders.looks.items():
        holder = holders.reached[name]
        for copy in look.copies:
            known = digests.get((copy.name, copy.version))
            unsure = f"{copy.name}/{ledger.FILE}" not in look.documents
            if unsure and copy.is_whole and known not in (None, copy.digest):
                found.append(_foreign(f"{copy.name}:{copy.version}", name))
        for path in sorted(path for path in look.documents if contents.is_document(path)):
            if not documents.is_log(path) or not _is_stale(look, path, papers.get(path, b"")):
                continue
            ours, theirs = papers.get(path, b""), holder.document(path)
            number = documents.clash([ours, theirs]) if path.endswith(ledger.FILE) else None
            if number:
                found.append(_foreign(f"{path.partition('/')[0]}:{number}", name))
            elif count := documents.lacking(path, ours, theirs):
                found.append(Failure(name, f"has {count} records of {path} that this store lacks", RECOVER))
    if found:
        raise Failures(found)


def _foreign(reference: str, holder: str) -> Failure:
    what = f"{reference} there is another version than the store's"
    return Failure(holder, what, "its copies are those of another store: choose other hosts, or move them away")


def _refuse_full(name: str, size: int, free: int) -> None:
    needs = int(size * SPARE_SHARE) + SPARE_BYTES
    if size and 0 <= free < needs:
        what = f"copies need {megabytes(needs)} there and {megabytes(free)} are free"
        raise Failure(name, what, "free some space, or add hosts")

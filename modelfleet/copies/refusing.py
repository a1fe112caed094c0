"""What `replicate` refuses before it sends a byte: too few hosts, copies of another store, a full disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelfleet.copies import contents, merging, targets
from modelfleet.copies.holders.holding import Holder, Look
from modelfleet.copies.holders.streams import megabytes
from modelfleet.copies.targets import Holders, Target
from modelfleet.errors import Failure, Failures
from modelfleet.store import ledger

SPARE_BYTES = 64 << 20
SPARE_SHARE = 1.1
RECOVER = "`modelfleet store recover` first, so that nothing is lost"


def count(one: Target) -> None:
    """Raise Failure where a target can't hold as many copies as are wanted."""
    if one.is_url:
        if one.copies != 1:
            raise Failure(one.target, "a URL holds one copy", "leave --copies out, and replicate to a second URL")
        return
    count = len(targets.hosts(one))
    if not 0 < one.copies <= count:
        what, cure = f"{one.copies} copies can't be on {count} hosts", f"choose --copies from 1 to {count}"
        raise Failure(one.target, what, cure)


def few(one: Target, holders: Holders) -> None:
    """Raise Failures where fewer holders could be looked at than there are to be copies."""
    if len(holders.reached) >= one.copies:
        return
    if not holders.reached:
        raise Failures(list(holders.failed.values()))
    what = f"only {len(holders.reached)} hosts can be used and {one.copies} copies are wanted"
    raise Failures([*holders.failed.values(), Failure(one.target, what, "nothing was sent; try again")])


def foreign(holders: Holders, digests: Mapping[tuple[str, int], str], documents: Mapping[str, bytes]) -> None:
    """Raise Failures where a holder knows more than this store, or has its versions with other content."""
    found: list[Failure] = []
    for name, look in holders.looks.items():
        found += _other_versions(name, look, digests)
        found += _other_records(holders.reached[name], look, documents)
    if found:
        raise Failures(found)


def full(name: str, size: int, free: int) -> None:
    """Raise Failure where a holder has too few free bytes; a negative number of them is unknown."""
    needs = int(size * SPARE_SHARE) + SPARE_BYTES
    if size and 0 <= free < needs:
        what = f"copies need {megabytes(needs)} there and {megabytes(free)} are free"
        raise Failure(name, what, "free some space, or add hosts")


def _other_versions(name: str, look: Look, digests: Mapping[tuple[str, int], str]) -> Iterator[Failure]:
    for copy in look.copies:
        known = digests.get((copy.name, copy.version))
        unsure = f"{copy.name}/{ledger.FILE}" not in look.documents
        if unsure and copy.is_whole and known not in (None, copy.digest):
            yield _foreign(f"{copy.name}:{copy.version}", name)


def _other_records(holder: Holder, look: Look, documents: Mapping[str, bytes]) -> Iterator[Failure]:
    for path in sorted(path for path in look.documents if contents.is_document(path)):
        ours = documents.get(path, b"")
        if not merging.is_log(path) or not look.is_stale(path, ours):
            continue
        theirs = holder.document(path)
        number = merging.clash([ours, theirs]) if path.endswith(ledger.FILE) else None
        if number:
            yield _foreign(f"{path.partition('/')[0]}:{number}", holder.name)
        elif count := merging.lacking(path, ours, theirs):
            yield Failure(holder.name, f"has {count} records of {path} that this store lacks", RECOVER)


def _foreign(reference: str, holder: str) -> Failure:
    what = f"{reference} there is another version than the store's"
    return Failure(holder, what, "its copies are those of another store: choose other hosts, or move them away")

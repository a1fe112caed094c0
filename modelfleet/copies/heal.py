"""Heal: repair the store and its copies from a good copy, wherever that is; nothing damaged is deleted unseen."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelfleet.copies import documents, replicate, signatures, survey, targets, versions
from modelfleet.copies.holders.holding import Copy, Holder
from modelfleet.copies.targets import Holders, Target
from modelfleet.errors import Failure, Failures
from modelfleet.progress import Progress
from modelfleet.store import fsck, ledger, mending, place
from modelfleet.store.verifying import Finding
from modelfleet_service.model import SIGNATURES

BROKEN = frozenset({"altered", "missing", "unlisted", "unreadable", "lost", "link"})
Version = tuple[str, int]


@dataclass(frozen=True)
class Report:
    """What was done, a line each; what could not be done, and what is still wrong."""

    done: tuple[str, ...]
    failed: tuple[Failure, ...]
    remains: tuple[Finding, ...]


def run(store: Path | None = None) -> Report:
    """Repair what `survey.check` finds: the store's own versions and documents first, then the copies.

    Raises Failure where the store can't be read or written.
    """
    place.opened(store)
    done: list[str] = []
    failed: list[Failure] = []
    refused: dict[str, Failure] = {}
    with targets.alone(store), Progress("verifying the store and its copies") as progress:
        found = survey.check(store)
        if not found:
            return Report((), (), ())
        known = targets.remembered(store)
        for one in known if any(_is_local(finding, store) for finding in found) else ():
            progress.doing = f"repairing the store from {one.target}"
            refused = _local(one, store, done, refused)
        failed += refused.values()
        done += mending.mend(store)
        for one in known:
            _remote(one, store, progress, done, failed)
        progress.doing = "verifying the store and its copies again"
        return Report(tuple(done), tuple(failed), tuple(survey.check(store)))


def _is_local(finding: Finding, store: Path | None) -> bool:
    here = finding.where.startswith(f"{place.path(store)}/") and finding.kind in {*BROKEN, "ledger", "log", "alias"}
    return here or finding.kind == "unsigned"


def _local(one: Target, store: Path | None, done: list[str], before: dict[str, Failure]) -> dict[str, Failure]:
    """Repair the store from a target; return what is still refused, by place, with what the first target said of it."""
    failed: list[Failure] = []
    with contextlib.ExitStack() as stack:
        try:
            holders = stack.enter_context(targets.opened(one, releases=True))
        except (Failure, Failures):
            return before  # `_remote` asks it again, and says why
        for bring in (documents.bring, _versions, signatures.bring):
            try:
                lines, refused = bring(holders, store)
            except Failure as failure:
                lines, refused = [], [failure]
            done += lines
            failed += refused
    return {failure.where: before.get(failure.where, failure) for failure in failed}


def _versions(holders: Holders, store: Path | None) -> tuple[list[str], list[Failure]]:
    done: list[str] = []
    failed: list[Failure] = []
    for version in broken(store):
        try:
            done += _brought(holders, version, store)
        except Failure as failure:
            failed.append(failure)
    return done, failed


def broken(store: Path | None) -> list[Version]:
    """Return the versions of the store itself that are damaged or lost, those in the trash too.

    Signatures that are not valid damage no version: `signatures.bring` sees to them.
    """
    found = [one for one in fsck.check(store) if one.version and one.kind in BROKEN and one.file != SIGNATURES]
    return sorted({(finding.name, finding.version) for finding in found})


def _brought(holders: Holders, version: Version, store: Path | None) -> list[str]:
    name, number = version
    digest = ledger.read(place.home(name, store)).digests.get(number)
    what, cure = "no holder has a good copy", "save the model again"
    for holder, copy in sources_of(holders, version, digest):
        try:
            aside = versions.bring(holder, copy, name, number, store, "healed")
            kept = f"; the damaged one is kept at {aside}" if aside else ""
            return [f"{name}:{number}: brought back from {holder.base}/{copy.where}{kept}"]
        except Failure as failure:
            what, cure = f"can't be brought back ({failure.where}: {failure.what})", failure.cure
    raise Failure(f"{name}:{number}", what, cure)


def sources_of(holders: Holders, version: Version, digest: str | None) -> Sequence[tuple[Holder, Copy]]:
    """Return the whole copies of a version, and then the models of releases that have its digest.

    A version from before there was a ledger is known by its name, if all its copies agree on the digest.
    """
    copies = [
        (holders.reached[name], copy)
        for name, look in holders.looks.items()
        for copy in look.copies
        if (copy.name, copy.version) == version and copy.is_whole and digest in (None, copy.digest)
    ]
    agreed = digest or (copies[0][1].digest if len({copy.digest for _, copy in copies}) == 1 else None)
    releases = [
        (holders.reached[name], copy)
        for name, look in holders.looks.items()
        for copy in look.releases
        if copy.is_whole and copy.digest == agreed
    ]
    return [*copies, *releases] if agreed else []


def _remote(one: Target, store: Path | None, progress: Progress, done: list[str], failed: list[Failure]) -> None:
    try:
        report = replicate.fill(one, store, progress)
    except Failures as failures:
        failed += failures.failures
    except Failure as failure:
        failed.append(failure)
    else:
        failed += report.failed
        done += [f"{row.holder}: {replicate.told(row)}" for row in report.holders if row.sent or row.documents]

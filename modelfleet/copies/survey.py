"""Survey: everything that is wrong with a store and with its copies, wherever they are; reads only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelfleet.copies import contents, merging, targets
from modelfleet.copies.holders.holding import Copy, Holder, Look, Original
from modelfleet.copies.holders.streams import described
from modelfleet.copies.targets import Holders, Target
from modelfleet.errors import Failure
from modelfleet.store import audit, fsck, ledger, place, signed
from modelfleet.store.signed import Recorded
from modelfleet.store.verifying import HEAL, Finding
from modelfleet_service.model import MANIFEST, SIGNATURES, Model

RECOVER = "run `modelfleet store recover`"
Digests = Mapping[tuple[str, int], str]


def check(store: Path | None = None) -> list[Finding]:
    """Return all that is wrong, in the store itself and then with its copies; empty if every byte is as it was saved.

    A holder that can't be reached is one of the findings. Raises Failure where the store itself can't be read.
    """
    return [*fsck.check(store), *of_copies(store)]


def of_copies(store: Path | None = None) -> list[Finding]:
    """Return what is wrong with the copies at the targets that the store remembers."""
    return [finding for one in targets.remembered(store) for finding in _of_target(one, store)]


def _of_target(one: Target, store: Path | None) -> Iterator[Finding]:
    try:
        with targets.opened(one) as holders:
            for name, failure in holders.failed.items():
                yield Finding(name, "unreachable", f"its copies can't be verified ({failure.what})", failure.cure)
            yield from _of_holders(one, holders, store)
    except Failure as failure:
        yield Finding(one.target, "unreachable", f"its copies can't be verified ({failure.what})", failure.cure)


def _of_holders(one: Target, holders: Holders, store: Path | None) -> Iterator[Finding]:
    known = signed.recorded(store)
    digests, documents = contents.digests(store), contents.documents(store)
    originals = {(one.name, one.version): one for one in contents.originals(store)[0]}
    for name, look in holders.looks.items():
        holder = holders.reached[name]
        for copy in look.copies:
            yield from _of_copy(holder, copy, digests, originals, known)
        for left in look.leftovers:
            yield Finding(f"{holder.base}/{left}", "leftover", "is left of a run that was killed", HEAL)
        yield from _of_documents(holder, look, documents, place.path(store))
    for key, digest in digests.items():
        good = sum(look.has_good(*key, digest) for look in holders.looks.values())
        if good < one.copies:
            reference = f"{key[0]}:{key[1]}"
            what = f"{good} good copies at {one.target} where {one.copies} are wanted"
            yield Finding(reference, "few", what, HEAL, *key)


def _of_copy(
    holder: Holder, copy: Copy, digests: Digests, originals: Mapping[tuple[str, int], Original], known: Recorded
) -> Iterator[Finding]:
    key, where = (copy.name, copy.version), f"{holder.base}/{copy.where}"
    gone = any(flaw.file == MANIFEST for flaw in copy.wrong)
    if key not in digests:
        yield Finding(where, "unknown", "the store knows no such version", f"{RECOVER}, or move it", *key)
    elif copy.digest != digests[key] and not gone:
        what = "was altered: its SHA-256 is not the ledger's"
        yield Finding(f"{where}/{MANIFEST}", "altered", what, HEAL, *key, MANIFEST)
        return
    for flaw in copy.wrong:
        at = f"{where}/{flaw.file}" if flaw.file else where
        yield Finding(at, flaw.kind, flaw.what, HEAL, *key, flaw.file)
    if key in originals and copy.is_whole and not originals[key].signatures:
        yield from _of_signatures(holder, copy, originals[key], known)
    elif key in originals and copy.is_whole and copy.signatures != originals[key].signatures:
        what = "is not the store's" if copy.signatures else "is missing"
        yield Finding(f"{where}/{SIGNATURES}", "stale", what, HEAL, *key, SIGNATURES)


def _of_signatures(holder: Holder, copy: Copy, one: Original, known: Recorded) -> Iterator[Finding]:
    """Compare signatures of a copy with a version that has none that are valid; the store says itself what it knows."""
    if not copy.signatures:
        return
    read = Model(one.folder, one.digest, one.files, {"name": one.name, "version": one.version})
    file, where = one.folder / SIGNATURES, f"{holder.base}/{copy.where}"
    theirs = contents.valid(holder.read(f"{copy.where}/{SIGNATURES}"), read)
    if theirs is None:
        what, cure = "has signatures that are not valid", "have the model signed again, and replicate it"
        yield Finding(f"{where}/{SIGNATURES}", "altered", what, cure, one.name, one.version, SIGNATURES)
    elif theirs and one.digest not in known and not os.path.lexists(file):
        what = f"is lost: {holder.name} has it"
        yield Finding(str(file), "lost", what, HEAL, one.name, one.version, SIGNATURES)


def _of_documents(holder: Holder, look: Look, documents: Mapping[str, bytes], store: Path) -> Iterator[Finding]:
    """Compare the store's documents with a holder's: which of both is damaged, or lacks what the other has."""
    for path in sorted({*documents, *filter(contents.is_document, look.documents)}):
        ours, where = documents.get(path, b""), f"{holder.documents_at}/{path}"
        if path not in look.documents:
            yield Finding(where, "stale", "is not there yet", HEAL)
            continue
        if look.documents[path].sha256 == described(path, ours).sha256:
            continue
        theirs = holder.document(path)
        count = merging.lacking(path, ours, theirs)
        if path not in documents:
            yield Finding(str(store / path), "lost", f"is lost: {holder.name} has it", HEAL)
        elif count:
            yield Finding(str(store / path), "ledger", f"lacks {count} records that {holder.name} has", HEAL)
        elif not (merging.is_log(path) or merging.is_sound(path, ours)):
            continue  # the store's own is altered, which `fsck.check` says
        elif not merging.is_sound(path, theirs):
            yield Finding(where, "altered", "was altered", HEAL)
        elif not merging.is_log(path) and merging.joined(path, ours, [theirs], lambda: audit.read(store)) != ours:
            yield Finding(str(store / path), "alias", f"is older than what {holder.name} has", HEAL)
        elif not (merging.is_older(path, ours, theirs) and not path.endswith(ledger.FILE)):
            yield Finding(where, "stale", "is older than the store's", HEAL)

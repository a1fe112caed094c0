"""Where a store's copies are: a fleet file or a URL, and which of them the store remembers in its copies.json."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from modelfleet import fleet as fleets
from modelfleet.copies.holders.holding import Holder, Look
from modelfleet.copies.holders.hosts import HostHolder
from modelfleet.copies.holders.url import UrlHolder
from modelfleet.errors import Failure
from modelfleet.fleet import Host
from modelfleet.store import disk, place

AT_ONCE = 32
Result = TypeVar("Result")


@dataclass(frozen=True)
class Target:
    """A fleet file's path or a URL, how many copies it is to have, and when a run of `replicate` last ended well."""

    target: str
    copies: int = 1
    last: str = ""

    @property
    def is_url(self) -> bool:
        """Tell a URL from a fleet file."""
        return "://" in self.target


@dataclass(frozen=True)
class Holders:
    """The holders of a target that could be looked at, with what they have, and why the others could not."""

    reached: Mapping[str, Holder]
    looks: Mapping[str, Look]
    failed: Mapping[str, Failure]


def target(text: str | Path | None, copies: int = 1) -> Target:
    """Return the target that a user names; raise Failure where it is no URL and no fleet file."""
    if text and "://" in str(text):
        return Target(str(text).rstrip("/"), copies)
    return Target(str(fleets.find(text)), copies)


def usual(one: Target) -> int:
    """Return how many copies a target is to have if nobody said it: two, where there are two hosts."""
    return 1 if one.is_url else min(2, len(hosts(one)))


def remembered(store: Path | None = None) -> list[Target]:
    """Return the targets of earlier runs; raise Failure where the document can't be read."""
    file = place.path(store) / place.COPIES
    try:
        return [_target(**entry) for entry in json.loads(file.read_text())["targets"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Failure(str(file), f"can't be read ({error})", "delete it and replicate again") from error


def _target(target: object, copies: object = 1, last: object = "") -> Target:
    if not (isinstance(target, str) and isinstance(copies, int) and isinstance(last, str)):
        raise TypeError("an entry is no target")
    return Target(target, copies, last)


def remember(fresh: Target, store: Path | None = None) -> None:
    """Keep a target, in the place of what was known of it; raise Failure where the store can't be written."""
    others = [one for one in remembered(store) if one.target != fresh.target]
    _write([*others, fresh], store)


def _write(known: Sequence[Target], store: Path | None) -> None:
    document = {"targets": [asdict(one) for one in known]}
    file = place.path(store) / place.COPIES
    try:
        disk.write(file, json.dumps(document, indent=1) + "\n")
    except OSError as error:
        what = f"can't be written ({error.strerror}), so the store does not remember these copies"
        raise Failure(str(file), what, "make it writable, or free some space") from error


def forget(text: str | None, store: Path | None = None) -> str:
    """Drop a target that the store remembers, also where its fleet file is gone; return it. Its copies stay."""
    wanted = text or os.environ.get("MODELFLEET_FLEET") or str(fleets.LOCAL)
    with alone(store):
        known = remembered(store)
        found = next((o.target for o in known if o.target in (wanted.rstrip("/"), str(Path(wanted).resolve()))), None)
        if found is None:
            cure = f"it remembers {' and '.join(one.target for one in known) or 'none'}"
            raise Failure(wanted, "the store remembers no copies there", cure)
        _write([one for one in known if one.target != found], store)
    return found


@contextlib.contextmanager
def alone(store: Path | None = None) -> Iterator[None]:
    """Keep other runs that write copies of this store, or take from them, out; the kernel frees it at the end."""
    try:
        descriptor = os.open(place.path(store), os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        where, what = str(place.path(store)), f"can't be opened ({error.strerror})"
        raise Failure(where, what, "save a model first, or choose a store with --store") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        what = "another replicate, heal or recover is at work on it"
        raise Failure(str(place.path(store)), what, "wait for it to end and try again") from None
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def opened(one: Target, *, releases: bool = False, hold: bool = False) -> Iterator[Holders]:
    """Look at every holder of a target, all at the same time; those that can't be are among the failed."""
    held: dict[str, Holder] = {}

    def looked(host: Host | None) -> Look:
        holder: Holder = HostHolder(host) if host else UrlHolder(one.target)
        held[holder.name] = holder
        return holder.look(releases=releases, hold=hold)

    parties = {one.target: None} if one.is_url else {host.name: host for host in hosts(one)}
    try:
        looks, failed = each(parties, looked)
        yield Holders({name: held[name] for name in looks}, looks, failed)
    finally:
        for holder in held.values():
            holder.close()


def hosts(one: Target) -> Sequence[Host]:
    """Return the hosts of a target that is a fleet file."""
    return fleets.read(fleets.find(one.target)).hosts


def each(parties: Mapping[str, object], act: Callable[..., Result]) -> tuple[dict[str, Result], dict[str, Failure]]:
    """Do something with each party, all at the same time; return the results, and the failures, by name."""
    done: dict[str, Result] = {}
    failed: dict[str, Failure] = {}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for name, future in [(name, pool.submit(act, party)) for name, party in parties.items()]:
            try:
                done[name] = future.result()
            except Failure as failure:
                failed[name] = failure
    return done, failed

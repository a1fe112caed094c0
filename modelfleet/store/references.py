"""What refers to a version, and so forbids to delete it: aliases, ensembles, fleet files, releases on servers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from modelfleet import fleet as fleets
from modelfleet.errors import Failure, Failures
from modelfleet.evidence import session
from modelfleet.evidence.session import Evidence
from modelfleet.fleet import Fleet, Host
from modelfleet.store import alias, audit, finding, index, ledger, place
from modelfleet.store.index import Entry
from modelfleet.tree import INVENTORY

SCRIPT = Path(__file__).with_name("releases_on_host.py")
KINDS = ("*.yml", "*.yaml")
EXAMPLE = "example.yml"
KEPT = "nothing was deleted"


def refuse(reference: str, store: Path | None, *, fleet: Path | None = None, ask_hosts: bool = True) -> None:
    """Raise Failures, one for each thing that refers to the version ``name:version``; nothing is changed.

    ``fleet`` is a fleet file to look at besides those of inventory/, MODELFLEET_FLEET and the audit log.
    """
    found = list(inside(reference, store))
    read, unread = _read(files(store, fleet), _demanded(store, fleet))
    found += (_unsure(reference, path, failure) for path, failure in unread.items())
    found += of_fleets(reference, read, store)
    if ask_hosts:
        hosts = {(host.ssh_host, host.ssh_port): host for one in read for host in one.servers}
        found += of_servers(reference, digest(reference, store), ask(hosts.values()))
    _refuse(found)


def refuse_inside(reference: str, store: Path | None) -> None:
    """Raise Failures where something in the store itself refers to the version."""
    _refuse(list(inside(reference, store)))


def inside(reference: str, store: Path | None) -> Iterator[Failure]:
    """Return the aliases and ensembles of the store that refer to a version."""
    name, version = finding.split(reference)
    yield from of_aliases(reference, version, alias.aliases(name, store))
    yield from of_ensembles(reference, digest(reference, store), index.entries(None, store))


def of_aliases(reference: str, version: int, aliases: Mapping[str, int]) -> Iterator[Failure]:
    """Return the aliases that point to a version."""
    name = reference.partition(":")[0]
    for one in sorted(one for one, points_to in aliases.items() if points_to == version):
        cure = f"move it, or drop it with `modelfleet model alias {name} {one} --delete`"
        yield Failure(reference, f"the alias {name}@{one} points to it", cure)


def of_ensembles(reference: str, digest: str, entries: Iterable[Entry]) -> Iterator[Failure]:
    """Return the ensembles that have a version, by its digest, as a member."""
    for entry in entries:
        if digest in entry.members:
            yield Failure(reference, f"the ensemble {entry.reference} has it as a member", "delete the ensemble first")


def of_fleets(reference: str, read: Iterable[Fleet], store: Path | None) -> Iterator[Failure]:
    """Return the fleet files that name a version, by number or by an alias that points to it."""
    for one in read:
        for service in one.services:
            if _resolved(service.model, store) == reference:
                what = f"{one.path} has it as services.{service.name}.model ({service.model})"
                yield Failure(reference, what, "give the service another version there, and deploy it")


def of_servers(reference: str, digest: str, said: Iterable[Evidence]) -> Iterator[Failure]:
    """Return the releases on servers that hold a digest, and the servers that did not say what they hold."""
    for evidence in said:
        name = evidence.host.name
        if evidence.error:
            cure = "try again when it answers, or use --without-hosts if it will not come back"
            yield Failure(reference, f"{name} can't be asked whether it serves it ({evidence.error})", cure)
        for release in evidence.said.get("releases", ()):
            yield from _of_release(reference, digest, name, release)


def ask(servers: Iterable[Host]) -> list[Evidence]:
    """Ask servers, all at the same time and in one SSH session each, which models their releases hold."""
    script = SCRIPT.read_text()
    with ThreadPoolExecutor(max_workers=32) as pool:
        return list(pool.map(lambda host: session.ask(host, script), servers))


def files(store: Path | None, fleet: Path | None = None) -> list[Path]:
    """Return the fleet files that count: inventory/'s, the one given or that of MODELFLEET_FLEET, those deployed to.

    Raises Failure where the one that was given is not there.
    """
    inventory = (path for kind in KINDS for path in INVENTORY.glob(kind) if path.name != EXAMPLE)
    return sorted({path.resolve() for path in inventory} | _demanded(store, fleet))


def digest(reference: str, store: Path | None) -> str:
    """Return the digest of a version as the ledger has it, or else its manifest; empty where neither says it."""
    name, version = finding.split(reference)
    home = place.home(name, store)
    try:
        return ledger.read(home).digest_of(home / str(version))
    except OSError:
        return ""


def _demanded(store: Path | None, fleet: Path | None) -> set[Path]:
    """Return the fleet files that must be readable: the one given or that of MODELFLEET_FLEET, those deployed to.

    One that was deployed to and is gone, as that of a local fleet that was removed, is none.
    """
    deployed = {Path(str(event.get("fleet", ""))) for event in audit.read(store) if event["act"] == "deployed"}
    found = {path.resolve() for path in deployed if path.is_file()}
    if fleet or os.environ.get("MODELFLEET_FLEET"):
        found.add(fleets.find(fleet))
    return found


def _read(paths: Iterable[Path], demanded: AbstractSet[Path]) -> tuple[list[Fleet], dict[Path, Failure]]:
    """Return the fleets, and why those demanded can't be read.

    A file of inventory/ that can't be read and was never deployed refers to nothing: it can't be deployed either.
    """
    with ThreadPoolExecutor(max_workers=4) as pool:
        read = dict(zip(listed := list(paths), pool.map(_parsed, listed), strict=True))
    unread = {path: one for path, one in read.items() if isinstance(one, Failure) and path in demanded}
    return [one for one in read.values() if isinstance(one, Fleet)], unread


def _parsed(path: Path) -> Fleet | Failure:
    try:
        return fleets.read(path)
    except Failure as failure:
        return failure
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        return Failure(str(path), f"is no fleet file ({type(error).__name__}: {error})", fleets.CURE)


def _unsure(reference: str, path: Path, failure: Failure) -> Failure:
    cure = f"mend it (`modelfleet check` says where); if that fleet is gone, remove the file, or give another; {KEPT}"
    return Failure(reference, f"can't tell whether {path} needs it ({failure.what})", cure)


def _resolved(reference: str, store: Path | None) -> str:
    try:
        return finding.resolve(reference, store)
    except Failure:
        return ""


def _of_release(reference: str, digest: str, server: str, release: Mapping[str, Any]) -> Iterator[Failure]:
    named = f"release {release['release']} of {release['service']} on {server}"
    if release["digests"] is None:
        yield Failure(reference, f"the {named} can't be read", "deploy the service again, or use --without-hosts")
    elif digest in release["digests"] and release["current"]:
        yield Failure(reference, f"the {named} serves it", "deploy another version, or retire the service first")
    elif digest in release["digests"]:
        cure = "it goes when newer deploys push it out; or use --without-hosts and give up that rollback"
        yield Failure(reference, f"the {named} is kept for a rollback and needs it", cure)


def _refuse(found: list[Failure]) -> None:
    if found:
        raise Failures(found)

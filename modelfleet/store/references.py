"""What refers to a version, and so forbids to delete it: aliases, ensembles, fleet files, releases on servers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
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
EXAMPLE = "example.yml"


def refuse(reference: str, store: Path | None, *, fleet: Path | None = None, ask_hosts: bool = True) -> None:
    """Raise Failures, one for each thing that refers to the version ``name:version``; nothing is changed.

    ``fleet`` is a fleet file to look at besides those of inventory/, MODELFLEET_FLEET and the audit log.
    """
    found = list(inside(reference, store))
    read = _read(files(store, fleet))
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
    found = {path.resolve() for path in INVENTORY.glob("*.yml") if path.name != EXAMPLE}
    deployed = {Path(str(event.get("fleet", ""))) for event in audit.read(store) if event["act"] == "deployed"}
    found |= {path.resolve() for path in deployed if path.is_file()}
    if fleet or os.environ.get("MODELFLEET_FLEET"):
        found.add(fleets.find(fleet))
    return sorted(found)


def digest(reference: str, store: Path | None) -> str:
    """Return the digest of a version as the ledger has it, or else its manifest."""
    name, version = finding.split(reference)
    home = place.home(name, store)
    return ledger.read(home).digests.get(version) or index.entry_of(home / str(version)).digest


def _read(paths: Iterable[Path]) -> list[Fleet]:
    with ThreadPoolExecutor(max_workers=4) as pool:
        return [found for found in pool.map(_parsed, paths) if found]


def _parsed(path: Path) -> Fleet | None:
    """Read a fleet file; one that can't be parsed can't be deployed either, and refers to nothing."""
    try:
        return fleets.read(path)
    except (Failure, KeyError, TypeError, ValueError):
        return None


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

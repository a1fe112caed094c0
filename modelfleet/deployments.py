"""What is deployed needs its versions: fleet files and releases on servers forbid to delete them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from modelfleet import fleet as fleets
from modelfleet.errors import Failure, Failures
from modelfleet.evidence import releases_on_host, session
from modelfleet.evidence.session import Evidence
from modelfleet.fleet import Fleet, Host
from modelfleet.store import audit, disk, finding, history, references, trash
from modelfleet.tree import INVENTORY

SCRIPT = Path(releases_on_host.__file__)
KINDS = ("*.yml", "*.yaml")
EXAMPLE = "example.yml"
KEPT = "nothing was deleted"


def delete(reference: str, store: Path | None = None, *, fleet: Path | None = None, ask_hosts: bool = True) -> str:
    """Move a version that nothing needs to the trash, from where `store.restore` brings it back; return its reference.

    Raises Failures as `refuse` does, with nothing changed.
    """
    resolved = finding.resolve(reference, store)
    refuse(resolved, store, fleet=fleet, ask_hosts=ask_hosts)
    return trash.delete(resolved, store)


def refuse(reference: str, store: Path | None, *, fleet: Path | None = None, ask_hosts: bool = True) -> None:
    """Raise Failures, one for each thing that refers to the version ``name:version``; nothing is changed.

    An alias or an ensemble of the store, a fleet file, a release on a server, a server that can't be asked, a fleet
    that another machine deployed it to. ``fleet`` is a fleet file to look at besides those of inventory/,
    MODELFLEET_FLEET and the audit log.
    """
    found = list(references.inside(reference, store))
    read, unread = _read(files(store, fleet), _demanded(store, fleet))
    found += (_unsure(reference, path, failure) for path, failure in unread.items())
    found += of_fleets(reference, read, store)
    if ask_hosts:
        found += of_others(reference, read, store)
        hosts = {(host.ssh_host, host.ssh_port): host for one in read for host in one.servers}
        found += of_servers(reference, references.digest(reference, store), ask(hosts.values()))
    if found:
        raise Failures(found)


def of_fleets(reference: str, read: Iterable[Fleet], store: Path | None) -> Iterator[Failure]:
    """Return the fleet files that name a version, by number or by an alias that points to it."""
    for one in read:
        for service in one.services:
            if _resolved(service.model, store) == reference:
                what = f"{one.path} has it as services.{service.name}.model ({service.model})"
                yield Failure(reference, what, "give the service another version there, and deploy it")


def of_others(reference: str, read: Iterable[Fleet], store: Path | None) -> Iterator[Failure]:
    """Return the fleets that have a version by the audit log, and whose files are on other machines only.

    A file that was read and has the name of such a one counts as that one: it may have been brought here.
    """
    names = {one.path.name for one in read}
    for event in history.served(reference, audit.read(store)):
        path, machine = Path(event["fleet"]), disk.machine(event["by"])
        if machine != disk.machine(disk.who()) and not path.is_file() and path.name not in names:
            what = f"{event['by']} deployed it on {event['time']} with {path}, which is not on this machine"
            cure = f"delete it on {machine}, give that file with --fleet, or use --without-hosts if that fleet is gone"
            yield Failure(reference, what, cure)


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

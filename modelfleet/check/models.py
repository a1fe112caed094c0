"""Models: that the store has them whole, and that they meet what the fleet demands: fields of the card, signatures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from modelfleet import fleet, store
from modelfleet.check import shape
from modelfleet.check.shape import meant
from modelfleet.errors import Failure, Failures
from modelfleet.fleet import Fleet
from modelfleet.signing import Demands
from modelfleet_service import signing
from modelfleet_service.model import Model
from modelfleet_service.signing import Key, Signature


def failures(path: Path, read: Fleet, store_path: Path | None) -> Iterator[Failure]:
    """Return what is wrong with the fleet's demands; if nothing is, the models that don't meet them."""
    demands = Demands.of(read.settings)
    wrong = list(impossible(path, demands))
    yield from wrong
    for service in read.services:
        where = f"{path}: services.{service.name}.model: "
        try:
            model = store.find(service.model, store_path)
            members = store.members(model, store_path)
            lacks = [] if wrong else unmet(model, demands, members)
            lacks += _code([model, *members], bool(service.settings.get("python_code")))
        except Failure as refused:
            lacks = [refused]
        for failure in lacks:
            yield Failure(where + failure.where, failure.what, failure.cure)


def _code(models: Iterable[Model], allowed: bool) -> list[Failure]:
    """Refuse models that are Python code where the service does not allow that."""
    cure = "read its code, then say `python_code: true` at the service"
    named = [model.reference for model in models if model.scoring["runtime"] == "code"]
    return (
        [] if allowed else [Failure(name, "is Python code, which its service does not allow", cure) for name in named]
    )


def demands(path: Path) -> Demands:
    """Read what a fleet file demands of models; raise Failures where it can't be right."""
    resolved = fleet.listing(path)
    wrong = shape.failures(path, resolved)
    read = Demands.of({} if wrong else fleet.resolve(path, resolved).settings)
    wrong = wrong or list(impossible(path, read))
    if wrong:
        raise Failures(wrong)
    return read


def unmet(model: Model, demands: Demands, members: Iterable[Model] = ()) -> list[Failure]:
    """Return which demands a model doesn't meet: one failure for all fields together, one for each role.

    ``members`` are an ensemble's: each has to be signed as the ensemble itself. Raises Failure where a signature is
    not valid.
    """
    of_members = [
        Failure(f"{failure.where}, a member of {model.reference}", failure.what, failure.cure)
        for member in members
        for failure in demands.unsigned(member)
    ]
    return [*_fields(model, demands.fields), *demands.unsigned(model), *of_members]


def impossible(path: Path, demands: Demands) -> Iterator[Failure]:
    """Return the demands that no model can meet, and the keys that are none."""
    yield from _keys(path, demands.keys)
    yield from _roles(path, demands)
    yield from _paths(path, demands.fields)


def _fields(model: Model, fields: tuple[str, ...]) -> Iterator[Failure]:
    if not fields:
        return
    from modelfleet.saving import completeness  # slow to import, and seldom needed

    lacks = completeness.missing(model.card, fields)
    if lacks:
        what = f"its card lacks {', '.join(lacks)}, which this fleet demands (models_required_fields)"
        yield Failure(model.reference, what, "save it again with these, and deploy that version")


def _keys(path: Path, keys: tuple[Key, ...]) -> Iterator[Failure]:
    names: set[str] = set()
    owners: dict[str, str] = {}
    for key in keys:
        where = f"{path}: models_keys.{key.name}"
        if not signing.is_key(key.key):
            what = "the key is no Ed25519 public key, which is 32 bytes in base64"
            yield Failure(where, what, "paste the line that `modelfleet store keygen` printed")
        if key.name in names:
            yield Failure(where, "two keys have this name", "give each person one key, with all roles in its list")
        elif key.key in owners:
            what = f"has the key of {owners[key.key]}, and would count as two people"
            yield Failure(where, what, "let each person make a key: `modelfleet store keygen`")
        if not key.roles:
            yield Failure(where, "has no role", "give one, such as trainer, or take the key out")
        names.add(key.name)
        owners.setdefault(key.key, key.name)


def _roles(path: Path, demands: Demands) -> Iterator[Failure]:
    where = f"{path}: models_required_roles"
    known = {role for key in demands.keys for role in key.roles}
    unknown = [role for role in demands.roles if role not in known]
    for role in unknown:
        cure = meant(role, known) if known else "list the keys that may sign in it"
        yield Failure(where, f"no key in models_keys has the role {role}", cure)
    all_signed = [Signature(role, key.key, "", "", "") for key in demands.keys for role in key.roles]
    if not unknown and signing.lacking(all_signed, demands.keys, demands.roles):
        what = f"{', '.join(demands.roles)} can't all be signed, since one key counts for one role"
        yield Failure(where, what, "list another person's key in models_keys")


def _paths(path: Path, fields: tuple[str, ...]) -> Iterator[Failure]:
    if not fields:
        return
    from modelfleet.saving import completeness  # slow to import, and seldom needed

    known = completeness.paths()
    for field in fields:
        if not completeness.exists(field, known):
            yield Failure(f"{path}: models_required_fields", f"no card has a field {field}", meant(field, set(known)))

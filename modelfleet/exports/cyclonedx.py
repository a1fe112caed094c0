"""A CycloneDX 1.6 bill of materials for machine learning: the model, its files, its card, and what scoring needs.

Source: https://cyclonedx.org/docs/1.6/json/ (component of the type machine-learning-model, ``modelCard``). The library
writes all but the model card, which it has no classes for. The same version gives the same document.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

import modelfleet
from modelfleet import requirements
from modelfleet.saving.card import Card, Member, Tensor, checked
from modelfleet.saving.locks import PYTHONS
from modelfleet.saving.page import front_matter
from modelfleet_service.model import Model

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s<>\"{}|\\^`]+")


def write(model: Model, target: Path, members: Sequence[Model] = ()) -> None:
    """Write the bill as JSON."""
    target.write_text(json.dumps(bill(model, members), indent=1, ensure_ascii=False) + "\n")


def bill(model: Model, members: Sequence[Model] = ()) -> dict[str, Any]:
    """Return the bill of a verified model; an ensemble's ``members``, those of members too, are components of it."""
    card = checked(model.card)
    subject, packages = _component(model, card), list(_packages(model))
    parts = [_component(one, checked(one.card), _files(one)) for one in members]
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, model.digest),
        metadata=BomMetaData(
            component=subject,
            timestamp=datetime.fromisoformat(card.created),
            tools=ToolRepository(components=[_tool()]),
        ),
        components=[*_files(model), *parts, *packages],
    )
    for one, component in zip((model, *members), (subject, *parts), strict=True):
        bom.register_dependency(component, _needed(one, [*parts, *packages]))
    document: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    cards = {one.reference: model_card(checked(one.card)) for one in members}
    for component in document["components"]:
        component |= {"modelCard": cards[component["bom-ref"]]} if component["bom-ref"] in cards else {}
    document["metadata"]["component"]["modelCard"] = model_card(card)
    return document


def model_card(card: Card) -> dict[str, Any]:
    """Return the fields of a card that a CycloneDX model card has a place for; what it doesn't say is left out."""
    parameters = {
        "task": front_matter(card)["pipeline_tag"],
        "architectureFamily": card.algorithm,
        "datasets": list(_data(card)),
        "inputs": [{"format": _format(one)} for one in card.signature.inputs],
        "outputs": [{"format": _format(one)} for one in card.signature.outputs],
    }
    metrics = [{"type": one.metric, "value": repr(one.value), "slice": one.data_set} for one in card.evaluation]
    considerations = {"useCases": [card.intended_use], "technicalLimitations": [card.limits]}
    said = {
        "modelParameters": {name: value for name, value in parameters.items() if value},
        "quantitativeAnalysis": {"performanceMetrics": metrics} if metrics else {},
        "considerations": {name: value for name, value in considerations.items() if value != [""]},
        "properties": [
            {"name": f"modelfleet:parameter:{name}", "value": str(value)} for name, value in card.parameters.items()
        ],
    }
    return {name: value for name, value in said.items() if value}


def _needed(model: Model, components: Iterable[Component]) -> list[Component]:
    """Return those of some components that a model needs: its own members, and the packages that it locks."""
    direct = {f"{one.name}:{one.version}" for one in _members(checked(model.card))}
    names = direct | {str(package.bom_ref.value) for package in _packages(model)}
    return [one for one in components if one.bom_ref.value in names]


def _component(model: Model, card: Card, files: Iterable[Component] = ()) -> Component:
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=model.reference,
        name=model.name,
        version=str(model.version),
        description=card.description or None,
        authors=[OrganizationalContact(name=card.author)] if card.author else [],
        licenses=[LicenseFactory().make_from_string(card.license)] if card.license else [],
        hashes=[_hash(model.digest.removeprefix("sha256:"))],
        tags=card.tags,
        properties=[
            Property(name="modelfleet:digest", value=model.digest),
            Property(name="modelfleet:runtime", value=card.scoring.runtime),
            *(Property(name=f"modelfleet:lineage:{name}", value=value) for name, value in card.lineage.items()),
            *_combination(card),
        ],
        components=files,
    )


def _members(card: Card) -> list[Member]:
    return card.ensemble.members if card.ensemble else []


def _combination(card: Card) -> Iterator[Property]:
    """Say how an ensemble's members combine, and the part of each."""
    if card.ensemble:
        yield Property(name="modelfleet:ensemble:combine", value=card.ensemble.combine)
    if card.ensemble and card.ensemble.field:
        yield Property(name="modelfleet:ensemble:field", value=card.ensemble.field)
    for one in _members(card):
        reference = f"{one.name}:{one.version}"
        yield Property(name=f"modelfleet:ensemble:{one.role}", value=reference)
        if one.weight is not None:
            yield Property(name=f"modelfleet:ensemble:weight:{reference}", value=repr(one.weight))
        if one.routes:
            routes = json.dumps(one.routes, ensure_ascii=False)
            yield Property(name=f"modelfleet:ensemble:routes:{reference}", value=routes)


def _files(model: Model) -> Iterator[Component]:
    for file in model.files:
        reference = f"{model.reference}/{file.path}"
        yield Component(type=ComponentType.FILE, bom_ref=reference, name=file.path, hashes=[_hash(file.sha256)])


def _packages(model: Model) -> Iterator[Component]:
    """Give each package of the locks once a version, with the digests of its wheels for every Python and platform."""
    found: dict[tuple[str, str], set[str]] = {}
    for python in PYTHONS:
        path = requirements.path(model.path, python)
        lock = path.read_text() if path.is_file() else ""
        digests = requirements.hashes(lock)
        for name, version in requirements.versions(lock).items():
            found.setdefault((name, version), set()).update(digests[name])
    for (name, version), wheels in sorted(found.items()):
        purl = PackageURL("pypi", None, name, version)
        yield Component(
            type=ComponentType.LIBRARY,
            bom_ref=str(purl),
            name=name,
            version=version,
            purl=purl,
            hashes=[_hash(digest) for digest in wheels],
        )


def _data(card: Card) -> Iterator[dict[str, Any]]:
    if card.training_data:
        data = card.training_data
        words = ["training", f"{data.rows} rows" if data.rows is not None else "", data.digest]
        address = ADDRESS.fullmatch(data.location)
        said = {"type": "dataset", "name": data.name, "description": ", ".join(word for word in words if word)}
        if data.location and not address:
            said["description"] += f", from {data.location}"
        yield said | ({"contents": {"url": data.location}} if address else {})
    for name in sorted({one.data_set for one in card.evaluation}):
        yield {"type": "dataset", "name": name, "description": "evaluation"}


def _format(one: Tensor) -> str:
    shape = f"[{', '.join(map(str, one.shape))}]" if one.shape else ""
    return f"{one.name}: {one.dtype}{shape}{f' in {one.unit}' if one.unit else ''}"


def _tool() -> Component:
    return Component(type=ComponentType.APPLICATION, name="modelfleet", version=modelfleet.__version__)


def _hash(sha256: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=sha256)

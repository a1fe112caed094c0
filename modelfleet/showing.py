"""What a person wants to know of a saved version, gathered: its card, who vouches for it, what refers to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from modelfleet import signing, store
from modelfleet.saving import completeness
from modelfleet.store import audit, history
from modelfleet.tables import short, size, table
from modelfleet_service.model import Model
from modelfleet_service.signing import Signature

MOST = 12


@dataclass(frozen=True)
class Shown:
    """A verified version with its valid signatures.

    ``aliases`` point to it now, ``ensembles`` have it as a member, ``fleets`` are where the last recorded deploy
    brought it (fleet, services, time, by). ``score`` is how complete its card is, in per cent.
    """

    model: Model
    signatures: tuple[Signature, ...]
    aliases: tuple[str, ...]
    ensembles: tuple[str, ...]
    fleets: tuple[Mapping[str, Any], ...]
    score: int
    missing: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """The sum of all its files."""
        return sum(file.size for file in self.model.files)

    def said(self) -> dict[str, Any]:
        """Return what `modelfleet model show --json` prints."""
        model = self.model
        return {
            **model.named(),
            "path": str(model.path),
            "size_bytes": self.size_bytes,
            "aliases": list(self.aliases),
            "signatures": [asdict(one) for one in self.signatures],
            "ensembles": list(self.ensembles),
            "fleets": [dict(one) for one in self.fleets],
            "completeness": {"score": self.score, "missing": list(self.missing)},
            "card": model.card,
        }


def gather(reference: str, store_path: Path | None = None) -> Shown:
    """Verify a version and gather what is known of it; raise Failure as `store.find` and `signing.signatures` do."""
    model = store.find(reference, store_path)
    score, missing = completeness.score(model.card)
    entries = store.entries(None, store_path)
    pointing = [one for one, version in store.aliases(model.name, store_path).items() if version == model.version]
    return Shown(
        model=model,
        signatures=signing.signatures(model),
        aliases=tuple(pointing),
        ensembles=tuple(entry.reference for entry in entries if model.digest in entry.members),
        fleets=tuple(history.served(model.reference, audit.read(store_path))),
        score=score,
        missing=tuple(missing),
    )


def parts(shown: Shown) -> Iterator[Table | str]:
    """Return the screen as tables and lines."""
    yield table(["", ""], _facts(shown))
    yield ""
    yield from _signature(shown.model)
    evaluation = shown.model.card.get("evaluation") or ()
    if evaluation:
        yield ""
        rows = [[one["metric"], f"{one['value']:.4g}", one["data_set"]] for one in evaluation]
        yield table(["evaluation", "value", "data set"], rows, right=(1,))


def _facts(shown: Shown) -> Iterator[tuple[str, str]]:
    model, card = shown.model, shown.model.card
    yield "reference", model.reference + "".join(f" @{one}" for one in shown.aliases)
    yield "digest", model.digest
    yield "created", f"{card['created']} by {card.get('author') or '-'}"
    yield "algorithm", str(card.get("algorithm") or "-")
    yield "runtime", f"{model.scoring['runtime']}, {_parity(model.scoring)}"
    yield "size", f"{size(shown.size_bytes)} in {len(model.files)} files, {size(model.memory_bytes)} of memory to score"
    for one in shown.signatures:
        yield "signed", f"as {one.role} on {one.signed} (account {one.by}, key {one.key})"
    if not shown.signatures:
        yield "signed", "by nobody"
    for word, value in (card.get("lineage") or {}).items():
        yield "lineage", f"{word}: {value}"
    if card.get("breaking"):
        yield "breaking", card["breaking"]
    for reference in shown.ensembles:
        yield "member of", reference
    for fleet in shown.fleets:
        yield "deployed", f"{fleet['fleet']} as {', '.join(fleet['services'])}, {fleet['time']}"
    lacks = f"; missing: {', '.join(shown.missing)}" if shown.missing else ""
    yield "card", f"{shown.score} % complete{lacks}"
    yield "path", str(model.path)


def _parity(scoring: Mapping[str, Any]) -> str:
    if scoring.get("parity") is None:
        return "parity not measured"
    rows = f" on {scoring['parity_rows']} rows" if scoring.get("parity_rows") else ""
    return f"parity {scoring['parity']:.2g}{rows}"


def _signature(model: Model) -> Iterator[Table | str]:
    """Lay out inputs and outputs, the first twelve of each."""
    for kind in ("inputs", "outputs"):
        tensors = model.signature[kind]
        yield table([kind, "type", "shape", "missing", "unit"], [_tensor(one) for one in tensors[:MOST]])
        if len(tensors) > MOST:
            yield f"... and {len(tensors) - MOST} more"
    classes = [str(one) for one in model.signature.get("classes") or ()]
    if classes:
        more = f" ... and {len(classes) - MOST} more" if len(classes) > MOST else ""
        yield f"classes: {', '.join(classes[:MOST])}{more}"


def _tensor(one: Mapping[str, Any]) -> list[str]:
    shape = " x ".join(str(width) for width in one.get("shape") or ())
    return [one["name"], one["dtype"], shape, "may be" if one.get("nullable") else "", short(one.get("unit") or " ")]

"""Ensembles: models whose members are other saved models, found by their digests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet_service import members as models
from modelfleet_service.errors import ModelError, RequestError
from modelfleet_service.model import Model
from modelfleet_service.runtimes import Allowed, Answers, Members, Runtime, open_runtime
from modelfleet_service.signature import Batch, Signature

Floats = NDArray[np.float64]
SHOWN = 40


@dataclass(frozen=True)
class Member:
    """A loaded member: what it takes, its classes in the order of its probabilities, its weight, role and routes."""

    signature: Signature
    runtime: Runtime
    classes: list[Any]
    weight: float
    role: str
    routes: list[Any]

    def score(self, batch: Batch) -> Answers:
        """Score those arrays of a batch that the member takes, in its own order."""
        return self.runtime.score({entry.name: batch[entry.name] for entry in self.signature.inputs})


class Unrouted(RequestError):  # noqa: N818 - what an instance is
    """An instance whose value no member takes; ``row`` is its number in the batch."""

    def __init__(self, row: int, name: str, value: Any, known: Iterable[Any]) -> None:
        got = "null" if value is None else repr(value)[:SHOWN]
        message = f"expected one of {', '.join(map(repr, list(known)[:SHOWN]))}, got {got}"
        super().__init__(422, "no_route", message, f"instances[{row}].{name}")
        self.row, self.name, self.value, self.known = row, name, value, known

    def of(self, rows: NDArray[np.intp]) -> Unrouted:
        """Return the same of a batch of which these rows were scored."""
        return Unrouted(int(rows[self.row]), self.name, self.value, self.known)


class EnsembleRuntime:
    """Members that combine by ``mean``, ``weights``, ``vote``, ``stacking`` or ``route``, as the card says.

    Probabilities are in the order of the first member's classes, with stacking in that of the final model's. A member
    that is also one of another member is loaded once; ``opened`` has, by digest, those that are loaded already.
    """

    def __init__(self, model: Model, allowed: Allowed, members: Members, opened: dict[str, Runtime]) -> None:
        said = model.card.get("ensemble") or {}
        self._combine, self._field = str(said.get("combine")), str(said.get("field") or "")
        loaded = [_load(entry, allowed, members, opened) for entry in models.entries(model)]
        self._members = [member for member in loaded if member.role != "final"]
        self._final = next((member for member in loaded if member.role == "final"), None)
        if not self._members or (self._combine == "stacking" and not self._final):
            raise ModelError(model.reference, "its card names no members, or no final one for stacking")
        self._classes = self._members[0].classes
        self._default = next((member for member in loaded if member.role == "default"), None)
        self._by_value = {value: member for member in self._members for value in member.routes}

    def score(self, batch: Batch) -> Answers:
        """Score a batch; raises RequestError where an instance is to be routed and no member takes its value."""
        if self._combine == "route":
            return self._route(batch)
        if self._combine == "stacking":
            return self._finally(self.stack(batch))
        answers = [member.score(batch) for member in self._members]
        return self._vote(answers) if self._combine == "vote" else self._mean(answers)

    def stack(self, batch: Batch) -> Floats:
        """Lay the members' answers side by side: shape (n, members x classes), or (n, members x values)."""
        answers = [member.score(batch) for member in self._members]
        if self._classes:
            return np.hstack(self._all_shares(answers))
        return np.hstack([_flat(value) for one in answers for value in one.values.values()])

    def _finally(self, stack: Floats) -> Answers:
        """Score the stack, which the final model takes as one array or as a column an input."""
        assert self._final
        inputs = self._final.signature.inputs
        columns = [stack] if inputs[0].shape else list(stack.T)
        return self._final.runtime.score({entry.name: one for entry, one in zip(inputs, columns, strict=True)})

    def _mean(self, answers: list[Answers]) -> Answers:
        weights = [member.weight for member in self._members]
        if self._classes:
            shares = np.average(self._all_shares(answers), axis=0, weights=weights)
            return Answers(labels=np.asarray(self._classes)[shares.argmax(axis=1)], probabilities=shares)
        names = answers[0].values
        means = {name: np.average([one.values[name] for one in answers], axis=0, weights=weights) for name in names}
        return Answers(values=means)

    def _vote(self, answers: list[Answers]) -> Answers:
        """Give each class its share of the votes; a tie goes to the class with the higher mean probability."""
        classes = np.asarray(self._classes)
        votes = np.mean([np.asarray(one.labels)[:, None] == classes for one in answers], axis=0)
        leading = votes == votes.max(axis=1, keepdims=True)
        chosen = np.where(leading, np.mean(self._all_shares(answers), axis=0), -1.0).argmax(axis=1)
        return Answers(labels=classes[chosen], probabilities=votes)

    def _route(self, batch: Batch) -> Answers:
        """Let each member score its instances, and put the answers back into the instances' order."""
        parts = self._parts(batch[self._field])
        answers = [_of_rows(member, batch, rows) for member, rows in parts]
        order = np.argsort(np.concatenate([rows for _, rows in parts]))
        if self._classes:
            shares = [self._shares(answer, member) for answer, (member, _) in zip(answers, parts, strict=True)]
            labels = np.concatenate([np.asarray(answer.labels) for answer in answers])
            return Answers(labels=labels[order], probabilities=np.concatenate(shares)[order])
        names = answers[0].values
        return Answers(values={name: np.concatenate([one.values[name] for one in answers])[order] for name in names})

    def _parts(self, values: NDArray[Any]) -> list[tuple[Member, NDArray[np.intp]]]:
        """Return the members that are needed, each with the numbers of its instances."""
        chosen = [self._by_value.get(value, self._default) for value in values.tolist()]
        if None in chosen:
            row = chosen.index(None)
            raise Unrouted(row, self._field, values.tolist()[row], self._by_value)
        members = {id(member): member for member in chosen if member}
        ids = np.array([id(member) for member in chosen])
        return [(member, np.flatnonzero(ids == one)) for one, member in members.items()]

    def _all_shares(self, answers: Sequence[Answers]) -> list[Floats]:
        return [self._shares(one, member) for one, member in zip(answers, self._members, strict=True)]

    def _shares(self, answer: Answers, member: Member) -> Floats:
        """Put a member's probabilities into the order of the ensemble's classes."""
        order = [member.classes.index(label) for label in self._classes]
        return np.asarray(answer.probabilities, dtype=np.float64)[:, order]


def _of_rows(member: Member, batch: Batch, rows: NDArray[np.intp]) -> Answers:
    try:
        return member.score({name: array[rows] for name, array in batch.items()})
    except Unrouted as error:
        raise error.of(rows) from error


def _flat(value: NDArray[Any]) -> Floats:
    return value.reshape(len(value), -1).astype(np.float64)


def _load(entry: dict[str, Any], allowed: Allowed, members: Members, opened: dict[str, Runtime]) -> Member:
    model, weight = models.find(entry["digest"], members), entry.get("weight")
    if model.digest not in opened:
        opened[model.digest] = open_runtime(model, allowed, members, opened)
    return Member(
        signature=Signature.of(model.card),
        runtime=opened[model.digest],
        classes=list(model.signature.get("classes") or []),
        weight=1.0 if weight is None else float(weight),
        role=str(entry.get("role") or "member"),
        routes=list(entry.get("routes") or []),
    )

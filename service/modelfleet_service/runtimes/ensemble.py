"""Ensembles: models whose members are other saved models, found by their digests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelfleet_service.errors import ModelError
from modelfleet_service.model import Model
from modelfleet_service.runtimes import Allowed, Answers, Members, Runtime, open_runtime
from modelfleet_service.signature import Batch, Signature


@dataclass(frozen=True)
class Member:
    """A loaded member: what it takes, its classes in the order of its probabilities, its weight and its routes."""

    signature: Signature
    runtime: Runtime
    classes: list[Any]
    weight: float
    routes: list[Any]

    def score(self, batch: Batch) -> Answers:
        """Score those arrays of a batch that the member takes."""
        if not self.signature.named:
            return self.runtime.score({self.signature.inputs[0].name: next(iter(batch.values()))})
        return self.runtime.score({entry.name: batch[entry.name] for entry in self.signature.inputs})


class EnsembleRuntime:
    """Members that combine by ``mean``, ``weights``, ``vote``, ``stacking`` or ``route``, as the card says."""

    def __init__(self, model: Model, allowed: Allowed, members: Members) -> None:
        said = model.card["ensemble"]
        self._classes = list(model.signature.get("classes") or [])
        self._combine, self._field = said["combine"], said.get("field", "")
        loaded = [(entry, _load(entry, allowed, members)) for entry in said["members"]]
        self._members = [member for entry, member in loaded if entry.get("role", "member") == "member"]
        self._final = next((member for entry, member in loaded if entry.get("role") == "final"), None)

    def score(self, batch: Batch) -> Answers:
        """Score a batch."""
        if self._combine == "route":
            return self._route(batch)
        answers = [member.score(batch) for member in self._members]
        if self._combine == "vote":
            return self._vote(answers)
        if self._combine == "stacking":
            assert self._final
            return self._final.score({self._final.signature.inputs[0].name: self.stack(answers)})
        return self._mean(answers)

    def stack(self, answers: list[Answers]) -> NDArray[np.float64]:
        """Lay the members' answers side by side: (n, members x classes), or (n, members) for values."""
        if self._classes:
            return np.hstack([self._shares(one, member) for one, member in zip(answers, self._members, strict=True)])
        return np.hstack([value.reshape(len(value), -1) for one in answers for value in one.values.values()])

    def _mean(self, answers: list[Answers]) -> Answers:
        weights = np.array([member.weight for member in self._members])
        if self._classes:
            shares = [self._shares(one, member) for one, member in zip(answers, self._members, strict=True)]
            return self._labelled(np.average(shares, axis=0, weights=weights))
        names = answers[0].values
        means = {name: np.average([one.values[name] for one in answers], axis=0, weights=weights) for name in names}
        return Answers(values=means)

    def _vote(self, answers: list[Answers]) -> Answers:
        """Give each class its share of the votes; a tie goes to the class with the higher mean probability."""
        shares = [self._shares(one, member) for one, member in zip(answers, self._members, strict=True)]
        votes = np.mean([np.eye(len(self._classes))[one.argmax(axis=1)] for one in shares], axis=0)
        chosen = np.lexsort((np.mean(shares, axis=0), votes), axis=1)[:, -1]
        return Answers(labels=np.asarray(self._classes)[chosen], probabilities=votes)

    def _route(self, batch: Batch) -> Answers:
        values = batch[self._field]
        default = next((number for number, member in enumerate(self._members) if not member.routes), None)
        by_value = {route: number for number, member in enumerate(self._members) for route in member.routes}
        chosen = [by_value.get(value, default) for value in values.tolist()]
        if None in chosen:
            raise ModelError(self._field, f"no member takes {values[chosen.index(None)]!r}, and none takes the rest")
        parts = [(np.flatnonzero(np.array(chosen) == number), number) for number in sorted(set(map(int, chosen)))]  # type: ignore[arg-type]
        answers = [
            (rows, self._members[number], self._members[number].score({name: one[rows] for name, one in batch.items()}))
            for rows, number in parts
        ]
        if self._classes:
            shares = np.zeros((len(values), len(self._classes)))
            for rows, member, answer in answers:
                shares[rows] = self._shares(answer, member)
            return self._labelled(shares)
        joined: dict[str, NDArray[Any]] = {}
        for rows, _, answer in answers:
            for name, value in answer.values.items():
                joined.setdefault(name, np.zeros((len(values), *value.shape[1:])))[rows] = value
        return Answers(values=joined)

    def _shares(self, answer: Answers, member: Member) -> NDArray[np.float64]:
        """Put a member's probabilities into the order of the ensemble's classes."""
        order = [member.classes.index(label) for label in self._classes]
        return np.asarray(answer.probabilities, dtype=np.float64)[:, order]

    def _labelled(self, shares: NDArray[np.float64]) -> Answers:
        return Answers(labels=np.asarray(self._classes)[shares.argmax(axis=1)], probabilities=shares)


def _load(entry: dict[str, Any], allowed: Allowed, members: Members) -> Member:
    model = members(entry["digest"])
    weight = entry.get("weight")
    return Member(
        signature=Signature.of(model.card),
        runtime=open_runtime(model, allowed, members),
        classes=list(model.signature.get("classes") or []),
        weight=1.0 if weight is None else float(weight),
        routes=list(entry.get("routes") or []),
    )

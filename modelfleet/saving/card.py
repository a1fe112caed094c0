"""The card: the model's document, refused where a field is unknown or has the wrong type, and its page for people."""

from __future__ import annotations

from typing import Any, Literal

import jinja2
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr


class Part(BaseModel):
    """A part of the card; an unknown field is a mistake."""

    model_config = ConfigDict(extra="forbid")


class TrainingData(Part):
    """What the model learned from; ``digest`` is the SHA-256 of the data as it was read."""

    name: str
    location: str = ""
    rows: int | None = None
    digest: str = ""


class Measure(Part):
    """One figure of the evaluation."""

    metric: str
    data_set: str
    value: float


class Tensor(Part):
    """One input or output; ``shape`` is without the batch, and empty for a single value."""

    name: str
    dtype: str
    shape: list[int] = Field(default_factory=list)
    unit: str = ""


class Signature(Part):
    """What goes in and what comes out; ``classes`` are a classifier's, in the order of its probabilities."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    classes: list[StrictBool | StrictInt | StrictFloat | StrictStr] = Field(default_factory=list)


class Scoring(Part):
    """How the artefact is scored; ``parity`` is the largest difference from the trainer's own answers."""

    runtime: Literal["onnx", "skops"]
    file: str
    tolerance: float
    parity: float | None = None
    memory_bytes: int = 0


class Card(Part):
    """The whole document, ``model.yaml``."""

    name: str
    version: int
    created: str
    author: str = ""
    algorithm: str
    libraries: dict[str, str]
    parameters: dict[str, Any] = Field(default_factory=dict)
    training_data: TrainingData | None = None
    evaluation: list[Measure] = Field(default_factory=list)
    signature: Signature
    scoring: Scoring
    intended_use: str = ""
    limits: str = ""
    lineage: dict[str, str] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)


PAGE = """\
# {{ card.name }}:{{ card.version }}

{{ card.algorithm }}, saved {{ card.created }}{% if card.author %} by {{ card.author }}{% endif %}.

## Intended use
{{ card.intended_use or "Not said." }}

## Limits
{{ card.limits or "Not said." }}

## Evaluation
{% for measure in card.evaluation %}
- {{ measure.metric }} on {{ measure.data_set }}: {{ "%.4f" | format(measure.value) }}
{% else %}
Not said.
{% endfor %}

## Training data
{% if card.training_data %}
{{ card.training_data.name }}, {{ card.training_data.rows }} rows. {{ card.training_data.location }}
{% else %}
Not said.
{% endif %}

## Parameters
{% for name, value in card.parameters.items() %}
- {{ name }}: {{ value }}
{% else %}
None.
{% endfor %}

## Libraries
{% for name, version in card.libraries.items() %}
- {{ name }} {{ version }}
{% endfor %}
"""


def page(card: Card) -> str:
    """Render MODEL_CARD.md."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    return environment.from_string(PAGE).render(card=card)

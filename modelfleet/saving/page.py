"""MODEL_CARD.md: the card for people, with the front matter that the Hugging Face Hub reads.

The fields of the front matter are those of https://huggingface.co/docs/hub/model-cards#model-card-metadata.
"""

from __future__ import annotations

from typing import Any

import jinja2
import yaml

from modelfleet.saving.card import Card

LIBRARIES = {"onnx": "onnx", "skops": "sklearn", "xgboost": "xgboost", "lightgbm": "lightgbm"}
PAGE = """\
# {{ card.name }}:{{ card.version }}

{{ card.algorithm }}, saved {{ card.created }}{% if card.author %} by {{ card.author }}{% endif %}.
{% if card.description %}

{{ card.description }}
{% endif %}

## Intended use

{{ card.intended_use or "Not said." }}

## Limits

{{ card.limits or "Not said." }}

## Evaluation

{% if card.evaluation %}
| metric | data set | value |
|---|---|---|
{% for measure in card.evaluation %}
| {{ measure.metric }} | {{ measure.data_set }} | {{ "%.4g" | format(measure.value) }} |
{% endfor %}
{% else %}
Not said.
{% endif %}

## Inputs and outputs

| | name | type | shape | may be missing | unit | meaning |
|---|---|---|---|---|---|---|
{% for kind, tensors in (("input", card.signature.inputs), ("output", card.signature.outputs)) %}
{% for one in tensors %}
| {{ kind }} | {{ one.name }} | {{ one.dtype }} | {{ one.shape or "" }} | {{ "yes" if one.nullable else "" }} | \
{{ one.unit }} | {{ one.description }} |
{% endfor %}
{% endfor %}
{% if card.signature.classes %}

Classes: {{ card.signature.classes | join(", ") }}.
{% endif %}

## Training data

{% if card.training_data %}
{{ card.training_data.name }}\
{% if card.training_data.rows is not none %}, {{ card.training_data.rows }} rows{% endif %}.
{% if card.training_data.location %}
Location: {{ card.training_data.location }}
{% endif %}
{% if card.training_data.digest %}
Digest: {{ card.training_data.digest }}
{% endif %}
{% else %}
Not said.
{% endif %}

## Scoring

Runtime: {{ card.scoring.runtime }}.
{% if card.scoring.parity is not none %}
The largest difference from the trainer's own answers is {{ "%.2g" | format(card.scoring.parity) }}\
{% if card.scoring.parity_rows %} on {{ card.scoring.parity_rows }} rows{% endif %}.
{% endif %}
{% for one in card.scoring.refused %}
A conversion to {{ one.format }} was refused: {{ one.refused }}.
{% endfor %}
{% if card.ensemble %}

## Members

Combined by {{ card.ensemble.combine }}{% if card.ensemble.field %} on {{ card.ensemble.field }}{% endif %}.

{% for member in card.ensemble.members %}
- {{ member.name }}:{{ member.version }}{% if member.weight is not none %}, weight {{ member.weight }}{% endif %}\
{% if member.routes %}, for {{ member.routes | join(", ") }}{% endif %}\
{% if member.role != "member" %}, {{ member.role }}{% endif %} ({{ member.digest[:19] }})
{% endfor %}
{% endif %}
{% if card.lineage or card.breaking %}

## Lineage

{% for name, value in card.lineage.items() %}
- {{ name }}: {{ value }}
{% endfor %}
{% if card.breaking %}
- breaking: {{ card.breaking }}
{% endif %}
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
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown, which its viewer makes safe
    )
    matter = yaml.safe_dump(front_matter(card), sort_keys=False, allow_unicode=True)
    return f"---\n{matter}---\n\n{environment.from_string(PAGE).render(card=card)}"


def front_matter(card: Card) -> dict[str, Any]:
    """Return the metadata of a model card as the Hub knows it; what the card does not say is left out."""
    task = "tabular-classification" if card.signature.classes else "tabular-regression"
    if any(entry.dtype == "string" and card.signature.instance == "value" for entry in card.signature.inputs):
        task = "text-classification"
    matter = {
        "license": card.license,
        "language": card.languages,
        "library_name": LIBRARIES.get(card.scoring.runtime, ""),
        "pipeline_tag": task,
        "tags": card.tags,
        "metrics": sorted({measure.metric for measure in card.evaluation}),
        "model-index": _index(card, task),
    }
    return {name: value for name, value in matter.items() if value}


def _index(card: Card, task: str) -> list[dict[str, Any]]:
    if not card.evaluation:
        return []
    results = [
        {
            "task": {"type": task},
            "dataset": {"name": measure.data_set, "type": "tabular" if task.startswith("tabular") else "text"},
            "metrics": [{"type": measure.metric, "name": measure.metric, "value": measure.value}],
        }
        for measure in card.evaluation
    ]
    return [{"name": f"{card.name}:{card.version}", "results": results}]

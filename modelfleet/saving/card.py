"""The card: the model's document, refused where a field is unknown or has the wrong type."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from modelfleet.errors import Failure
from modelfleet_service.members import How

Dtype = Literal["float32", "float64", "int64", "bool", "string"]
Label = StrictBool | StrictInt | StrictFloat | StrictStr


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
    value: float = Field(allow_inf_nan=False)


class Tensor(Part):
    """One input or output; ``shape`` is without the batch, empty for a single value; ``nullable`` allows null."""

    name: str
    dtype: Dtype
    shape: list[int] = Field(default_factory=list)
    nullable: bool = False
    unit: str = ""
    description: str = ""


class Signature(Part):
    """What goes in and what comes out; ``classes`` are a classifier's, in the order of its probabilities.

    An ``instance`` is an object with a value for each input, or the value of the only input; where a card does not
    say, it is a value if the first input has a shape.
    """

    inputs: list[Tensor] = Field(min_length=1)
    outputs: list[Tensor] = Field(min_length=1)
    classes: list[Label] = Field(default_factory=list)
    instance: Literal["object", "value"] | None = None


class Conversion(Part):
    """A conversion that was tried and refused: to which format, why, and the parity that was measured, if any."""

    format: str
    refused: str
    parity: float | None = None


class Scoring(Part):
    """How the artefact is scored; ``parity`` is the largest difference from the trainer's own answers.

    ``takes`` is what a skops estimator was fitted on, ``activation`` what an ONNX graph's scores still need,
    ``entry`` the class of a model that is code, such as ``scorer:Scorer``.
    """

    runtime: Literal["onnx", "skops", "xgboost", "lightgbm", "code", "ensemble"]
    file: str
    tolerance: float
    parity: float | None = None
    parity_rows: int | None = None
    memory_bytes: int = 0
    takes: Literal["matrix", "frame", "texts"] = "matrix"
    activation: Literal["none", "softmax", "sigmoid"] = "none"
    entry: str = ""
    refused: list[Conversion] = Field(default_factory=list)


class Member(Part):
    """A member of an ensemble: a saved version, known by its digest.

    ``final`` scores what the others answer, ``default`` takes the instances that no route names.
    """

    name: str
    version: int
    digest: str
    role: Literal["member", "final", "default"] = "member"
    weight: float | None = None
    routes: list[StrictBool | StrictInt | StrictStr] = Field(default_factory=list)


class Ensemble(Part):
    """How an ensemble's members combine; ``field`` is the input by which ``route`` chooses the member."""

    combine: How
    members: list[Member] = Field(min_length=1)
    field: str = ""


class Card(Part):
    """The whole document, ``model.yaml``."""

    name: str
    version: int
    created: str
    author: str = ""
    description: str = ""
    license: str = ""
    languages: list[str] = Field(default_factory=list)
    algorithm: str
    libraries: dict[str, str]
    parameters: dict[str, Any] = Field(default_factory=dict)
    training_data: TrainingData | None = None
    evaluation: list[Measure] = Field(default_factory=list)
    signature: Signature
    scoring: Scoring
    ensemble: Ensemble | None = None
    intended_use: str = ""
    limits: str = ""
    lineage: dict[str, str] = Field(default_factory=dict)
    breaking: str = ""
    tags: list[str] = Field(default_factory=list)


def _told_apart(classes: list[Label]) -> list[Label]:
    if len({type(label) for label in classes}) > 1:
        raise PydanticCustomError("classes", "holds labels of several types")
    if len(set(classes)) < len(classes):
        raise PydanticCustomError("classes", "holds a label twice")
    return classes


class Besides(Part):
    """What a card file may say besides the card's fields: it is used up while a model is saved."""

    classes: Annotated[list[Label], AfterValidator(_told_apart)] = Field(default_factory=list)
    activation: Literal["none", "softmax", "sigmoid"] | None = None
    feature_names: list[StrictStr | StrictInt] | None = None
    nullable: list[StrictStr] = Field(default_factory=list)
    about_inputs: dict[str, dict[str, str]] = Field(default_factory=dict)


OURS = ("name", "version", "created", "signature", "scoring", "ensemble", "breaking")
"""The fields that are no saver's to say."""


def read(path: Path | None, name: str = "") -> dict[str, Any]:
    """Read a YAML file with fields of a card and of `Besides`, none if there is no path.

    Raises Failure where it is no mapping, a field is unknown or of the wrong type, or it says what only the kit can
    know; ``name`` is the one that it may say.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Failure(str(path), f"can't be read ({' '.join(str(error).split())})", "give a YAML file") from error
    if not isinstance(content, dict):
        raise Failure(str(path), "not a card", "give a YAML mapping with the card's fields")
    ours = [field for field in OURS if field in content and (field != "name" or content[field] != name)]
    if ours:
        raise Failure(str(path), f"says {', '.join(ours)}, which saving sets", "leave it out; is it another's card?")
    examined(content)
    return content


def examined(fields: Mapping[str, Any]) -> None:
    """Look at some of a card's fields, and those of `Besides`, before anything is computed.

    Raises Failure that names the field which is unknown or of the wrong type.
    """
    besides = {field: value for field, value in fields.items() if field in Besides.model_fields}
    try:
        Besides.model_validate(besides)
        Card.model_validate({field: value for field, value in fields.items() if field not in besides})
    except ValidationError as error:
        wrong = [one for one in error.errors() if one["type"] != "missing" or len(one["loc"]) > 1]
        if wrong:
            raise _failure(wrong[0]) from error


def classes(fields: Mapping[str, Any]) -> list[Any]:
    """Return the classes that some of a card's fields say, none if they don't; raise Failure as `examined` does."""
    said = fields.get("classes", [])
    examined({"classes": said})
    return list(said)


def checked(document: Mapping[str, Any]) -> Card:
    """Read a card; raise Failure that names the field which is unknown, missing or of the wrong type."""
    try:
        return Card.model_validate(document)
    except ValidationError as error:
        raise _failure(error.errors()[0]) from error


def _failure(error: ErrorDetails) -> Failure:
    where = "card." + ".".join(str(part) for part in error["loc"])
    return Failure(where, error["msg"].lower(), "mend the card; nothing was saved")

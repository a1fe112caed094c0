"""The HTTP service: right answers, and a 4xx with the field for every mistake of a client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.conftest import INSTANCE

PREDICT = "/models/flowers/predict"


def post(client: FlaskClient, body: Any, **headers: str) -> Any:
    """Send a body, encoded unless it is bytes already."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(PREDICT, data=data, headers={"Content-Type": "application/json", **headers})


def said_in(answer: Any) -> Any:
    """The JSON body of an answer."""
    return json.loads(answer.data)


def test_an_instance_gets_a_label_and_probabilities_that_add_up(client: FlaskClient) -> None:
    (prediction,) = post(client, {"instances": [INSTANCE]}).json["predictions"]
    assert prediction["label"] == "setosa"
    assert set(prediction["probabilities"]) == {"setosa", "versicolor", "virginica"}
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)


def test_answers_come_in_the_order_of_the_instances(client: FlaskClient) -> None:
    other = INSTANCE | {"petal length": 6.0, "petal width": 2.5, "sepal length": 6.5}
    labels = [row["label"] for row in post(client, {"instances": [other, INSTANCE]}).json["predictions"]]
    assert labels == ["virginica", "setosa"]


def without(name: str) -> dict[str, float]:
    """The instance without a column."""
    return {key: value for key, value in INSTANCE.items() if key != name}


MISTAKES: list[tuple[Any, int, str | None, str]] = [
    (b"", 400, None, "not JSON"),
    (b'{"instances": [', 400, None, "not JSON"),
    (b'{"instances": [{"sepal length": NaN}]}', 400, None, "not JSON"),
    (b"[" * 3000, 400, None, "not JSON"),
    (b"\xff\xfe", 400, None, "not JSON"),
    ([1], 422, "instances", "instances"),
    ({}, 422, "instances", "instances"),
    ({"instances": []}, 422, "instances", "at least one"),
    ({"instances": {}}, 422, "instances", "expected a list, got an object"),
    ({"instances": None}, 422, "instances", "got null"),
    ({"instances": [INSTANCE], "extra": 1}, 422, "extra", "instances alone"),
    ({"instances": [INSTANCE] * 6}, 413, "instances", "at most 5"),
    ({"instances": [[1, 2, 3, 4]]}, 422, "instances[0]", "expected an object with 4 columns, got a list of 4"),
    ({"instances": [INSTANCE, 5]}, 422, "instances[1]", "got 5"),
    ({"instances": [without("petal width")]}, 422, "instances[0].petal width", "got nothing"),
    ({"instances": [INSTANCE | {"petal_width": 1}]}, 422, "instances[0].petal_width", "did you mean 'petal width'?"),
    ({"instances": [INSTANCE | {"petal width": "abc"}]}, 422, "instances[0].petal width", "got 'abc'"),
    ({"instances": [INSTANCE | {"petal width": True}]}, 422, "instances[0].petal width", "got true"),
    ({"instances": [INSTANCE | {"petal width": None}]}, 422, "instances[0].petal width", "got null"),
    ({"instances": [INSTANCE | {"petal width": 1e300}]}, 422, "instances[0].petal width", "at most"),
    ({"instances": [INSTANCE | {"petal width": [1]}]}, 422, "instances[0].petal width", "got a list of 1"),
    ({"instances": [INSTANCE], "pad": "x" * 5000}, 413, None, ""),
]


@pytest.mark.parametrize(("body", "status", "field", "words"), MISTAKES)
def test_a_mistake_is_a_4xx_that_names_the_field(
    client: FlaskClient, body: Any, status: int, field: str | None, words: str
) -> None:
    answer = post(client, body)
    assert answer.status_code == status, answer.data
    assert answer.json["error"]["field"] == field
    assert words in answer.json["error"]["message"]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_an_integer_of_a_thousand_digits_is_a_mistake_of_the_client(client: FlaskClient) -> None:
    body = b'{"instances": [{"sepal length": ' + b"9" * 1000 + b"}]}"
    assert post(client, body).status_code in (400, 422)


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"Content-Type": "text/plain"}, "wrong_type"), ({"Content-Encoding": "gzip"}, "encoded_body")],
)
def test_another_type_or_encoding_is_a_415(client: FlaskClient, headers: dict[str, str], code: str) -> None:
    answer = post(client, {"instances": [INSTANCE]}, **headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (415, code)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/models/flowers", 200),
        ("GET", PREDICT, 405),
        ("POST", "/models/other/predict", 404),
        ("GET", "/", 404),
    ],
)
def test_every_answer_names_the_model_s_version_and_the_request(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open(path, method=method, headers={"X-Request-ID": "mine-1"})
    assert answer.status_code == status
    assert answer.headers["X-Model-Version"] == "flowers:1"
    assert answer.headers["X-Request-ID"] == "mine-1"
    assert answer.is_json


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*INSTANCE, "instances"]), inner),
    max_leaves=8,
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | st.builds(lambda rows: {"instances": rows}, JSON) | st.binary(max_size=64))
def test_no_body_whatever_is_a_fault_of_ours(client: FlaskClient, body: Any) -> None:
    answer = post(client, body)
    assert answer.status_code in (200, 400, 413, 422)
    assert answer.json


@pytest.mark.parametrize("given_id", ["", "a b", "x" * 129, 'a"b', "ä"])
def test_a_request_id_that_could_break_a_log_is_replaced(client: FlaskClient, given_id: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": given_id})
    assert len(answer.headers["X-Request-ID"]) == 32


def test_readyz_names_the_release_and_the_digest(client: FlaskClient, store: Any) -> None:
    said = said_in(client.get("/readyz"))
    assert said["status"] == "ready"
    assert said["model"] == "flowers:1"
    assert said["release"] == "0123456789ab"
    assert said["digest"].startswith("sha256:")


def test_readyz_is_503_once_the_model_answers_otherwise(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelfleet_service.runtimes.skops import SkopsRuntime

    score = SkopsRuntime.score
    monkeypatch.setattr(
        SkopsRuntime, "score", lambda self, batch: score(self, {name: array[::-1] for name, array in batch.items()})
    )
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "golden row 0: label: expected" in said_in(answer)["detail"]


def test_a_fault_of_ours_is_a_500_without_its_traceback(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelfleet_service.scorer import Scorer

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("inner detail")

    monkeypatch.setattr(Scorer, "predict", broken)
    answer = post(client, {"instances": [INSTANCE]})
    assert answer.status_code == 500
    assert "inner detail" not in answer.text


def test_the_card_in_brief_says_what_a_client_needs(client: FlaskClient) -> None:
    said = said_in(client.get("/models/flowers"))
    assert [entry["name"] for entry in said["signature"]["inputs"]] == list(INSTANCE)
    assert said["intended_use"] == "tests"

"""A graph's own limits: what a client sends beyond them is the client's mistake, and no fault of the service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from onnx import ModelProto, TensorProto

import modelfleet
from modelfleet_service.app import create_app
from modelfleet_service.release import open_release
from tests.graphs import embedding, linear, pixels
from tests.service.conftest import make_release

WHOLE = np.arange(6).reshape(2, 3) % 5


def client(graph: ModelProto, place: Path) -> FlaskClient:
    """Save a graph, and make a client of its service."""
    saved = modelfleet.save(graph, "net", inputs=WHOLE, store_path=place / "store")
    return create_app(open_release(make_release(place / "release", saved.path))).test_client()


def refusal(asked: FlaskClient, instances: list[Any]) -> tuple[int, str, str]:
    """Return the status, the code and the field of an answer."""
    answer = asked.post("/models/net/predict", json={"instances": instances})
    error = answer.get_json()["error"]
    return answer.status_code, error["code"], error["field"]


@pytest.mark.parametrize(("kind", "most"), [(TensorProto.UINT8, 255), (TensorProto.INT16, 32767)])
def test_a_narrow_element_type_takes_its_own_range_alone(tmp_path: Path, kind: int, most: int) -> None:
    asked = client(pixels(kind), tmp_path)
    answer = asked.post("/models/net/predict", json={"instances": [[0, 1, most]]})
    assert answer.get_json()["predictions"] == [{"floats": [0.0, 1.0, most]}]
    assert refusal(asked, [[0, 1, 2], [0, most + 1, 2]]) == (422, "out_of_range", "instances[1]")


def test_a_number_beyond_float16_is_refused_and_no_infinity(tmp_path: Path) -> None:
    half = linear(kind=TensorProto.FLOAT16, weights={"eye": np.eye(3, dtype=np.float16)})
    assert refusal(client(half, tmp_path), [[1e5, 0.0, 0.0]]) == (422, "out_of_range", "instances[0]")


def test_an_index_beyond_an_embedding_is_the_client_s_mistake(tmp_path: Path) -> None:
    assert refusal(client(embedding(), tmp_path), [[0, 1, 99]]) == (422, "not_taken", "instances")


def test_onnxruntime_writes_nothing_of_what_it_raises(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked = client(embedding(), tmp_path)
    capfd.readouterr()
    refusal(asked, [[0, 1, 99]])
    assert "onnxruntime" not in capfd.readouterr().err


def test_onnxruntime_runs_no_thread_that_reports_its_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh process, because it decides when it is imported; it stays silent in CI anyway, so that is taken away."""
    for name in ("CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS"):
        monkeypatch.delenv(name, raising=False)
    count = "len(os.listdir('/proc/self/task'))"
    script = f"import os, numpy; n = {count}; import modelfleet_service.runtimes.onnx; print({count} - n)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"

"""Under the real Gunicorn: ready only with a model that is whole and answers as the trainer saw."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelfleet_service import golden, model

DEADLINE_SECONDS = 40


@contextmanager
def gunicorn(release: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start Gunicorn as the unit does, on a free port of 127.0.0.1; end it afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    words = ["--config", "python:modelfleet_service.gunicorn_conf", "--preload", "--no-control-socket"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *words, "--bind", f"127.0.0.1:{port}", "modelfleet_service.wsgi:app"],
        env={**os.environ, "MODELFLEET_RELEASE": str(release)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, port
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_SECONDS)


def said(process: subprocess.Popen[str]) -> list[dict[str, object]]:
    """All log lines; each has to be a JSON object."""
    assert process.stdout
    return [json.loads(line) for line in process.stdout.read().splitlines()]


def test_a_whole_release_answers_and_logs_a_json_line_a_request(release_folder: Path) -> None:
    with gunicorn(release_folder) as (process, port):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                url = f"http://127.0.0.1:{port}/readyz"
                request = urllib.request.Request(url, headers={"X-Request-ID": "abc"})
                assert urllib.request.urlopen(request, timeout=5).status == 200
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    (line,) = [line for line in said(process) if line["message"] == "answered"]
    assert (line["request_id"], line["path"], line["status"], line["model"]) == ("abc", "/readyz", 200, "flowers:1")


def test_an_altered_model_ends_the_process_and_says_which_file(release_folder: Path) -> None:
    path = release_folder / "model/model.skops"
    path.write_bytes(path.read_bytes()[::-1])
    with gunicorn(release_folder) as (process, _):
        assert process.wait(timeout=DEADLINE_SECONDS) != 0
    assert any("model.skops: was altered" in str(line["message"]) for line in said(process))


def test_a_wrong_golden_answer_ends_the_process_with_got_and_expected(release_folder: Path) -> None:
    folder = release_folder / "model"
    rows = golden.read(folder / golden.FILE)
    wrong = [golden.Row(row.instance, row.prediction | {"label": "other"}, row.tolerance) for row in rows]
    golden.write(folder / golden.FILE, wrong)
    (folder / model.MANIFEST).write_text(model.manifest_of(folder))
    document = json.loads((release_folder / "release.json").read_text())
    document["model"]["digest"] = model.read(folder).digest
    (release_folder / "release.json").write_text(json.dumps(document))
    with gunicorn(release_folder) as (process, _):
        assert process.wait(timeout=DEADLINE_SECONDS) != 0
    assert any("label: expected 'other', got 'setosa'" in str(line["message"]) for line in said(process))


def test_a_model_that_the_release_does_not_name_ends_the_process(release_folder: Path) -> None:
    document = json.loads((release_folder / "release.json").read_text())
    document["model"]["digest"] = "sha256:00"
    (release_folder / "release.json").write_text(json.dumps(document))
    with gunicorn(release_folder) as (process, _):
        assert process.wait(timeout=DEADLINE_SECONDS) != 0
    assert any("where the release says sha256:00" in str(line["message"]) for line in said(process))

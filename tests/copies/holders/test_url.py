"""Copies at URLs. S3 itself can't be had here: moto's server answers S3's protocol on a socket of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from modelfleet.copies import contents, heal, recover, replicate, survey
from modelfleet.copies.targets import Target
from tests.copies.conftest import flip


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a bucket on a server of our own."""
    import s3fs

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = f"bucket{port}"
    s3fs.S3FileSystem().mkdir(bucket)
    yield f"s3://{bucket}/copies"
    server.stop()


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A URL of each kind."""
    return f"file://{tmp_path}/away" if request.param == "file" else str(request.getfixturevalue("s3"))


def test_a_store_is_replicated_verified_lost_and_recovered(url: str, origin: Path, tmp_path: Path) -> None:
    assert replicate.run(Target(url), origin).is_complete
    assert survey.check(origin) == []
    assert sum(row.sent_bytes for row in replicate.run(Target(url), origin).holders) == 0
    assert recover.run(Target(url), tmp_path / "new").is_complete
    assert contents.digests(tmp_path / "new") == contents.digests(origin)


def test_damage_there_and_here_is_named_and_healed(origin: Path, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/away"
    replicate.run(Target(url), origin)
    flip(tmp_path / "away/models/many/2/model.onnx")
    (tmp_path / "away/models/many/3/more.txt").write_text("more")
    flip(origin / "few/1/model.onnx")
    found = {finding.where for finding in survey.check(origin)}
    assert {
        f"{url}/models/many/2/model.onnx",
        f"{url}/models/many/3/more.txt",
        str(origin / "few/1/model.onnx"),
    } <= found
    assert heal.run(origin).remains == ()


def test_what_a_killed_run_left_is_found_and_removed(origin: Path, tmp_path: Path) -> None:
    replicate.run(Target(f"file://{tmp_path}/away"), origin)
    (tmp_path / "away/models/many/1/model.onnx.new").write_text("half")
    assert [finding.kind for finding in survey.check(origin)] == ["leftover"]
    assert heal.run(origin).remains == ()


def test_a_bucket_that_is_gone_is_a_finding(s3: str, origin: Path) -> None:
    replicate.run(Target(s3), origin)
    file = origin / "copies.json"
    file.write_text(file.read_text().replace("s3://", "s3://no-such-"))
    assert "few" in {finding.kind for finding in survey.check(origin)}


def test_a_stray_folder_there_is_no_copy_and_stops_nothing(origin: Path, tmp_path: Path) -> None:
    replicate.run(Target(f"file://{tmp_path}/away"), origin)
    (tmp_path / "away/models/many/manifest.json").write_text("{}")
    assert replicate.run(Target(f"file://{tmp_path}/away"), origin).failed == ()

"""What is looked at on a host: the files of the model that is served, and its signatures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelfleet.evidence import on_host
from modelfleet_service.model import sha256_of
from tests.signing import sign, small_model


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release on a host whose model somebody signed."""
    model = small_model(tmp_path / "release/model")
    sign(model, ann="trainer")
    files = [{"name": path.name, "sha256": sha256_of(path)} for path in model.path.iterdir()]
    (tmp_path / "release/release.json").write_text(json.dumps({"model_files": files}))
    return tmp_path / "release"


def test_a_release_as_it_was_shipped_has_nothing_altered(release: Path) -> None:
    assert on_host.altered(release) == []


@pytest.mark.parametrize("name", ["model.yaml", "manifest.sig"])
def test_an_altered_or_missing_file_is_named(release: Path, name: str) -> None:
    path = release / "model" / name
    path.write_bytes(path.read_bytes() + b" ")
    assert on_host.altered(release) == [name]
    path.unlink()
    assert on_host.altered(release) == [name]


def test_signatures_that_were_not_shipped_are_named(release: Path) -> None:
    (release / "release.json").write_text(json.dumps({"model_files": []}))
    assert on_host.altered(release) == ["manifest.sig"]


@pytest.fixture
def ensemble(release: Path, tmp_path: Path) -> Path:
    """The same release with a member that nobody signed; its folder is named by its digest."""
    member = small_model(tmp_path / "member", "petals", 1)
    sha256 = member.digest.removeprefix("sha256:")
    (release / "members").mkdir()
    member.path.rename(release / "members" / sha256)
    files = [{"name": str(path.relative_to(release)), "sha256": sha256_of(path)} for path in release.rglob("*.*")]
    document = json.loads((release / "release.json").read_text())
    shipped = {"members": [{"digest": member.digest}], "member_files": files}
    (release / "release.json").write_text(json.dumps(document | shipped))
    return release / "members" / sha256


def test_members_as_they_were_shipped_have_nothing_altered(release: Path, ensemble: Path) -> None:
    assert ensemble.is_dir()
    assert on_host.altered(release) == []


@pytest.mark.parametrize("name", ["model.yaml", "manifest.json", "manifest.sig"])
def test_an_altered_file_of_a_member_is_named_with_its_folder(release: Path, ensemble: Path, name: str) -> None:
    with (ensemble / name).open("a") as stream:
        stream.write(" ")
    assert on_host.altered(release) == [f"members/{ensemble.name}/{name}"]


def test_a_path_with_a_separator_of_lines_does_not_cut_the_log_s_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = {"request_id": "one", "path": "/models/\u2028", "upstream": "a:1"}
    (tmp_path / "access.log").write_text(json.dumps(line, ensure_ascii=False) + "\n")
    monkeypatch.setattr(on_host, "ACCESS_LOG", tmp_path / "access.log")
    assert on_host.upstreams({"one"}, 0) == {"a:1"}


def test_a_line_that_nginx_is_still_writing_is_left_for_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [json.dumps({"request_id": name, "upstream": f"{name}:1"}) + "\n" for name in ("one", "two")]
    log = tmp_path / "access.log"
    monkeypatch.setattr(on_host, "ACCESS_LOG", log)
    for cut in range(len(whole[1])):
        log.write_text(whole[0] + whole[1][:cut])
        assert on_host.upstreams({"one", "two"}, 0) == {"one:1"}
    log.write_text("".join(whole))
    assert on_host.upstreams({"one", "two"}, 0) == {"one:1", "two:1"}

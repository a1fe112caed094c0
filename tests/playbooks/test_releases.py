"""Staging a release under a temporary root, with real wheels and the real uv."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from modelfleet_host import blobs, environment, journal, releases, staging
from modelfleet_host.place import Place, Refused, point

from tests.playbooks.conftest import MEMBER, flip

Manifest = dict[str, Any]
Ship = Callable[[list[str]], Path]


def staged(place: Place, manifest: Manifest, ship: Ship, variables: str = "") -> staging.Result:
    """Stage as the action plugin does: ask what is lacking, send it, stage."""
    first = staging.stage(place, manifest, variables, None, "me@here", False)
    if not first["lacks"]:
        return first
    return staging.stage(place, manifest, variables, ship(first["lacks"]), "me@here", False)


def test_an_empty_host_lacks_every_blob_once(place: Place, manifest: Manifest) -> None:
    answer = staging.stage(place, manifest, "", None, "me@here", False)
    assert len(answer["lacks"]) == 4
    assert not place.release("digits", manifest["release"]).exists()


def test_a_staged_release_is_complete_and_its_environment_works(place: Place, manifest: Manifest, ship: Ship) -> None:
    answer = staged(place, manifest, ship)
    folder = place.release("digits", manifest["release"])
    assert answer["changed"]
    assert answer["received_bytes"] > 0
    assert (folder / "model/model.yaml").read_text() == "name: digits\n"
    assert (folder / f"members/{MEMBER}/model.yaml").read_text() == "name: zeros\n"
    script = "import importlib.util; assert importlib.util.find_spec('modelfleet_service')"
    subprocess.run([str(folder / "environment/bin/python"), "-c", script], check=True)


def test_staging_twice_changes_nothing_and_lacks_nothing(place: Place, manifest: Manifest, ship: Ship) -> None:
    staged(place, manifest, ship)
    again = staging.stage(place, manifest, "", None, "me@here", False)
    assert again == {"changed": False, "lacks": [], "received_bytes": 0}


def test_a_new_model_in_the_same_environment_lacks_the_model_alone(
    place: Place, manifest: Manifest, ship: Ship, tmp_path: Path
) -> None:
    staged(place, manifest, ship)
    newer = manifest | {
        "release": "ba9876543210",
        "model_files": [{"name": "m", "sha256": "a" * 64, "size": 1}],
    }
    assert staging.stage(place, newer, "", None, "me@here", False)["lacks"] == ["a" * 64]


def test_an_ensemble_with_one_new_member_lacks_that_alone(place: Place, manifest: Manifest, ship: Ship) -> None:
    staged(place, manifest, ship)
    more = {"name": f"members/{'2' * 64}/model.yaml", "sha256": "b" * 64, "size": 1}
    newer = manifest | {"release": "ba9876543210", "member_files": [*manifest["member_files"], more]}
    assert staging.stage(place, newer, "", None, "me@here", False)["lacks"] == ["b" * 64]


def test_a_release_from_before_there_were_ensembles_is_still_whole(
    place: Place, manifest: Manifest, ship: Ship
) -> None:
    older = {name: value for name, value in manifest.items() if name not in ("members", "member_files")}
    staged(place, older, ship)
    assert staging.flaws(place, older, "") == []
    releases._drop_unused(place)
    assert (place.blobs / older["model_files"][0]["sha256"]).is_file()


def test_check_mode_writes_nothing(place: Place, manifest: Manifest) -> None:
    answer = staging.stage(place, manifest, "", None, "me@here", True)
    assert answer["changed"]
    assert not place.root.exists()


def test_a_blob_that_fails_its_hash_on_arrival_is_refused_and_not_kept(
    place: Place, manifest: Manifest, ship: Ship, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"other content")
    digest = manifest["model_files"][0]["sha256"]
    shipment = tmp_path / "wrong.tar"
    subprocess.run(
        ["tar", "cf", str(shipment), "-C", str(tmp_path), f"--transform=s/wrong/{digest}/", "wrong"],
        check=True,
    )
    with pytest.raises(Refused, match="fails its hash on arrival"):
        staging.stage(place, manifest, "", shipment, "me@here", False)
    assert not list(place.blobs.iterdir())


def test_a_shipment_can_not_write_outside_the_blobs(place: Place, manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "evil").write_text("x")
    shipment = tmp_path / "evil.tar"
    subprocess.run(
        ["tar", "cPf", str(shipment), "-C", str(tmp_path), "--transform=s,evil,../../evil,", "evil"],
        check=True,
    )
    with pytest.raises(Refused, match="is no blob"):
        staging.stage(place, manifest, "", shipment, "me@here", False)


def test_a_blob_altered_on_the_host_is_dropped_and_lacking_again(place: Place, manifest: Manifest, ship: Ship) -> None:
    staged(place, manifest, ship)
    blobs.remove(place.release("digits", manifest["release"]))
    digest = manifest["model_files"][0]["sha256"]
    flip(place.blobs / digest)
    assert staging.stage(place, manifest, "", None, "me@here", False)["lacks"] == [digest]
    assert not (place.blobs / digest).exists()


def spoil(path: Path) -> None:
    """Alter a file in place, as a failing disk would: the blob is the same file."""
    path.chmod(0o644)
    path.write_text("name: Digits\n")


SPOILT: dict[str, Callable[[Path], object]] = {
    "model/model.yaml": lambda folder: spoil(folder / "model/model.yaml"),
    "model/extra": lambda folder: (folder / "model/extra").write_text(""),
    "model/link": lambda folder: (folder / "model/link").symlink_to("/tmp"),
    f"members/{MEMBER}/model.yaml": lambda folder: spoil(folder / f"members/{MEMBER}/model.yaml"),
    f"members/{MEMBER}/extra": lambda folder: (folder / f"members/{MEMBER}/extra").write_text(""),
    "service.env": lambda folder: (folder / "service.env").unlink(),
    "release.json": lambda folder: (folder / "release.json").write_text("{}"),
    "units/modelfleet-digits.socket": lambda folder: (folder / "units/modelfleet-digits.socket").write_text(""),
    "environment": lambda folder: point(folder / "environment", "/nowhere"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_was_altered_in_a_release_is_named_and_mended(
    place: Place, manifest: Manifest, ship: Ship, name: str
) -> None:
    staged(place, manifest, ship)
    SPOILT[name](place.release("digits", manifest["release"]))
    assert staging.flaws(place, manifest, "") == [name]
    assert staged(place, manifest, ship)["changed"]
    assert staging.flaws(place, manifest, "") == []
    assert journal.read(place, "digits")[-1]["files"] == [name]


def test_a_build_leaves_no_cache_behind(place: Place, manifest: Manifest, ship: Ship) -> None:
    staged(place, manifest, ship)
    assert [path.name for path in place.environments.iterdir()] == [manifest["environment"]["digest"]]
    assert sorted(path.name for path in place.root.iterdir()) == [
        ".lock",
        "blobs",
        "digits",
        "environments",
        "installers",
    ]


def test_a_flipped_wheel_builds_no_environment(place: Place, manifest: Manifest, ship: Ship) -> None:
    staging.stage(place, manifest, "", None, "me@here", False)
    wheel = manifest["environment"]["wheels"][0]
    blobs.receive(place, ship([wheel["sha256"], manifest["environment"]["installer"]["sha256"]]))
    flip(place.blobs / wheel["sha256"])
    with pytest.raises(Refused, match="altered on the host"):
        environment.build(place, manifest["environment"])
    assert not environment.ready(place, manifest["environment"])


def test_a_run_killed_while_staging_leaves_no_half_release(place: Place, manifest: Manifest, ship: Ship) -> None:
    left_behind = place.release("digits", "." + manifest["release"])
    left_behind.mkdir(parents=True)
    (left_behind / "rubbish").write_text("x")
    staged(place, manifest, ship)
    assert not left_behind.exists()
    assert not (place.release("digits", manifest["release"]) / "rubbish").exists()


def test_only_root_can_read_the_environment_variables(place: Place, manifest: Manifest, ship: Ship) -> None:
    staged(place, manifest, ship, 'TOKEN="secret"\n')
    path = place.release("digits", manifest["release"]) / "service.env"
    assert path.read_text() == 'TOKEN="secret"\n'
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secret" not in (path.parent / "release.json").read_text()


def test_the_journal_says_what_was_staged_by_whom(place: Place, manifest: Manifest, ship: Ship) -> None:
    staged(place, manifest, ship)
    (entry,) = journal.read(place, "digits")
    assert entry["act"] == "staged"
    assert entry["by"] == "me@here"
    assert entry["release"] == manifest["release"]


def test_a_journal_line_cut_off_by_a_power_failure_is_passed_over(place: Place) -> None:
    place.service("digits").mkdir(parents=True)
    journal.add(place, "digits", "staged", release="a")
    with journal.path(place, "digits").open("a") as stream:
        stream.write('{"act": "li')
    assert [entry["act"] for entry in journal.read(place, "digits")] == ["staged"]


def test_previous_is_the_last_live_release_that_is_still_on_disk(place: Place) -> None:
    for release in ("a", "b", "c"):
        place.release("digits", release).mkdir(parents=True)
        journal.add(place, "digits", "live", release=release, result="done")
    point(place.service("digits") / "current", "releases/c")
    blobs.remove(place.release("digits", "b"))
    assert journal.previous(place, "digits") == "a"


def test_the_link_to_the_release_of_record_moves_in_one_step(place: Place) -> None:
    link = place.service("digits") / "current"
    link.parent.mkdir(parents=True)
    point(link, "releases/a")
    point(link, "releases/b")
    assert str(link.readlink()) == "releases/b"
    assert place.current("digits") == "b"


def test_blobs_that_no_release_refers_to_are_dropped(place: Place, manifest: Manifest, ship: Ship) -> None:
    staged(place, manifest, ship)
    (place.blobs / ("f" * 64)).write_text("unused")
    releases._drop_unused(place)
    kept = {path.name for path in place.blobs.iterdir()}
    told = json.loads((place.release("digits", manifest["release"]) / "release.json").read_text())
    files = told["model_files"] + told["member_files"] + told["environment"]["wheels"]
    assert kept == {entry["sha256"] for entry in files} | {told["environment"]["installer"]["sha256"]}

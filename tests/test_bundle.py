"""Bundles: the same inputs give the same release, any other input another, and no blob leaves altered."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelfleet import bundle, requirements, wheels
from modelfleet import store as stores
from modelfleet.bundle import Bundle
from modelfleet.errors import Failure
from modelfleet.wheels import Target
from modelfleet_service import model as models
from tests.signing import sign
from tests.wheels import line, make

TARGETS = [Target("3.11", "x86_64", "2.36"), Target("3.13", "x86_64", "2.41")]
Build = Callable[..., Bundle]


@pytest.fixture
def build(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Build a bundle of flowers:1 whose locks name one small wheel of a local index."""
    monkeypatch.setenv("MODELFLEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    lock = line(make(tmp_path / "index", "thing"))
    uv = line(make(tmp_path / "index", "uv"))
    monkeypatch.setattr(bundle, "_merged_lock", lambda *_: lock)
    monkeypatch.setattr(requirements, "by_name", lambda _: {"uv": uv})

    def made(**changed: Any) -> Bundle:
        given: dict[str, Any] = {
            "service": {"name": "flowers", "model": "flowers:1", "workers": 2},
            "units": {"a.service": "[Unit]\n"},
            "settings": {"max_instances": 10},
            "environment_digest": "none",
            "targets": TARGETS,
            "store_path": store,
        }
        return bundle.read(bundle.build(**given | changed))

    return made


def test_the_same_inputs_give_the_same_release(build: Build) -> None:
    assert build() == build()


@pytest.mark.parametrize(
    "changed",
    [
        {"units": {"a.service": "[Service]\n"}},
        {"settings": {"max_instances": 11}},
        {"environment_digest": "other"},
        {"service": {"name": "roses", "model": "flowers:1", "workers": 2}},
        {"service": {"name": "flowers", "model": "squares:1", "workers": 2}},
    ],
    ids=["unit", "setting", "secret", "name", "model"],
)
def test_any_other_input_gives_another_release(build: Build, changed: dict[str, Any]) -> None:
    assert build(**changed).release != build().release


def test_a_signature_ships_with_the_model_and_makes_another_release(
    build: Build, copied: Callable[[str], Path]
) -> None:
    folder = copied("flowers:1")
    unsigned = build(store_path=folder.parent.parent)
    sign(models.read(folder), ann="trainer")
    signed = build(store_path=folder.parent.parent)
    sign(models.read(folder), ann="trainer", bea="approver")
    assert len({unsigned.release, signed.release, build(store_path=folder.parent.parent).release}) == 3
    assert unsigned.model == signed.model
    assert {blob.name for blob in signed.model_files} - {blob.name for blob in unsigned.model_files} == {"manifest.sig"}


def test_a_false_signature_is_not_shipped(build: Build, copied: Callable[[str], Path]) -> None:
    folder = copied("flowers:1")
    (folder / models.SIGNATURES).write_text("{}")
    with pytest.raises(Failure, match=r"manifest\.sig: was altered"):
        build(store_path=folder.parent.parent)


def test_an_ensemble_ships_with_every_member_once(build: Build, ensembles: Path) -> None:
    made = build(service={"name": "both", "model": "both:1", "workers": 2}, store_path=ensembles)
    entries = {entry.reference: entry for entry in stores.entries(None, ensembles)}
    assert [f"{one['name']}:{one['version']}" for one in made.members] == ["flowers:1", "roses:1"]
    places = {f"members/{one['digest'].removeprefix('sha256:')}" for one in made.members}
    assert {"/".join(blob.name.split("/")[:2]) for blob in made.member_files} == places
    assert sum(blob.size for blob in made.member_files) == sum(
        entries[one].size_bytes for one in ("flowers:1", "roses:1")
    )
    assert {blob.sha256 for blob in made.member_files} <= set(made.sources)
    assert made.manifest("3.11-x86_64")["members"] == made.members


def test_a_signature_of_a_member_makes_another_release(build: Build, ensembles: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(ensembles, tmp_path / "store"))
    wanted = {"service": {"name": "both", "model": "both:1", "workers": 2}, "store_path": store}
    unsigned = build(**wanted)
    (store / "roses/1").chmod(0o755)
    sign(models.read(store / "roses/1"), ann="trainer")
    signed = build(**wanted)
    assert signed.release != unsigned.release
    assert len(signed.member_files) == len(unsigned.member_files) + 1


def test_an_altered_member_is_not_shipped(build: Build, ensembles: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(ensembles, tmp_path / "store"))
    path = store / "roses/1/model.onnx"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(Failure, match=r"roses/1/model\.onnx"):
        build(service={"name": "both", "model": "both:1", "workers": 2}, store_path=store)


def test_a_release_is_one_for_the_whole_fleet(build: Build) -> None:
    """A host of another Python that joins changes no release id."""
    assert build(targets=TARGETS[:1]).release == build().release


def test_the_manifest_for_a_host_has_its_environment_and_no_path_of_the_controller(
    build: Build, tmp_path: Path
) -> None:
    made = build()
    manifest = made.manifest("3.13-x86_64")
    assert manifest["environment"]["digest"] == made.environments["3.13-x86_64"].digest
    assert str(tmp_path) not in str(manifest)
    with pytest.raises(Failure, match=r"no environment for 3\.12-x86_64; it was built for 3\.11-x86_64, 3\.13-x86_64"):
        made.manifest("3.12-x86_64")


def test_a_shipment_has_the_blobs_that_were_asked_for_by_their_digests(build: Build, tmp_path: Path) -> None:
    made = build()
    wanted = [made.model_files[0].sha256, made.environments["3.11-x86_64"].wheels[0].sha256]
    size = bundle.pack(made, wanted, tmp_path / "shipment.tar")
    assert size == (tmp_path / "shipment.tar").stat().st_size
    with tarfile.open(tmp_path / "shipment.tar") as archive:
        assert sorted(archive.getnames()) == sorted(wanted)


def test_a_blob_that_was_altered_after_the_build_is_not_shipped(build: Build, tmp_path: Path) -> None:
    made = build()
    blob = made.environments["3.11-x86_64"].wheels[0]
    wheels.cached(blob.sha256).write_bytes(b"other")
    with pytest.raises(Failure, match="fails its hash"):
        bundle.pack(made, [blob.sha256], tmp_path / "shipment.tar")


def test_a_bundle_says_what_a_host_must_have_free(build: Build) -> None:
    needs = build().needs
    assert needs["model_disk_bytes"] >= sum(blob.size for blob in build().model_files)
    assert needs["environment_disk_bytes"] > build().environments["3.11-x86_64"].wheels[0].size
    assert needs["memory_bytes"] > 10_000_000


def test_the_service_s_wheel_is_the_same_file_each_time(build: Build) -> None:
    assert bundle.service_wheel() == bundle.service_wheel()


def test_where_both_locks_name_a_package_the_model_s_version_counts(store: Path) -> None:
    from modelfleet import store as stores

    model = stores.find("flowers:1", store)
    merged = bundle._merged_lock(model, "3.11")
    assert merged.count("\nnumpy==") == 1
    assert [name for name in ("flask", "gunicorn", "skops") if f"{name}==" not in merged.lower()] == []
    with pytest.raises(Failure, match=r"no lock for Python 3\.9; save the model again"):
        bundle._merged_lock(model, "3.9")

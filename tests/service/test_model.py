"""A saved model is read only if no byte differs from what was saved."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from modelfleet_service import golden, model
from modelfleet_service.errors import ModelError
from modelfleet_service.golden import Row

Copied = Callable[[str], Path]
FLIPS = 200


def test_a_saved_model_is_read_with_its_names_and_digest(store: Path) -> None:
    read = model.read(store / "flowers/1")
    assert read.reference == "flowers:1"
    assert read.digest.startswith("sha256:")
    assert read.memory_bytes > 10**7


def test_every_flipped_bit_is_found_and_its_file_named(copied: Copied) -> None:
    """200 random single-bit flips over every file but the manifest, whose change is another digest."""
    folder, dice = copied("flowers:1"), random.Random(0)
    files = [path for path in folder.iterdir() if path.name != model.MANIFEST]
    for _ in range(FLIPS):
        path = dice.choice(files)
        kept = path.read_bytes()
        content = bytearray(kept)
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
        with pytest.raises(ModelError, match=path.name):
            model.read(folder)
        path.write_bytes(kept)
    model.read(folder)


def test_a_changed_manifest_is_another_model_or_none(copied: Copied, store: Path) -> None:
    folder = copied("flowers:1")
    manifest = folder / model.MANIFEST
    manifest.write_text(manifest.read_text() + " ")
    assert model.read(folder).digest != model.read(store / "flowers/1").digest


@pytest.mark.parametrize("change", ["truncate", "remove", "add", "link"])
def test_a_truncated_missing_extra_or_linked_file_is_named(copied: Copied, change: str, tmp_path: Path) -> None:
    folder = copied("flowers:1")
    path = folder / "model.skops"
    if change == "truncate":
        path.write_bytes(path.read_bytes()[:-1])
    elif change == "remove":
        path.unlink()
    elif change == "add":
        path = folder / "extra.txt"
        path.write_text("x")
    else:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=path.name):
        model.read(folder)


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["../x"], "which is not a plain file"),
        (["/etc/passwd"], "which is not a plain file"),
        (["a/../b"], "which is not a plain file"),
        (["manifest.sig"], "which is not a plain file"),
        ([7], "which is not a plain file"),
        (["a", "a"], "each file once, in ascending order"),
        (["b", "a"], "each file once, in ascending order"),
    ],
)
def test_a_manifest_lists_plain_files_once_in_order(tmp_path: Path, paths: list[object], words: str) -> None:
    entries = [{"path": path, "sha256": "0" * 64, "size": 1} for path in paths]
    with pytest.raises(ModelError, match=words):
        model.listed(tmp_path / model.MANIFEST, json.dumps({"files": entries}).encode())


@pytest.mark.parametrize("content", ["", "[]", "null", '{"files": 1}', '{"files": [1]}', '{"files": [{"path": "a"}]}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(ModelError, match="not a manifest"):
        model.listed(tmp_path / model.MANIFEST, content.encode())


def test_a_folder_in_a_model_s_folder_is_refused(copied: Copied) -> None:
    folder = copied("flowers:1")
    (folder / "more").mkdir()
    with pytest.raises(ModelError, match="more: is not in the manifest"):
        model.read(folder)


def test_a_file_below_a_folder_is_verified_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "code/deep").mkdir(parents=True)
    (tmp_path / "code/deep/scorer.py").write_text("x = 1")
    (tmp_path / "model.yaml").write_text("name: own")
    (tmp_path / model.MANIFEST).write_text(model.manifest_of(tmp_path))
    assert [file.path for file in model.read(tmp_path).files] == ["code/deep/scorer.py", "model.yaml"]
    (tmp_path / "code/deep/scorer.py").write_text("x = 2")
    with pytest.raises(ModelError, match=r"scorer\.py: was altered"):
        model.read(tmp_path)


def test_signatures_are_not_listed_and_not_part_of_the_identity(copied: Copied, store: Path) -> None:
    folder = copied("flowers:1")
    (folder / model.SIGNATURES).write_text("{}")
    assert model.read(folder).digest == model.read(store / "flowers/1").digest
    assert model.manifest_of(folder) == (folder / model.MANIFEST).read_text()


def test_a_golden_set_has_rows(copied: Copied) -> None:
    path = copied("flowers:1") / golden.FILE
    path.write_text("")
    with pytest.raises(ModelError, match="holds no row"):
        golden.read(path)


@pytest.mark.parametrize(
    ("got", "differs"),
    [
        ({"label": 1, "p": {"a": 0.5}}, False),
        ({"label": 1, "p": {"a": 0.500001}}, False),
        ({"label": 1, "p": {"a": 0.6}}, True),
        ({"label": 2, "p": {"a": 0.5}}, True),
        ({"label": "1", "p": {"a": 0.5}}, True),
        ({"label": True, "p": {"a": 0.5}}, True),
        ({"label": 1}, True),
        ({"label": 1, "p": {"a": 0.5}, "more": 1}, True),
        ({"label": 1, "p": {"a": float("nan")}}, True),
    ],
)
def test_an_answer_equals_the_golden_one_only_within_the_tolerance(got: dict[str, object], differs: bool) -> None:
    rows = [Row([1.0], {"label": 1, "p": {"a": 0.5}}, 1e-5)]
    assert bool(golden.differences(rows, [got])) is differs

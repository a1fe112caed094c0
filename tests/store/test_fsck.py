"""fsck: every flipped bit and every cut is found and its file named, and so is whatever does not belong."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.store import fsck, mending
from modelfleet_service import model

FLIPS, CUTS = 400, 150


@pytest.fixture
def flowers(store: Path, tmp_path: Path) -> Path:
    """A store of its own with flowers:1, a model as it is saved, and its ledger."""
    shutil.copytree(store / "flowers", tmp_path / "own/flowers")
    return tmp_path / "own"


def flip(content: bytes, dice: random.Random) -> bytes:
    altered = bytearray(content)
    altered[dice.randrange(len(altered))] ^= 1 << dice.randrange(8)
    return bytes(altered)


def cut(content: bytes, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content))]


@pytest.mark.parametrize(("damage", "times"), [(flip, FLIPS), (cut, CUTS)])
def test_damage_to_any_file_of_a_version_is_found_and_the_file_named(
    flowers: Path, damage: Callable[[bytes, random.Random], bytes], times: int
) -> None:
    """550 in all, over every file, the manifest too; never more than the one file is named."""
    files, dice = sorted((flowers / "flowers/1").iterdir()), random.Random(0)
    for number in range(times):
        file = files[number % len(files)]
        kept = file.read_bytes()
        file.chmod(0o644)
        file.write_bytes(damage(kept, dice))
        file.chmod(0o444)
        assert [(one.where, one.kind, one.file) for one in fsck.check(flowers)] == [(str(file), "altered", file.name)]
        file.chmod(0o644)
        file.write_bytes(kept)
        file.chmod(0o444)
    assert fsck.check(flowers) == []


def test_each_damaged_file_of_several_is_named(flowers: Path) -> None:
    folder = flowers / "flowers/1"
    folder.chmod(0o755)
    (folder / "golden.jsonl").unlink()
    (folder / "extra.txt").touch(0o444)
    (folder / "MODEL_CARD.md").chmod(0o644)
    (folder / "MODEL_CARD.md").write_text("another")
    found = {(one.file, one.kind) for one in fsck.check(flowers)}
    assert found == {
        ("golden.jsonl", "missing"),
        ("extra.txt", "unlisted"),
        ("MODEL_CARD.md", "altered"),
        ("MODEL_CARD.md", "writable"),
        ("", "writable"),
    }


def test_files_that_can_be_written_to_are_found_and_mended(flowers: Path) -> None:
    file = flowers / "flowers/1/golden.jsonl"
    file.chmod(0o664)
    assert [str(one) for one in fsck.check(flowers)] == [f"{file}: can be written to; chmod a-w it"]
    mending.mend(flowers)
    assert fsck.check(flowers) == []


def test_what_does_not_belong_is_named(flowers: Path) -> None:
    strange = [flowers / "Notes.txt", flowers / "flowers/notes", flowers / "flowers/7"]
    for path in strange:
        path.write_text("")
    assert {one.where for one in fsck.check(flowers)} == {str(path) for path in strange}
    assert {one.kind for one in fsck.check(flowers)} == {"unknown"}


def test_a_link_in_a_version_s_place_is_refused(flowers: Path, tmp_path: Path) -> None:
    (flowers / "flowers/1").chmod(0o755)
    (flowers / "flowers/1").rename(tmp_path / "elsewhere")
    (flowers / "flowers/1").symlink_to(tmp_path / "elsewhere")
    assert {one.kind for one in fsck.check(flowers)} == {"link"}
    with pytest.raises(Failure, match=r"flowers/1: is a symbolic link; put the folder itself there"):
        stores.find("flowers:1", flowers)
    assert stores.versions("flowers", flowers) == []


def test_a_folder_that_the_ledger_does_not_know_must_say_itself_that_it_belongs(flowers: Path) -> None:
    shutil.copytree(flowers / "flowers/1", flowers / "flowers/5")
    (finding,) = fsck.check(flowers)
    assert (finding.kind, finding.what) == ("misplaced", "holds flowers:1")


def test_two_versions_that_changed_places_are_found(three: Path) -> None:
    (three / "many/1").rename(three / "many/9")
    (three / "many/2").rename(three / "many/1")
    (three / "many/9").rename(three / "many/2")
    assert [(one.version, one.file) for one in fsck.check(three)] == [(1, model.MANIFEST), (2, model.MANIFEST)]
    with pytest.raises(Failure, match=r"is not the ledger's"):
        stores.find("many:1", three)


def test_two_gigabytes_are_verified_in_little_memory(tmp_path: Path) -> None:
    """A sparse file; the process may not have more than 200 MB of data."""
    folder = tmp_path / "big/1"
    folder.mkdir(parents=True)
    with (folder / "model.onnx").open("wb") as stream:
        stream.truncate(2 << 30)
    (folder / "model.yaml").write_text("name: big\nversion: 1\n")
    (folder / model.MANIFEST).write_text(model.manifest_of(folder))
    code = "import resource, sys, pathlib; resource.setrlimit(resource.RLIMIT_DATA, (200 << 20,) * 2)\n"
    code += "from modelfleet.store import fsck; print({f.kind for f in fsck.check(pathlib.Path(sys.argv[1]))})"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout == "{'writable'}\n", done.stderr

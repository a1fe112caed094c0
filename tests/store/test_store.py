"""The store: every version whole, found by its reference, its number never given twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure
from tests.store.tiny import publish

Copied = Callable[[str], Path]


def flip(path: Path, position: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_a_version_is_found_whole(store: Path) -> None:
    model = stores.find("flowers:1", store)
    assert (model.name, model.version) == ("flowers", 1)
    assert model.digest.startswith("sha256:")


def test_names_and_versions_are_listed(store: Path) -> None:
    assert stores.names(store) == ["flowers", "squares"]
    assert stores.versions("flowers", store) == [1]
    assert stores.latest("flowers", store) == "flowers:1"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("flowers", "write it as name:version or name@alias"),
        ("flowers:one", "write it as name:version or name@alias"),
        ("../flowers:1", "write it as name:version or name@alias"),
        ("flowers:2", "it has flowers:1"),
        ("flower:1", "did you mean flowers:1?"),
        ("zzz:1", "it has flowers, squares"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused_with_what_there_is(store: Path, reference: str, words: str) -> None:
    with pytest.raises(Failure, match="; ") as caught:
        stores.find(reference, store)
    assert words in caught.value.cure


def test_an_empty_store_says_how_to_save(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="save a model first"):
        stores.find("digits:1", tmp_path)


def test_one_flipped_bit_in_any_file_is_found_and_the_file_named(copied: Copied) -> None:
    folder = copied("flowers:1")
    for path in sorted(folder.iterdir()):
        flip(path, path.stat().st_size // 2)
        with pytest.raises(Failure, match=f"{path.name}|requirements|model.skops"):
            stores.find("flowers:1", folder.parent.parent)
        flip(path, path.stat().st_size // 2)
    assert stores.find("flowers:1", folder.parent.parent)


def test_a_missing_and_a_foreign_file_are_found(copied: Copied) -> None:
    folder = copied("flowers:1")
    (folder / "extra.txt").write_text("")
    with pytest.raises(Failure, match=r"extra\.txt"):
        stores.find("flowers:1", folder.parent.parent)
    (folder / "extra.txt").unlink()
    (folder / "golden.jsonl").unlink()
    with pytest.raises(Failure, match=r"golden\.jsonl"):
        stores.find("flowers:1", folder.parent.parent)


def test_a_folder_in_another_version_s_place_is_refused(copied: Copied) -> None:
    folder = copied("flowers:1")
    folder.rename(folder.with_name("7"))
    with pytest.raises(Failure, match="holds flowers:1; put the folder back"):
        stores.find("flowers:7", folder.parent.parent)


@pytest.mark.parametrize("name", ["Digits", "-a", "a_b", "a/b", "..", "", "a" * 300, "ä"])
def test_a_name_outside_the_rule_is_refused_in_a_short_line(name: str) -> None:
    with pytest.raises(Failure, match="not a model name; use up to 63") as caught:
        stores.check_name(name)
    assert len(str(caught.value)) < 150


def test_versions_that_processes_save_side_by_side_are_distinct_and_whole(tmp_path: Path) -> None:
    with ProcessPoolExecutor(8) as pool:
        given = list(pool.map(publish, [tmp_path] * 40))
    assert sorted(given) == list(range(1, 41))
    assert [stores.find(f"many:{version}", tmp_path).version for version in given] == given


def test_the_number_of_a_version_that_is_gone_is_not_given_again(tmp_path: Path) -> None:
    assert publish(tmp_path) == 1
    place = tmp_path / "many/1"
    place.chmod(0o755)
    place.rename(tmp_path / "gone")
    assert publish(tmp_path) == 2


def test_a_save_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def save() -> None:
        with stores.incoming("half", tmp_path) as folder:
            (folder / "file").write_text("")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        save()
    assert list((tmp_path / "half").iterdir()) == []
    assert stores.names(tmp_path) == []


def test_a_store_that_can_t_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="can't be written"), stores.incoming("digits", tmp_path / "file"):
        pass


def test_apublished_version_is_read_only(store: Path) -> None:
    paths = [store / "flowers/1", *(store / "flowers/1").iterdir()]
    assert [path.name for path in paths if path.stat().st_mode & 0o222] == []


def test_the_option_comes_before_the_variable_and_the_variable_before_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MODELFLEET_STORE", "/variable")
    assert stores.path(tmp_path) == tmp_path
    assert stores.path() == Path("/variable")
    monkeypatch.delenv("MODELFLEET_STORE")
    assert stores.path().parts[-2:] == ("modelfleet", "store")

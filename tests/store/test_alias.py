"""Aliases: one name, one version, a history, and no half-written file."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.store import alias, audit, fsck


def test_an_alias_stands_for_a_version_wherever_a_reference_is_taken(three: Path) -> None:
    stores.set_alias("many", "champion", 2, three)
    assert stores.resolve("many@champion", three) == "many:2"
    assert stores.find("many@champion", three).reference == "many:2"


def test_a_moved_alias_keeps_who_moved_it_when(three: Path) -> None:
    assert stores.set_alias("many", "champion", 2, three) is None
    assert stores.set_alias("many", "champion", 3, three) == 2
    (entry,) = alias.read("many", three).values()
    assert (entry.version, [one["version"] for one in entry.history]) == (3, [2])
    assert "@" in entry.by
    assert [event["act"] for event in audit.read(three)][-2:] == ["aliased", "aliased"]


def test_the_same_again_changes_nothing(three: Path) -> None:
    stores.set_alias("many", "champion", 2, three)
    before = (three / "many/aliases.json").read_bytes()
    stores.set_alias("many", "champion", 2, three)
    assert (three / "many/aliases.json").read_bytes() == before


def test_a_dropped_alias_is_gone_and_the_version_stays(three: Path) -> None:
    stores.set_alias("many", "champion", 2, three)
    assert stores.drop_alias("many", "champion", three) == 2
    assert stores.aliases("many", three) == {}
    assert stores.find("many:2", three)


@pytest.mark.parametrize("name", ["4", "Champion", "a b", "", "../x", "a" * 64])
def test_an_alias_outside_the_rule_is_refused(three: Path, name: str) -> None:
    with pytest.raises(Failure, match="not an alias; use up to 63"):
        stores.set_alias("many", name, 1, three)


def test_an_alias_to_a_version_that_is_not_there_is_refused(three: Path) -> None:
    with pytest.raises(Failure, match=r"many:9: the store .* lacks it"):
        stores.set_alias("many", "champion", 9, three)


def test_an_unknown_alias_is_refused_with_those_there_are(three: Path) -> None:
    stores.set_alias("many", "champion", 2, three)
    with pytest.raises(Failure, match="many@champion"):
        stores.find("many@challenger", three)


def test_every_flipped_bit_of_the_file_is_found(three: Path) -> None:
    """A flip in white space between values changes nothing that is meant; every other one is found."""
    stores.set_alias("many", "champion", 2, three)
    file = three / "many/aliases.json"
    kept = file.read_bytes()
    for position in range(len(kept)):
        content = bytearray(kept)
        content[position] ^= 1
        file.write_bytes(content)
        found = [finding.kind for finding in fsck.check(three)]
        assert found == ["alias"] or (found == [] and stores.aliases("many", three) == {"champion": 2})


def test_an_alias_that_points_nowhere_is_found(three: Path) -> None:
    stores.set_alias("many", "champion", 3, three)
    (three / "many/3").rename(three / "many/33")
    assert "alias" in [finding.kind for finding in fsck.check(three)]

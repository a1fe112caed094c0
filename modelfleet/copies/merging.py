"""The store's documents in several copies: what one has that another lacks, and what they are together."""

from __future__ import annotations

import contextlib
import graphlib
import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from modelfleet.store import alias, audit, ledger
from modelfleet.store.records import parsed

Line = tuple[bytes, dict[str, Any]]
Node = tuple[bytes, int]


def is_log(path: str) -> bool:
    """Tell whether a document only ever grows: a ledger or the audit log."""
    return path == audit.FILE or path.endswith(f"/{ledger.FILE}")


def lacking(path: str, ours: bytes, theirs: bytes) -> int:
    """Return how many records of the other copy ours lacks; none for documents that are no logs."""
    if not is_log(path):
        return 0
    have = {line for line, _ in _lines(ours)}
    return sum(line not in have for line, _ in _lines(theirs))


def is_older(path: str, ours: bytes, theirs: bytes) -> bool:
    """Tell whether the other copy is an earlier state of our log."""
    return is_log(path) and ours.startswith(theirs)


def is_sound(path: str, content: bytes) -> bool:
    """Tell whether no line of a log was altered, or the aliases fit their checksum."""
    if is_log(path):
        return not parsed(content).altered
    if path.endswith(f"/{alias.FILE}"):
        try:
            alias.decoded(content)
        except ValueError:
            return False
        return True
    return content.strip().isdigit()


def clash(copies: Iterable[bytes]) -> int | None:
    """Return a version to which copies of a ledger give different digests; None if there is none."""
    known: dict[int, str] = {}
    for content in copies:
        for _, record in _lines(content):
            if known.setdefault(int(record["version"]), record["digest"]) != record["digest"]:
                return int(record["version"])
    return None


def merged(copies: Iterable[bytes]) -> bytes:
    """Return the log that has every sound record of any copy, once, in the order of the copies, whatever clocks say.

    Between records that no copy has both of, time decides; the other copies are earlier states of ours, so theirs come
    first within a second. Lines of our own that were altered stay, as evidence, as long as the others have not brought
    as many new ones.
    """
    ours, *others = copies
    altered = [ours.split(b"\n")[number - 1] for number in parsed(ours).altered]
    read = [_lines(content) for content in (*sorted(others, key=len, reverse=True), ours)]
    found = _ordered(read)
    kept = altered if len(found) - len(read[-1]) < len(altered) else []
    return b"".join(line + b"\n" for line in (*found, *kept))


def _ordered(copies: Sequence[Sequence[Line]]) -> list[bytes]:
    """Return the lines of all copies, each copy's in its order; of two that contradict each other, the later's.

    Two copies have a line in common as often as both have it.
    """
    numbered = [_numbered(copy) for copy in copies]
    rank: dict[Node, tuple[str, int]] = {}
    for node, record in (one for copy in numbered for one in copy.items()):
        rank.setdefault(node, (str(record.get("time", "")), len(rank)))
    before: dict[Node, set[Node]] = {node: set() for node in rank}
    for copy in reversed(numbered):
        wanted = {node: set(others) for node, others in before.items()}
        for one, other in itertools.pairwise(copy):
            wanted[other].add(one)
        with contextlib.suppress(graphlib.CycleError):
            graphlib.TopologicalSorter(wanted).prepare()
            before = wanted
    sorter, ready, found = graphlib.TopologicalSorter(before), list[tuple[tuple[str, int], Node]](), list[bytes]()
    sorter.prepare()
    while sorter.is_active():
        for node in sorter.get_ready():
            heapq.heappush(ready, (rank[node], node))
        _, node = heapq.heappop(ready)
        found.append(node[0])
        sorter.done(node)
    return found


def _numbered(copy: Sequence[Line]) -> dict[Node, dict[str, Any]]:
    """Return the records by line, and by how often the copy had that line before: two acts may look the same."""
    seen: Counter[bytes] = Counter()
    found: dict[Node, dict[str, Any]] = {}
    for line, record in copy:
        found[line, seen[line]] = record
        seen[line] += 1
    return found


def joined(path: str, ours: bytes, copies: Iterable[bytes], log: Callable[[], Sequence[Mapping[str, Any]]]) -> bytes:
    """Return what a document of ours is together with its copies, those that were altered left out.

    ``log`` reads the store's audit log, which says what became of aliases since a copy was made. Ours is empty where
    it is lost.
    """
    theirs = list(copies)
    if is_log(path):
        gains = any(lacking(path, ours, content) for content in theirs)
        return merged([ours, *theirs]) if gains else ours
    sound = [content for content in (ours, *theirs) if content and is_sound(path, content)]
    if path.endswith(f"/{alias.FILE}"):
        return _aliases(path.partition("/")[0], ours, sound, log())
    return max(sound, key=int, default=ours)


def _aliases(name: str, ours: bytes, sound: Iterable[bytes], events: Sequence[Mapping[str, Any]]) -> bytes:
    """Return each alias as the copy with its last move has it, and then as the log says that it was moved since."""
    last: dict[str, alias.Alias | None] = {}
    for content in sound:
        for one, entry in alias.decoded(content).items():
            had = last.get(one)
            last[one] = alias.later(had, entry) if had else entry
    told = alias.told(events).get(name, {})
    for one in {*last, *told}:
        last[one] = alias.followed(last.get(one), told.get(one, ()))
    found = alias.encoded({one: entry for one, entry in last.items() if entry})
    same = is_sound(f"{name}/{alias.FILE}", ours) and alias.decoded(ours) == alias.decoded(found)
    return ours if same else found


def count(content: bytes) -> int:
    """Return how many sound records a log has."""
    return len(parsed(content).found)


def _lines(content: bytes) -> list[Line]:
    found = []
    for line in content.split(b"\n"):
        records = parsed(line).found
        if records:
            found.append((line, records[0]))
    return found

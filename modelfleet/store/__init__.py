"""The store: where saved models are kept, each version once and for ever.

``<store>/<name>/<version>/`` is a version, immutable. Beside the versions of a name lie its ``ledger.jsonl`` (every
version ever given, with its digest) and ``aliases.json``; the store has ``audit.jsonl``, ``.trash/`` and an index.
"""

from modelfleet.store.alias import aliases, drop_alias, set_alias
from modelfleet.store.finding import by_digest, find, latest, members, resolve
from modelfleet.store.index import Entry, entries
from modelfleet.store.place import check_name, names, path, use, versions
from modelfleet.store.trash import delete, restore
from modelfleet.store.writing import incoming, next_version, publish

__all__ = [
    "Entry",
    "aliases",
    "by_digest",
    "check_name",
    "delete",
    "drop_alias",
    "entries",
    "find",
    "incoming",
    "latest",
    "members",
    "names",
    "next_version",
    "path",
    "publish",
    "resolve",
    "restore",
    "set_alias",
    "use",
    "versions",
]

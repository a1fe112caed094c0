"""`python -m modelfleet_service.verify MODEL`: load a saved model in a fresh process and try its golden set.

Prints one JSON object with ``memory_bytes``, the process's peak memory; a fault is one line and exit status 1.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from functools import partial
from pathlib import Path

from modelfleet_service import model
from modelfleet_service.errors import ModelError, RequestError
from modelfleet_service.model import Model
from modelfleet_service.runtimes import Allowed, no_members
from modelfleet_service.scorer import load


def main() -> None:
    """Verify the folder named on the command line, with what its saver trusts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--trust", action="append", default=[], help="a type in a skops file")
    parser.add_argument("--code", action="store_true", help="run the model's own code")
    parser.add_argument("--member", action="append", default=[], metavar="DIGEST=PATH", help="where a member is")
    asked = parser.parse_args()
    allowed, places = Allowed(tuple(asked.trust), asked.code), dict(one.split("=", 1) for one in asked.member)
    try:
        load(model.read(asked.model), allowed, partial(_member, places)).check_golden()
    except (ModelError, RequestError) as error:
        sys.exit(str(error))
    print(json.dumps({"memory_bytes": peak_bytes()}))


def peak_bytes() -> int:
    """Return this process's peak memory in bytes; getrusage would count the process that started it, too."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    lines = (line.split() for line in status.read_text().splitlines())
    return next(int(words[1]) * 1024 for words in lines if words[0] == "VmHWM:")


def _member(places: dict[str, str], digest: str) -> Model:
    return model.read(Path(places[digest])) if digest in places else no_members(digest)


if __name__ == "__main__":
    main()

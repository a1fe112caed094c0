"""Answer the requests of one session."""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from modelfleet.copies.holders.agent import transfer
from modelfleet.copies.holders.agent.keeper import Keeper
from modelfleet.copies.holders.agent.transfer import Refused

Request = dict[str, Any]


def main() -> None:
    """Answer requests until there are no more; an error is the last answer."""
    keeper = Keeper(Path(json.loads(sys.stdin.buffer.readline())["root"]))
    os.umask(0o022)
    with contextlib.suppress(BrokenPipeError):
        while line := sys.stdin.buffer.readline():
            request: Request = json.loads(line)
            answer = answered(keeper, request)
            sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
            if "error" not in answer and request["act"] == "get":
                transfer.send(keeper.root, answer["files"])
            sys.stdout.buffer.flush()
            if "error" in answer:
                return


def answered(keeper: Keeper, request: Request) -> dict[str, Any]:
    """Do what a request says; a refusal, and what a disk refuses, are answers, too."""
    try:
        answer: dict[str, Any] = getattr(keeper, request["act"])(request)
    except Refused as refused:
        return refused.answer
    except OSError as error:
        return {"error": f"{error.filename or keeper.home}: {error.strerror}", "cure": "see to its disk"}
    return answer

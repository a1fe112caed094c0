"""`python -m modelfleet.saving.formats.answering FOLDER`: let code score what FOLDER/asked holds.

Runs in a process of its own, which code may end as it likes. It writes the answers, or a failure's parts as
`Failure.said` has them, to FOLDER/said; without that file the code has not answered.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelfleet.errors import Failure
from modelfleet.saving.estimators import refuse_unfit
from modelfleet.saving.formats.code import ASKED, MISSING, SAID
from modelfleet_service.errors import ModelError
from modelfleet_service.runtimes import Allowed, Answers
from modelfleet_service.runtimes.code import CodeRuntime
from modelfleet_service.signature import Batch


def main() -> None:
    """Do it; a known failure is an answer, too."""
    place = Path(sys.argv[1])
    try:
        said: Answers | dict[str, str] = answers(*pickle.loads((place / ASKED).read_bytes()))  # noqa: S301 - our own
    except Failure as failure:
        said = failure.said()
    (place / SAID).write_bytes(pickle.dumps(said))


def answers(folder: Path, entry: str, batch: Batch, classes: Sequence[Any]) -> Answers:
    """Load a folder's code and score a batch; raise Failure where it can't, or its answers can't be golden."""
    where = f"{folder.name}/{entry}"
    try:
        found = CodeRuntime(folder, classes, None, entry, Allowed(code=True)).score(batch)
    except ModelError as error:
        raise Failure(where, error.what, "mend the code; it is loaded and tried here once") from error
    except (Exception, SystemExit) as error:  # anybody's code may raise anything
        what = f"it can't score the examples ({type(error).__name__}: {error})"
        raise Failure(where, what, _cure(folder, error)) from error
    refuse_unfit(where, found, len(next(iter(batch.values()))))
    if found.probabilities is not None and found.probabilities.shape[1] != len(classes):
        what = f"answers {found.probabilities.shape[1]} probabilities a row for {len(classes)} classes"
        raise Failure(where, what, "answer one for each class")
    return found


def _cure(folder: Path, error: BaseException) -> str:
    lacks = MISSING.fullmatch(str(error))
    own = lacks and (folder / lacks.group(1).replace(".", "/")).with_suffix(".py").exists()
    return "import it at the top, not within predict" if own else "mend the code, or the examples"


if __name__ == "__main__":
    main()

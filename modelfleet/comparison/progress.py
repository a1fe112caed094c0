"""A line on stderr every two seconds that says what is being done; none where it is done sooner."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

QUIET_SECONDS = 2.0


class Progress:
    """Say what ``doing`` is now, for as long as the block runs."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self._over = threading.Event()
        self._teller = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Progress:
        self._teller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._teller.join()

    def _tell(self) -> None:
        while not self._over.wait(QUIET_SECONDS):
            print(f"{self.doing} ...", file=sys.stderr, flush=True)

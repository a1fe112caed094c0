"""Progress, on standard error: results alone go to standard output."""

from __future__ import annotations

import threading
from types import TracebackType

import click

QUIET_SECONDS = 2.0


def say(text: str) -> None:
    """Say at once what a person has to know, such as what is installed or started on this machine."""
    click.echo(text, err=True)


class Progress:
    """Say what ``doing`` is now, every two seconds for as long as the block runs; nothing where it ends sooner."""

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
            say(f"{self.doing} ...")

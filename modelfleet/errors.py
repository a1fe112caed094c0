"""The one kind of error that a user is meant to see, and the exit codes of every command."""

from __future__ import annotations

from pathlib import Path

EXIT_FAILURE = 1
EXIT_MISUSE = 2
EXIT_VERDICT = 3
EXIT_INTERRUPTED = 130


class Failure(Exception):  # noqa: N818 - a word of the user's, printed as it stands
    """A known failure: where it is, what is wrong and what to do about it.

    Its text is one line, ``<where>: <what is wrong>; <what to do>``.
    ``exit_code`` is 1, or 3 where smoke tests or another verdict failed.
    """

    def __init__(self, where: str, what: str, cure: str, exit_code: int = EXIT_FAILURE) -> None:
        super().__init__(f"{where}: {what}; {cure}")
        self.where = where
        self.what = what
        self.cure = cure
        self.exit_code = exit_code

    def said(self) -> dict[str, str]:
        """Return it as ``--json`` prints it."""
        return {"where": self.where, "what": self.what, "cure": self.cure}


class Failures(Exception):  # noqa: N818
    """Several known failures found in one go; printed a line each."""

    def __init__(self, failures: list[Failure]) -> None:
        super().__init__("\n".join(str(failure) for failure in failures))
        self.failures = failures
        self.exit_code = max(failure.exit_code for failure in failures)


def refuse_missing(path: Path) -> None:
    """Raise Failure where a file or folder that the user named is not there."""
    if not path.exists():
        raise Failure(str(path), "there is no such file", "check the path")

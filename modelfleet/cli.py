"""The command line: one verb a module under commands/, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys

import click

from modelfleet import __version__
from modelfleet.errors import EXIT_INTERRUPTED, EXIT_MISUSE, Failure, Failures
from modelfleet.verbs import Verbs


@click.group(cls=Verbs, package="modelfleet.commands", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def modelfleet() -> None:
    """Bring trained models to a fleet of Linux hosts, and keep them answering."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a known failure is printed as one line a failure and never as a traceback."""
    try:
        status = _run(arguments)
        sys.exit(status if isinstance(status, int) else 0)
    except (Failure, Failures) as failure:
        click.echo(str(failure), err=True)
        sys.exit(failure.exit_code)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(EXIT_MISUSE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)


def _run(arguments: list[str] | None) -> object:
    """Run a verb and return what it returns; raise Failure where its output can't be written."""
    try:
        return modelfleet.main(args=arguments, prog_name="modelfleet", standalone_mode=False)
    except OSError as error:
        if error.filename is not None or _can_print():
            raise
        cure = "free some space, or send it elsewhere"
        raise Failure("standard output", f"can't be written ({error.strerror})", cure) from error


def _can_print() -> bool:
    """Tell whether standard output takes a line; if not, see that Python does not try once more when it ends."""
    try:
        sys.stdout.flush()
        print(flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True

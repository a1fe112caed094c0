"""The command line: one verb a module under commands/, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

from modelfleet import __version__
from modelfleet.errors import EXIT_INTERRUPTED, EXIT_MISUSE, Failure, Failures

COMMANDS = Path(__file__).with_name("commands")


class Verbs(click.Group):
    """A group whose commands are the modules of commands/, imported only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name every verb, in alphabetical order."""
        return sorted(path.stem for path in COMMANDS.glob("[a-z]*.py"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module and return its click command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"modelfleet.commands.{cmd_name}").command
        return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def modelfleet() -> None:
    """Bring trained models to a fleet of Linux hosts, and keep them answering."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a known failure is printed as one line a failure and never as a traceback."""
    try:
        status = modelfleet.main(args=arguments, prog_name="modelfleet", standalone_mode=False)
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

"""A click group whose commands are the modules of a package, one verb a module, imported only when they are called."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from modelfleet.tree import ROOT


class Verbs(click.Group):
    """The verbs of a package below modelfleet/: each module or package in it has a click command named ``command``."""

    def __init__(self, *arguments: Any, package: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.package = package

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name every verb, in alphabetical order."""
        folder = ROOT.joinpath(*self.package.split("."))
        return sorted(path.stem for path in folder.glob("[a-z]*") if path.suffix == ".py" or _is_package(path))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module and return its click command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{self.package}.{cmd_name}").command
        return command


def _is_package(path: Path) -> bool:
    return (path / "__init__.py").is_file()

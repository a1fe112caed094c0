"""`modelfleet deploy`: make the fleet what its file says; the work is that of playbooks/deploy.yml."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from modelfleet import curl, fleet, playbook
from modelfleet import store as stores
from modelfleet.fleet import Fleet


@click.command("deploy")
@click.option("--fleet", "fleet_option", metavar="FILE", help="The fleet file; the local fleet if not given.")
@click.option("--check", "check_mode", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--diff", is_flag=True, help="Show what changes in files.")
@click.option("--store", type=click.Path(path_type=Path), help="The store; the default store if not given.")
@click.argument("ansible_options", nargs=-1, type=click.UNPROCESSED)
def command(
    fleet_option: str | None, check_mode: bool, diff: bool, store: Path | None, ansible_options: tuple[str, ...]
) -> int:
    """Make the fleet what its file says, from bare hosts to passed smoke tests.

    Whatever stands behind `--` goes to ansible-playbook as it is, such as `-- -vvv`.
    """
    stores.use(store)
    path = fleet.find(fleet_option)
    fleet.refuse_broken(path)
    options = [*(["--check"] if check_mode else []), *(["--diff"] if diff else []), *ansible_options]
    status = playbook.run("deploy", path, options)
    if status == 0 and not {"--check", "-C", "--syntax-check", "--list-hosts", "--list-tasks"} & set(options):
        _show(fleet.read(path))
    return status


def _show(deployed: Fleet) -> None:
    for service in deployed.services:
        click.echo(f"\n{service.name} serves {stores.resolve(service.model)}. Try it:")
        click.echo(shlex.join(curl.command(deployed, service)))

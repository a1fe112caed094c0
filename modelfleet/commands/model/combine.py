"""`modelfleet model combine`: saved versions become the members of an ensemble."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from modelfleet.errors import Failure
from modelfleet.options import STORE
from modelfleet.progress import Progress
from modelfleet_service.members import How

if TYPE_CHECKING:
    from modelfleet.saving.plans import Value


@click.command("combine")
@click.argument("name")
@click.option("--how", required=True, type=click.Choice(get_args(How)), help="How the members' answers become one.")
@click.option("--member", "members", multiple=True, metavar="REF[=WEIGHT]", help="Such as digits:3; repeated.")
@click.option("--final", default="", metavar="REF", help="With stacking: the version trained on modelfleet.stack().")
@click.option("--field", default="", metavar="NAME", help="With route: the input whose value chooses the member.")
@click.option("--route", "routes", multiple=True, metavar="VALUE=REF", help="With route: who scores a value; repeated.")
@click.option("--default", default="", metavar="REF", help="With route: who scores all other values.")
@click.option("--examples", type=click.Path(path_type=Path), help="Example rows, if not the members' golden ones.")
@click.option("--card", type=click.Path(path_type=Path), help="A YAML file with the card's fields.")
@click.option("--trust", multiple=True, metavar="TYPE", help="A type in a skops member that you trust; repeated.")
@click.option("--python-code", is_flag=True, help="Run the code of members that are Python code.")
@click.option("--breaking", default="", metavar="WHY", help="Say why its signature is not that of the last version.")
@click.option("--json", "as_json", is_flag=True, help="Print an object: name, version, digest, path, members.")
@STORE
def command(
    name: str,
    how: str,
    members: tuple[str, ...],
    final: str,
    field: str,
    routes: tuple[str, ...],
    default: str,
    examples: Path | None,
    card: Path | None,
    trust: tuple[str, ...],
    python_code: bool,
    breaking: str,
    as_json: bool,
    store_path: Path | None,
) -> None:
    """Save an ensemble of saved versions as the next version of NAME.

    An alias, as in digits@champion, stands for the version that it points to now. With route and no default, a
    request whose value has no route is answered with status 422. In the JSON, members is an array of name, version,
    digest and role (member, final or default).
    """
    from modelfleet.saving import card as cards
    from modelfleet.saving import ensembles
    from modelfleet.saving import examples as example_files
    from modelfleet.saving.finish import Wish
    from modelfleet.saving.plans import Plan

    references, weights = _weighed(members)
    plan = Plan(how, references, weights, final, field, _routed(routes), default)
    rows = example_files.load(examples) if examples else None
    wish = Wish(name, store_path, trust, breaking)
    with Progress("trying the members, and proving that a fresh process answers the same"):
        saved = ensembles.save_ensemble(plan, rows, cards.read(card, name), wish, python_code)
    click.echo(json.dumps(ensembles.told(saved)) if as_json else f"saved {saved}")


def _weighed(members: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    parts = [member.partition("=") for member in members]
    try:
        return tuple(part[0] for part in parts), tuple(float(part[2]) for part in parts if part[1])
    except ValueError as error:
        raise Failure("--member", str(error), "write it as REF=WEIGHT, such as digits:3=0.7") from error


def _routed(routes: tuple[str, ...]) -> dict[Value, str]:
    named: dict[Value, str] = {}
    for text in routes:
        value, mark, reference = text.rpartition("=")
        if not mark:
            raise Failure(f"--route {text}", "not a route", "write it as VALUE=REF, such as DE=prices:2")
        if value in named:
            raise Failure(f"--route {text}", f"{value} is routed already", "give each value one member")
        named[value] = reference
    return named

"""The fleet under test, its evidence, gathered once, and the table at the end: hosts down, claims across."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from modelfleet import fleet, store
from modelfleet.errors import Failure
from modelfleet.evidence import claims
from modelfleet.evidence.claims import Case, Claim, Verdict
from modelfleet.evidence.gather import Gathered, gather
from modelfleet.fleet import Fleet

ROWS = pytest.StashKey[list[dict[str, Any]]]()
FLEET = pytest.StashKey[Fleet]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take --fleet, and --verdicts for the machine-readable account."""
    parser.addoption("--fleet", help="The fleet file; MODELFLEET_FLEET or the local fleet if not given.")
    parser.addoption("--verdicts", help="Write every verdict into this file, as JSON.")


def pytest_configure(config: pytest.Config) -> None:
    """Read the fleet file and the models that it asks for; a mistake there ends the run before any test."""
    try:
        read = config.stash[FLEET] = fleet.read(fleet.find(config.getoption("--fleet")))
        for service in read.services:
            store.find(service.model)
    except Failure as failure:
        raise pytest.UsageError(str(failure)) from failure
    config.stash[ROWS] = []
    config.option.tbstyle = "no"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Hosts x claims: each test asks for `host`, `claim` and, where it is about one, `service`."""
    read, names = metafunc.config.stash[FLEET], metafunc.fixturenames
    if "host_claim" in names:
        _spread(metafunc, "host_claim", [(host.name, None, name) for host in read.hosts for name in claims.OF_HOSTS])
    if "service_claim" in names:
        cases = [
            (host.name, service.name, name)
            for host in read.servers
            for service in read.services_on(host.name)
            for name in claims.OF_SERVICES
        ]
        _spread(metafunc, "service_claim", cases)
    if "balancer_claim" in names:
        cases_of = [(host.name, None, name) for host in read.balancers for name in claims.OF_BALANCERS]
        _spread(metafunc, "balancer_claim", cases_of)


def _spread(metafunc: pytest.Metafunc, name: str, cases: list[Any]) -> None:
    metafunc.parametrize(name, cases, ids=["-".join(part for part in case if part) for case in cases])


@pytest.fixture(scope="session")
def gathered(request: pytest.FixtureRequest) -> Gathered:
    """All evidence, asked for once."""
    return gather(request.config.stash[FLEET])


class Judge:
    """Judges one claim on one host, notes the verdict, and fails the test if it did not hold."""

    def __init__(self, gathered: Gathered, rows: list[dict[str, Any]]) -> None:
        self.gathered = gathered
        self.rows = rows

    def __call__(self, known: dict[str, Claim], host: str, service: str | None, claim: str) -> None:
        """Judge, note, fail."""
        evidence = self.gathered.hosts[host]
        named = next((one for one in self.gathered.fleet.services if one.name == service), None)
        verdict = claims.judge(known[claim], Case(self.gathered, evidence, named))
        said = {"host": host, "service": service, "claim": claim, "verdict": "held" if verdict.held else "failed"}
        self.rows.append(said | {key: value for key, value in asdict(verdict).items() if key != "held"})
        if not verdict.held:
            log = _log(evidence.said, service)
            self.rows[-1]["log"] = log
            pytest.fail(_account(host, service, claim, verdict, log), pytrace=False)


@pytest.fixture
def judge(request: pytest.FixtureRequest, gathered: Gathered) -> Judge:
    """What the tests call."""
    return Judge(gathered, request.config.stash[ROWS])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what failed with got and expected, then print the table and the count."""
    rows = config.stash[ROWS]
    for row in rows:
        if row["verdict"] == "failed":
            verdict = Verdict(False, row["got"], row["expected"])
            account = _account(row["host"], row["service"], row["claim"], verdict, row["log"])
            terminalreporter.write_line(f"\n{account}")
    for line in _table(rows):
        terminalreporter.write_line(line)
    wanted = config.getoption("--verdicts")
    if wanted:
        Path(wanted).write_text(json.dumps([{key: row[key] for key in row if key != "log"} for row in rows]))


def _log(said: dict[str, Any], service: str | None) -> list[str]:
    if not said:
        return []
    part = said.get("services", {}).get(service) if service else said.get("balancer")
    return list((part or {}).get("log", []))


def _account(host: str, service: str | None, claim: str, verdict: Verdict, log: list[str]) -> str:
    where = f"{host}, {service}: {claim}" if service else f"{host}: {claim}"
    lines = [where, f"  got       {verdict.got}", f"  expected  {verdict.expected}"]
    return "\n".join([*lines, *(f"  | {line[:300]}" for line in log)])


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Hosts down, claims across; a claim about several services held if it held for all."""
    marks = ("✓", "✗", "·") if "utf" in (sys.stdout.encoding or "").lower() else ("+", "X", "-")
    hosts = list(dict.fromkeys(row["host"] for row in rows))
    names = list(dict.fromkeys(row["claim"] for row in rows))
    widest = max([len("host"), *(len(host) for host in hosts)])
    lines = ["", " ".join(["host".ljust(widest), *names])]
    for host in hosts:
        cells = []
        for name in names:
            verdicts = {row["verdict"] for row in rows if row["host"] == host and row["claim"] == name}
            mark = marks[1] if "failed" in verdicts else marks[0] if verdicts else marks[2]
            cells.append(mark.center(len(name)))
        lines.append(" ".join([host.ljust(widest), *cells]).rstrip())
    failed = sum(row["verdict"] == "failed" for row in rows)
    return [*lines, "", f"{len(rows) - failed} claims held, {failed} failed{os.linesep}"]

"""Each claim of the smoke tests holds on the live fleet's evidence, and fails once that evidence says otherwise."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from modelfleet.evidence import claims
from modelfleet.evidence.claims import OF_BALANCERS, OF_HOSTS, OF_SERVICES, Case
from modelfleet.evidence.gather import Gathered, gather
from tests.fleet.live import Live

pytestmark = pytest.mark.fleet

Spoil = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def gathered(live: Live) -> Gathered:
    """What the fleet says of itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELFLEET_STORE", str(live.store))
        return gather(live.fleet)


def case(gathered: Gathered, claim: str, spoil: Spoil = lambda _: None) -> Case:
    """The evidence that a claim is judged by, after a change to what the host said."""
    host = "balancer1" if claim in OF_BALANCERS else "server1"
    evidence = gathered.hosts[host]
    said = copy.deepcopy(evidence.said)
    service = gathered.fleet.services[0] if claim in OF_SERVICES else None
    spoil(said["services"][service.name] if service else said.get("balancer", said) if claim in OF_BALANCERS else said)
    return Case(gathered, replace(evidence, said=said), service)


CLAIMS = {**OF_HOSTS, **OF_SERVICES, **OF_BALANCERS}
SPOILT: dict[str, Spoil] = {
    "system": lambda said: said["failed"].append("cron.service"),
    "sshd": lambda said: said.update(sshd=["inactive", "failed"]),
    "disk": lambda said: said.update(disk_free=0.05),
    "memory": lambda said: said.update(memory_free=0.01),
    "socket": lambda said: said["socket"].update(UnitFileState="disabled"),
    "unit": lambda said: said.update(unit_text=said["unit_text"].replace("ProtectHome=yes\n", "")),
    "model": lambda said: said["altered"].append("model.onnx"),
    "golden": lambda said: said["golden"]["body"]["predictions"].reverse(),
    "version": lambda said: said["golden"].update(request_id=""),
    "sandbox": lambda said: said["process"].update(CapEff="0000000000000001"),
    "restarts": lambda said: said["unit"].update(NRestarts="1"),
    "nginx": lambda said: said.update(test="nginx: [emerg] unknown directive"),
    "in-force": lambda said: said.update(text=said["text"] + "# by hand\n"),
    "upstream": lambda said: said.update(text=said["text"].replace("server 10.", "server 11.", 1)),
    "reach": lambda said: said["routes"]["digits"]["answered_by"].pop(),
    "unknown": lambda said: said["unknown"].update(body="<html>"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_claim_holds_on_a_sound_fleet(gathered: Gathered, claim: str) -> None:
    verdict = claims.judge(CLAIMS[claim], case(gathered, claim))
    assert verdict.held, verdict


@pytest.mark.parametrize("claim", SPOILT)
def test_every_claim_fails_on_evidence_against_it(gathered: Gathered, claim: str) -> None:
    verdict = claims.judge(CLAIMS[claim], case(gathered, claim, SPOILT[claim]))
    assert not verdict.held
    assert verdict.got != verdict.expected


def test_a_clock_that_is_off_and_a_client_without_an_answer_fail_their_claims(gathered: Gathered) -> None:
    late = replace(gathered.hosts["server1"], clock_skew_seconds=9.0)
    assert not claims.clock(Case(gathered, late)).held
    cut = replace(gathered, outside={"digits": "502", "cancer": "200"})
    assert not claims.outside(Case(cut, gathered.hosts["balancer1"])).held
    assert set(CLAIMS) == {*SPOILT, "clock", "outside"}


def test_every_directive_of_the_unit_that_is_loosened_is_found(gathered: Gathered) -> None:
    """For each sandbox directive in the unit's text, systemd shows another value."""
    sound = case(gathered, "sandbox")
    for name, value in claims.SANDBOX.findall(sound.said["unit_text"]):
        if name in claims.NOT_SHOWN_ALIKE:
            continue
        other = "no" if value == "yes" else "other"
        loose = case(gathered, "sandbox", lambda said, n=name, o=other: said["unit"].update({n: o}))  # type: ignore[misc]
        assert f"{name}={other}" in claims.sandbox(loose).got


def test_a_host_that_says_nothing_holds_no_claim(gathered: Gathered) -> None:
    silent = replace(gathered.hosts["server1"], said={}, error="Connection refused")
    assert claims.judge(claims.disk, Case(gathered, silent)).got == "Connection refused"


def test_a_stopped_service_fails_a_smoke_run_with_its_last_words_and_exit_3(live: Live) -> None:
    release = live.release("server1", "digits")
    live.ssh("server1", f"sudo systemctl kill --signal=KILL modelfleet-digits@{release}")
    shown = f"systemctl show --property=ActiveState,NRestarts modelfleet-digits@{release}"
    live.until(lambda: set(live.ssh("server1", shown).split()) == {"ActiveState=active", "NRestarts=1"}, 30, "restart")
    run = live.run("smoke", "--fleet", str(live.path))
    assert run.status == 3, run.output
    assert "server1, digits: restarts" in run.output
    assert f"Started modelfleet-digits@{release}" in run.output
    said = json.loads(live.run("smoke", "--fleet", str(live.path), "--json").output)
    (failed,) = [row for row in said if row["verdict"] == "failed"]
    assert (failed["host"], failed["service"], failed["claim"]) == ("server1", "digits", "restarts")
    live.ssh("server1", f"sudo {failed['expected'].split(': ')[1]}")
    assert live.run("smoke", "--fleet", str(live.path)).status == 0

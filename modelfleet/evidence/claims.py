"""The claims of the smoke tests, each a pure function of the evidence: held or not, what was got and expected."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelfleet.evidence.gather import Gathered
from modelfleet.evidence.session import Evidence
from modelfleet.fleet import Service
from modelfleet_service import golden

LEAST_DISK, LEAST_MEMORY = 0.10, 0.05
MOST_SKEW_SECONDS = 5.0
NO_CAPABILITIES = "0000000000000000"
SHOWN_AS = {"SystemCallErrorNumber": {"EPERM": "1"}, "IPAddressDeny": {"any": "0.0.0.0/0 ::/0"}}
NOT_SHOWN_ALIKE = {"SystemCallFilter", "CapabilityBoundingSet", "AmbientCapabilities"}
SANDBOX = re.compile(
    r"^((?:Private|Protect|Restrict|SystemCall|IPAddress|Device|Lock|Memory|Keyring|NoNew|Dynamic|Remove|UMask|"
    r"Capability|Ambient|OOMPolicy|LimitCORE)\w*)=(.*)$",
    re.M,
)


@dataclass(frozen=True)
class Verdict:
    """Whether a claim held, with what was got and what was expected, each in a few words."""

    held: bool
    got: str
    expected: str


@dataclass(frozen=True)
class Case:
    """One host, and for a service's claim the service, in the light of all that was gathered."""

    gathered: Gathered
    evidence: Evidence
    service: Service | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What the host said of itself, or of the service if there is one."""
        if self.service is None:
            return self.evidence.said
        of_service: dict[str, Any] = self.evidence.said["services"][self.service.name]
        return of_service

    @property
    def named(self) -> Service:
        """The service of a service's claim."""
        assert self.service is not None
        return self.service


Claim = Callable[[Case], Verdict]


def equal(got: Any, expected: Any) -> Verdict:
    """Claim that two values are equal."""
    return Verdict(got == expected, str(got), str(expected))


def system(case: Case) -> Verdict:
    """Systemd runs the host and no unit failed."""
    failed = ", ".join(case.said["failed"])
    return equal(f"{case.said['system']} {failed}".strip(), "running")


def sshd(case: Case) -> Verdict:
    """The SSH daemon, or the socket that starts it, is active."""
    return Verdict("active" in case.said["sshd"], ", ".join(case.said["sshd"]), "active")


def disk(case: Case) -> Verdict:
    """There is disk to spare."""
    return Verdict(case.said["disk_free"] >= LEAST_DISK, f"{case.said['disk_free']:.0%}", f"{LEAST_DISK:.0%} free")


def memory(case: Case) -> Verdict:
    """There is memory to spare."""
    free = case.said["memory_free"]
    return Verdict(free >= LEAST_MEMORY, f"{free:.0%}", f"{LEAST_MEMORY:.0%} free")


def clock(case: Case) -> Verdict:
    """The host's clock is the controller's."""
    skew = case.evidence.clock_skew_seconds
    return Verdict(skew <= MOST_SKEW_SECONDS, f"{skew:.1f} s apart", f"at most {MOST_SKEW_SECONDS:.0f} s")


def socket(case: Case) -> Verdict:
    """The service's socket listens on its port, also after a reboot."""
    said = case.said["socket"]
    got = f"{said['ActiveState']} {said['UnitFileState']} {said['Listen']}"
    fine = re.fullmatch(rf"active enabled \S+:{case.named.port} \(Stream\)", got)
    return Verdict(bool(fine), got, f"active enabled <address>:{case.named.port} (Stream)")


def unit(case: Case) -> Verdict:
    """One instance is active, the release of record, and its unit is what the fleet file asks for."""
    expected = f"{case.named.unit}@{case.said['current']}.service" if case.said["current"] else "a release of record"
    verdict = equal(", ".join(case.said["running"]), expected)
    if verdict.held and case.said["unit_text"] != case.gathered.units[case.named.name]:
        return Verdict(False, "another text in the unit file", f"{expected} as templates/ renders it")
    return verdict


def model(case: Case) -> Verdict:
    """The served model, its release and its files are the version that the fleet file asks for, byte by byte."""
    wanted = case.gathered.models[case.named.name]
    ready = case.said["ready"]["body"]
    served = ready.get("digest") if isinstance(ready, dict) else ready
    released = (case.said["release"].get("model") or {}).get("digest")
    expected = f"{wanted.digest} served, released and on disk"
    if case.said["altered"]:
        return Verdict(False, f"altered on disk: {', '.join(case.said['altered'])}", expected)
    got = {str(served), str(released), f"sha256:{case.said['manifest']}"}
    return Verdict(got == {wanted.digest}, " and ".join(sorted(got)), expected)


def answers(case: Case) -> Verdict:
    """The server itself, asked directly, gives the golden answers."""
    rows = case.gathered.models[case.named.name].golden
    said = case.said["golden"]
    if said["status"] != 200:
        return Verdict(False, f"status {said['status']}: {said['body']}"[:300], f"{len(rows)} golden answers")
    wrong = golden.differences(rows, said["body"]["predictions"])
    got = f"{len(wrong)} differences, first {wrong[0]}" if wrong else f"{len(rows)} equal"
    return Verdict(not wrong, got, f"{len(rows)} equal")


def version(case: Case) -> Verdict:
    """Each answer names the model's version and has a request id."""
    said = case.said["golden"]
    got = f"{said['version']}, {'an id' if said['request_id'] else 'no id'}"
    return equal(got, f"{case.gathered.models[case.named.name].reference}, an id")


def sandbox(case: Case) -> Verdict:
    """The directives that the template has are in force on the process that runs."""
    wanted = SANDBOX.findall(case.gathered.units[case.named.name])
    shown = case.said["unit"]
    loose = [f"{name}={shown.get(name)}" for name, value in wanted if not _in_force(name, value, shown)]
    process = case.said["process"]
    expected_process = {
        "NoNewPrivs": "1",
        "CapEff": NO_CAPABILITIES,
        "CapBnd": NO_CAPABILITIES,
        "CapAmb": NO_CAPABILITIES,
        "Seccomp": "2",
        "own_network": True,
    }
    loose += [f"{name}={process.get(name)}" for name, value in expected_process.items() if process.get(name) != value]
    if process.get("Uid", "0") == "0":
        loose.append("it runs as root, or not at all")
    expected = f"{len(wanted)} directives and {len(expected_process) + 1} properties of the process"
    return Verdict(bool(wanted) and not loose, ", ".join(loose) or expected, expected)


def restarts(case: Case) -> Verdict:
    """The release was never restarted since it was started."""
    count, unit = case.said["unit"].get("NRestarts", "no unit"), f"{case.named.unit}@{case.said['current']}"
    return Verdict(count == "0", count, f"0; once you know why it died: systemctl reset-failed {unit}")


def nginx(case: Case) -> Verdict:
    """Nginx is active and its configuration is valid."""
    said = case.said["balancer"]
    return equal(f"{said['nginx']} {said['test']}".strip(), "active")


def in_force(case: Case) -> Verdict:
    """The configuration in force is the file on disk."""
    said = case.said["balancer"]
    body = said["in_force"]["body"]
    digest = body.get("digest", "") if isinstance(body, dict) else str(body)
    return equal(digest, hashlib.sha256(said["text"].replace(digest or "-", "@DIGEST@").encode()).hexdigest())


def upstreams(case: Case) -> Verdict:
    """The balancer's upstreams are the fleet's servers, service by service."""
    text = case.said["balancer"]["text"]
    blocks = dict(re.findall(r"^\s*upstream (\S+) \{(.*?)\}", text, re.M | re.S))
    got = {name: sorted(re.findall(r"^\s*server (\S+)", block, re.M)) for name, block in blocks.items()}
    return equal(got, _addresses(case.gathered))


def reach(case: Case) -> Verdict:
    """Through the balancer every server of every service answers."""
    routes = case.said["balancer"]["routes"]
    wanted = _addresses(case.gathered)
    known = case.said["balancer"]["addresses"]
    got = {name: _named(route["answered_by"], wanted[name], known) for name, route in routes.items()}
    refused = {name: route["statuses"] for name, route in routes.items() if route["statuses"] != [200]}
    verdict = equal(got, wanted)
    return Verdict(False, f"statuses {refused}", "200") if refused else verdict


def unknown(case: Case) -> Verdict:
    """An unknown model is a 404 with a JSON body."""
    said = case.said["balancer"]["unknown"]
    kind = "JSON" if isinstance(said["body"], dict) else "no JSON"
    return equal(f"{said['status']} {kind}", "404 JSON")


def outside(case: Case) -> Verdict:
    """A client on the controller gets an answer from every service."""
    return equal(case.gathered.outside, dict.fromkeys(case.gathered.models, "200"))


def _in_force(name: str, value: str, shown: dict[str, str]) -> bool:
    if name in NOT_SHOWN_ALIKE:
        return name != "SystemCallFilter" or (bool(shown.get(name)) and "mount" not in shown[name].split())
    return sorted(shown.get(name, "").split()) == sorted(SHOWN_AS.get(name, {}).get(value, value).split())


def _named(answered: list[str], wanted: list[str], known: dict[str, list[str]]) -> list[str]:
    """Name the wanted addresses that answered: Nginx logs the IP address that a name has."""
    spoken = {entry.rpartition(":") for entry in answered}
    hosts = {entry: entry.rpartition(":") for entry in wanted}
    return [entry for entry, (host, _, port) in hosts.items() if any((ip, ":", port) in spoken for ip in known[host])]


def _addresses(gathered: Gathered) -> dict[str, list[str]]:
    address = {host.name: host.address for host in gathered.fleet.servers}
    return {
        service.name: sorted(f"{address[server]}:{service.port}" for server in service.servers)
        for service in gathered.fleet.services
    }


OF_HOSTS: dict[str, Claim] = {"system": system, "sshd": sshd, "disk": disk, "memory": memory, "clock": clock}
OF_SERVICES: dict[str, Claim] = {
    "socket": socket,
    "unit": unit,
    "model": model,
    "golden": answers,
    "version": version,
    "sandbox": sandbox,
    "restarts": restarts,
}
OF_BALANCERS: dict[str, Claim] = {
    "nginx": nginx,
    "in-force": in_force,
    "upstream": upstreams,
    "reach": reach,
    "unknown": unknown,
    "outside": outside,
}


def judge(claim: Claim, case: Case) -> Verdict:
    """Judge a claim; a host that said nothing holds none."""
    if case.evidence.error:
        return Verdict(False, case.evidence.error, "an answer over SSH")
    return claim(case)

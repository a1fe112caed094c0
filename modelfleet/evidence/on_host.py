"""Runs on a host, sent over SSH to its own python3: looks, changes nothing, prints one JSON object.

The question is in QUESTION, which the sender puts before this text. Standard library only.
"""

import hashlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

ROOT = Path("/opt/modelfleet")
ACCESS_LOG = Path("/var/log/nginx/access.log")
NGINX = Path("/etc/nginx/nginx.conf")
STATUS = ("NoNewPrivs", "CapEff", "CapBnd", "CapAmb", "Seccomp", "Uid")
TIMEOUT_SECONDS = 20
MOST_ROUNDS = 10


def main(question: dict[str, Any]) -> None:
    """Answer the question."""
    answer: dict[str, Any] = host()
    answer["services"] = {asked["name"]: service(asked) for asked in question["services"]}
    if question.get("balancer"):
        answer["balancer"] = balancer(question["balancer"])
    answer["time"] = time.time()
    print(json.dumps(answer))


def run(*command: str) -> str:
    """Return what a command printed, both outputs."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.strip()


def show(unit: str) -> dict[str, str]:
    """Return a unit's properties."""
    lines = run("systemctl", "show", "--all", unit).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def host() -> dict[str, Any]:
    """Tell what is true of any host."""
    memory = {row[0]: int(row[1]) for row in map(str.split, Path("/proc/meminfo").read_text().splitlines())}
    disk = shutil.disk_usage(ROOT if ROOT.exists() else "/")
    return {
        "system": run("systemctl", "is-system-running"),
        "failed": [line.split()[0] for line in run("systemctl", "--failed", "--plain", "--no-legend").splitlines()],
        "sshd": [run("systemctl", "is-active", unit) for unit in ("ssh.service", "ssh.socket")],
        "disk_free": disk.free / disk.total,
        "memory_free": memory["MemAvailable:"] / memory["MemTotal:"],
    }


def service(asked: dict[str, Any]) -> dict[str, Any]:
    """Tell what is true of one service here, and have it score the given instances directly."""
    name, home = asked["name"], ROOT / asked["name"]
    current = (home / "current").readlink().name if (home / "current").is_symlink() else ""
    unit = show(f"modelfleet-{name}@{current}.service") if current else {}
    listener = show(f"modelfleet-{name}.socket")
    listed = run("systemctl", "list-units", "--plain", "--no-legend", f"modelfleet-{name}@*.service").splitlines()
    base = f"http://{heard_at(listener)}:{asked['port']}"
    fragment = Path(unit.get("FragmentPath") or "/nonexistent")
    return {
        "current": current,
        "running": [line.split()[0] for line in listed if line.split()[2:3] == ["active"]],
        "socket": {key: listener.get(key, "") for key in ("ActiveState", "Listen", "UnitFileState")},
        "unit": unit,
        "unit_text": fragment.read_text() if fragment.is_file() else "",
        "process": process(unit.get("MainPID", "0")),
        "release": document(home / "current/release.json"),
        "altered": altered(home / "current"),
        "manifest": digest(home / "current/model/manifest.json"),
        "ready": ask(f"{base}/readyz"),
        "golden": scored(f"{base}/models/{name}/predict", asked["instances"]),
        "log": last_words(f"modelfleet-{name}@*"),
    }


def last_words(unit: str) -> list[str]:
    """Return the last log lines of a unit but those that say that a request was answered, oldest first."""
    lines = run("journalctl", "--no-pager", "--output=cat", "--lines=2000", f"--unit={unit}").splitlines()
    return [line for line in lines if '"message": "answered"' not in line or '"status": 5' in line][-6:]


def heard_at(listener: dict[str, str]) -> str:
    """Return the address at which this host itself reaches a socket unit."""
    address = listener.get("Listen", "").split(" ")[0].rpartition(":")[0]
    return "127.0.0.1" if address in ("", "0.0.0.0", "[::]") else address  # noqa: S104 - compared, not bound


def process(number: str) -> dict[str, Any]:
    """Tell the sandbox that is in force on a process."""
    folder = Path("/proc") / number
    if number == "0" or not folder.exists():
        return {}
    rows = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
    own, hosts = (folder / "ns/net").readlink(), Path("/proc/1/ns/net").readlink()
    return {name: rows[name].split()[0] for name in STATUS} | {"own_network": own != hosts}


def document(path: Path) -> dict[str, Any]:
    """Read what a release's document says of itself; empty if it is not there."""
    content = read(path)
    return {key: content.get(key) for key in ("service", "release", "model")} if content else {}


def altered(release: Path) -> list[str]:
    """Name the files of the model and of its members that are not what their manifests say.

    A member's have its folder before them. Signatures have to be those of the release, a member's manifest as well.
    """
    document = read(release / "release.json")
    shipped = {f"model/{entry['name']}": entry["sha256"] for entry in document.get("model_files", [])}
    shipped |= {entry["name"]: entry["sha256"] for entry in document.get("member_files", [])}
    wrong = [name.split("/", 1)[1] for name in altered_in(release, "model", shipped)]
    for member in document.get("members", []):
        sha256 = member["digest"].split(":")[-1]
        manifest = f"members/{sha256}/manifest.json"
        whole = digest(release / manifest) == sha256
        wrong += altered_in(release, f"members/{sha256}", shipped) if whole else [manifest]
    return wrong


def altered_in(release: Path, folder: str, shipped: dict[str, str]) -> list[str]:
    """Name the files of one model, by their paths in the release."""
    manifest = read(release / folder / "manifest.json")
    if not manifest:
        return [f"{folder}/manifest.json"]
    listed = {f"{folder}/{entry['path']}": entry["sha256"] for entry in manifest["files"]}
    listed |= {f"{folder}/manifest.sig": shipped.get(f"{folder}/manifest.sig", "")}
    return [name for name, sha256 in listed.items() if digest(release / name) != sha256]


def read(path: Path) -> dict[str, Any]:
    """Read a JSON document; empty if it is not there."""
    content: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return content


def digest(path: Path) -> str:
    """SHA-256 of a file; empty if it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def ask(url: str, body: Any = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Send one request; a refusal is an answer too, and silence has status 0."""
    content = json.dumps(body).encode() if body is not None else None
    asked = urllib.request.Request(  # noqa: S310 - every URL here is http://127.0.0.1
        url, content, {"Content-Type": "application/json", **(headers or {})}
    )
    try:
        with urllib.request.urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return said(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return said(error.code, error.headers, error.read())
    except OSError as error:
        return {"status": 0, "body": str(error), "version": "", "request_id": ""}


def scored(url: str, instances: list[Any]) -> dict[str, Any]:
    """Have instances scored one by one, so that no limit of the service stands in the way."""
    predictions: list[Any] = []
    answer: dict[str, Any] = {"status": 0, "body": "no golden row"}
    for instance in instances:
        answer = ask(url, {"instances": [instance]})
        if answer["status"] != 200:
            return answer
        predictions += answer["body"]["predictions"]
    return {**answer, "body": {"predictions": predictions}}


def said(status: int, headers: Any, body: bytes) -> dict[str, Any]:
    """Put an answer into a JSON shape."""
    try:
        content = json.loads(body)
    except ValueError:
        content = body.decode(errors="replace")[:500]
    named = {"version": headers.get("X-Model-Version", ""), "request_id": headers.get("X-Request-ID", "")}
    return {"status": status, "body": content, "type": headers.get("Content-Type", ""), **named}


def balancer(asked: dict[str, Any]) -> dict[str, Any]:
    """Tell what is true of a balancer, and which servers answer through it."""
    base = f"http://127.0.0.1:{asked['port']}"
    return {
        "nginx": run("systemctl", "is-active", "nginx.service"),
        "test": run("nginx", "-t", "-q"),
        "text": NGINX.read_text() if NGINX.is_file() else "",
        "in_force": ask("http://127.0.0.1:8099/configuration"),
        "unknown": ask(f"{base}/models/{uuid.uuid4().hex}/predict", {"instances": []}),
        "addresses": {address: resolved(address) for address in asked["addresses"]},
        "routes": {route["name"]: through(base, route, asked["requests"]) for route in asked["routes"]},
        "log": run("tail", "-n", "6", "/var/log/nginx/error.log").splitlines(),
    }


def resolved(address: str) -> list[str]:
    """Return the IP addresses that a name has on this host; none if it can't be resolved."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(address, None)})
    except OSError:
        return []


def through(base: str, route: dict[str, Any], requests: int) -> dict[str, Any]:
    """Send requests with ids of their own until every server has answered one; the access log says which did.

    Other clients' load can send a whole round of ours to one server, so there may be several rounds.
    """
    seen = ACCESS_LOG.stat().st_size if ACCESS_LOG.is_file() else 0
    url, body = f"{base}/models/{route['name']}/predict", {"instances": [route["instance"]]}
    statuses: set[int] = set()
    ids: set[str] = set()
    answered: set[str] = set()
    for _ in range(MOST_ROUNDS):
        fresh = {uuid.uuid4().hex for _ in range(requests)}
        statuses |= {ask(url, body, {"X-Request-ID": name})["status"] for name in fresh}
        ids |= fresh
        answered = upstreams(ids, seen)
        if len(answered) >= route["servers"]:
            break
    return {"statuses": sorted(statuses), "answered_by": sorted(answered)}


def upstreams(ids: set[str], seen: int) -> set[str]:
    """Return the addresses that answered the requests with these ids, from what the log has gained since ``seen``.

    A line without its end is one that Nginx is writing at this moment, so it isn't read yet.
    """
    if not ACCESS_LOG.is_file():
        return set()
    with ACCESS_LOG.open("rb") as stream:
        stream.seek(seen if seen <= ACCESS_LOG.stat().st_size else 0)
        *lines, _unfinished = stream.read().decode(errors="replace").split("\n")
    entries = [json.loads(line) for line in lines if line.startswith("{") and any(name in line for name in ids)]
    return {entry["upstream"].split(", ")[-1] for entry in entries if entry["request_id"] in ids}


if "QUESTION" in globals():
    main(globals()["QUESTION"])

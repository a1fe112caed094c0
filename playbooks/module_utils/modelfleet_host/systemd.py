"""The few things asked of systemd."""

from __future__ import annotations

import json
import subprocess

from .place import Place, write

Units = dict[str, str]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemctl; the caller judges the exit status."""
    return subprocess.run(["systemctl", "--no-pager", *arguments], capture_output=True, text=True)


def active(unit: str) -> bool:
    """Tell whether a unit is active."""
    return run("is-active", "--quiet", unit).returncode == 0


def instances(service: str) -> list[str]:
    """Return the releases of a service that have a living instance, also one that starts or stops."""
    listed = run("list-units", "--plain", "--no-legend", "--all", f"modelfleet-{service}@*.service").stdout
    rows = [line.split() for line in listed.splitlines() if line.strip()]
    return [row[0].split("@")[1].removesuffix(".service") for row in rows if row[2] not in ("inactive", "failed")]


def installed(place: Place, names: list[str]) -> Units:
    """Return the text of the named units as they are on disk; a missing one is left out."""
    return {name: (place.units / name).read_text() for name in names if (place.units / name).is_file()}


def install(place: Place, units: Units) -> None:
    """Write units and make systemd read them, if any differs."""
    changed = {name: text for name, text in units.items() if installed(place, [name]).get(name) != text}
    for name, text in changed.items():
        write(place.units / name, text)
    if changed:
        run("daemon-reload")


def uninstall(place: Place, names: list[str]) -> None:
    """Remove unit files and make systemd forget them."""
    for name in names:
        (place.units / name).unlink(missing_ok=True)
    run("daemon-reload")


def listening(socket: str) -> list[str]:
    """Return the settings of a socket unit's text that are fixed while it listens; empty if there is no text."""
    settings = [line.strip() for line in socket.partition("[Socket]")[2].partition("[Install]")[0].splitlines()]
    return [line for line in settings if "=" in line and not line.startswith(("#", "Service="))]


def last_words(unit: str, lines: int = 25) -> list[str]:
    """Return the last log lines of a unit, oldest first."""
    command = ["journalctl", "--no-pager", "--output=cat", f"--lines={lines}", f"--unit={unit}"]
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()


def reason(words: list[str]) -> str:
    """Pick the line that says why a unit died: the app's own error, or else the last line of an exception."""
    for line in reversed(words):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in ("error", "critical"):
            return str(entry.get("message", line))
    raised = [line for line in words if "Error" in line and not line.startswith(" ")]
    return (raised or [line for line in words if line.strip()] or ["no log"])[-1]

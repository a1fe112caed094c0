"""Compare what the bundles need with what a host has free, before anything is changed anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from modelfleet import bundle


class ActionModule(ActionBase):  # type: ignore[misc]
    """Fail in one line where disk or memory is short; a release or an environment that is there needs nothing."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Take ``bundles`` (paths), ``target``, and ``found`` (the answer of the look module)."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        found = self._task.args["found"]
        made = [bundle.read(Path(path)) for path in self._task.args["bundles"]]
        new = [one for one in made if one.release not in found["releases"].get(one.service, [])]
        environments = {one.environments[self._task.args["target"]].digest: one for one in new}
        lacking = [one for digest, one in environments.items() if digest not in found["environments"]]
        disk = sum(one.needs["model_disk_bytes"] for one in new)
        disk += sum(one.needs["environment_disk_bytes"] for one in lacking)
        short = shortage(
            disk=(disk, found["disk_free_bytes"]),
            memory=(sum(one.needs["memory_bytes"] for one in new), found["memory_free_bytes"]),
        )
        return result | ({"failed": True, "msg": short} if short else {"changed": False})


def shortage(disk: tuple[int, int], memory: tuple[int, int]) -> str | None:
    """Say what is short, given (needed, free) in bytes; None where both fit."""
    for what, (needed, free), cure in (
        ("disk under /opt/modelfleet", disk, "free some space, or run fewer services here"),
        ("memory for a second copy of the model", memory, "use fewer workers, or run fewer services here"),
    ):
        if needed > free:
            return f"needs {needed / 1e6:,.0f} MB of {what} and has {free / 1e6:,.0f} MB; {cure}"
    return None

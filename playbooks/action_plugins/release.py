"""The controller's half of the release module: send only the blobs that the host lacks."""

from __future__ import annotations

import getpass
import socket
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from modelfleet import bundle
from modelfleet.errors import Failure


class ActionModule(ActionBase):  # type: ignore[misc]
    """Hand the bundle's manifest to the host, ship what it lacks, and report the bytes that went over."""

    TRANSFERS_FILES = False
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module once, or twice where blobs had to be sent first."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args) | {"by": f"{getpass.getuser()}@{socket.gethostname()}"}
        try:
            if arguments["state"] == "staged":
                return result | self._stage(arguments, task_vars)
            return result | self._module(_named(arguments), task_vars)
        except Failure as failure:
            return result | {"failed": True, "msg": str(failure)}

    def _stage(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        made = bundle.read(Path(arguments.pop("bundle")))
        arguments["manifest"] = made.manifest(arguments.pop("target"))
        arguments["environment_file"] = environment_file(arguments.pop("environment"))
        answer = self._module(arguments, task_vars)
        if not answer.get("lacks"):
            return answer
        with tempfile.TemporaryDirectory() as folder:
            shipment = Path(folder) / "shipment.tar"
            bundle.pack(made, answer["lacks"], shipment)
            remote = self._connection._shell.join_path(self._make_tmp_path(), shipment.name)
            try:
                self._connection.put_file(str(shipment), remote)
            except AnsibleError as error:
                size = shipment.stat().st_size / 1e6
                reason = " ".join(str(error).split())[-200:]
                cure = f"see that the SSH user's home has {size:,.0f} MB free, and deploy again"
                raise Failure(made.service, f"its files could not be sent ({reason})", cure) from error
        try:
            return self._module(arguments | {"incoming": remote}, task_vars)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _module(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(module_name="release", module_args=arguments, task_vars=task_vars)
        return answer


def _named(arguments: dict[str, Any]) -> dict[str, Any]:
    """Take the release's id from its bundle, so that a playbook names the bundle alone."""
    if "bundle" not in arguments:
        return arguments
    made = bundle.read(Path(arguments.pop("bundle")))
    return arguments | {"service": made.service, "release": made.release, "model": made.model}


def environment_file(variables: dict[str, Any]) -> str:
    """Write environment variables as systemd reads them: quoted, so that no value can add another variable."""
    escaped = {
        name: str(value).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
        for name, value in variables.items()
    }
    return "".join(f'{name}="{value}"\n' for name, value in sorted(escaped.items()))

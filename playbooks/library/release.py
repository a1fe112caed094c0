#!/usr/bin/python
"""Bring one release of a service on this host to a state; the controller's half is the action plugin."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: The life of a release on a host
description:
  - Each state is atomic, journaled, and safe to repeat after a controller that died at any moment.
  - C(staged) makes the release complete on disk, C(live) hands the listening socket over to it,
    C(previous) hands it back, C(absent) retires services.
options:
  state: {type: str, choices: [staged, live, previous, absent], required: true, description: What to bring about.}
  service: {type: str, description: The service's name.}
  release: {type: str, description: The release that is to be live.}
  model: {type: dict, description: "The release's model, from the action plugin."}
  manifest: {type: dict, description: The bundle's manifest, from the action plugin.}
  environment_file: {type: str, description: The text of the service's environment file; may hold secrets.}
  incoming: {type: path, description: A tar file of the blobs that were lacking, from the action plugin.}
  kept: {type: list, elements: str, description: The services that stay when others are retired.}
  by: {type: str, description: Who asked for it, for the journal.}
author: [modelfleet]
"""

EXAMPLES = r"""
- name: Hand the socket over to the new release
  release:
    state: live
    service: digits
    bundle: /path/on/the/controller/digits-1f3a9c0b2d4e.json
"""

RETURN = r"""
lacks: {description: Digests of the blobs that must be sent first., type: list, returned: when staged}
received_bytes: {description: Bytes of blobs that were sent., type: int, returned: when staged}
replaces: {description: The release that was live before., type: str, returned: when live}
"""

import os  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible.module_utils.modelfleet_host import releases, staging  # noqa: E402
from ansible.module_utils.modelfleet_host.place import Place, Refused  # noqa: E402

ARGUMENTS = {
    "state": {"type": "str", "choices": ["staged", "live", "previous", "absent"], "required": True},
    "service": {"type": "str"},
    "release": {"type": "str"},
    "model": {"type": "dict"},
    "manifest": {"type": "dict"},
    "environment_file": {"type": "str", "no_log": True},
    "incoming": {"type": "path"},
    "kept": {"type": "list", "elements": "str"},
    "by": {"type": "str", "default": ""},
}
READABLE = 0o022  # the umask: the service's own user reads what root writes, whatever root's umask is
NEEDED = [
    ("state", "staged", ["manifest", "environment_file"]),
    ("state", "live", ["service", "release"]),
    ("state", "previous", ["service"]),
    ("state", "absent", ["kept"]),
]


def main() -> None:
    """Read the arguments and bring the state about."""
    module = AnsibleModule(ARGUMENTS, required_if=NEEDED, supports_check_mode=True)
    os.umask(READABLE)
    try:
        module.exit_json(**bring_about(Place(), module.params, check=module.check_mode))
    except Refused as refused:
        module.fail_json(msg=str(refused), log=refused.log)
    except OSError as error:
        state = "nothing live was changed, " if module.params["state"] == "staged" else ""
        module.fail_json(msg=f"{error.filename or 'the host'}: {error.strerror}; {state}mend it and deploy again")


def bring_about(place: Place, wanted: dict[str, Any], *, check: bool) -> dict[str, Any]:
    """Call the state by its name."""
    by = wanted["by"]
    if wanted["state"] == "staged":
        incoming = Path(wanted["incoming"]) if wanted["incoming"] else None
        result = staging.stage(place, wanted["manifest"], wanted["environment_file"], incoming, by, check)
    elif wanted["state"] == "live":
        result = releases.live(place, wanted["service"], wanted["release"], wanted["model"], by, check)
    elif wanted["state"] == "previous":
        result = releases.previous(place, wanted["service"], by, check)
    else:
        result = releases.absent(place, wanted["kept"], by, check)
    return dict(result)


if __name__ == "__main__":
    main()

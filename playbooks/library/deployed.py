#!/usr/bin/python
"""Record in the store's audit log, on the controller, what a fleet serves after a deploy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: deployed
short_description: Record what was deployed in the store's audit log
description: Adds one record of fleet file, services, versions and releases, only if it differs from the last one.
options:
  path: {type: path, required: true, description: The fleet file.}
  bundles: {type: dict, required: true, description: The path of each service's bundle document.}
  store: {type: path, description: The store; the default store if not given.}
author: [modelfleet]
"""

EXAMPLES = r"""
- name: Record what was deployed
  deployed:
    path: inventory/example.yml
    bundles: {digits: /path/on/the/controller/digits-1f3a9c0b2d4e.json}
"""

from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "bundles": {"type": "dict", "required": True},
    "store": {"type": "path"},
}


def main() -> None:
    """Record, unless the last record of this fleet says the same; a log that can't be written is a warning."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    from modelfleet.errors import Failure
    from modelfleet.store import audit

    store = Path(module.params["store"]) if module.params["store"] else None
    fleet = str(Path(module.params["path"]).resolve())
    services = {name: _said(Path(path)) for name, path in sorted(module.params["bundles"].items())}
    try:
        past = [one for one in audit.read(store) if one["act"] == "deployed" and one.get("fleet") == fleet]
        changed = not past or past[-1]["services"] != services
        if changed and not module.check_mode:
            audit.record("deployed", store, fleet=fleet, services=services)
    except Failure as failure:
        module.warn(f"{failure}")
        changed = False
    module.exit_json(changed=changed)


def _said(path: Path) -> dict[str, Any]:
    from modelfleet import bundle

    built = bundle.read(path)
    model = built.model
    return {"reference": f"{model['name']}:{model['version']}", "digest": model["digest"], "release": built.release}


if __name__ == "__main__":
    main()

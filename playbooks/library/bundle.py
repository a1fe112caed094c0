#!/usr/bin/python
"""Build the bundle of one service on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle
short_description: Build the bundle of one service on the controller
description: Verifies the model, fetches the wheels that its lock names, and writes the bundle's document.
options:
  service: {type: dict, required: true, description: Name, model and workers of the service.}
  settings: {type: dict, required: true, description: What the app reads from release.json.}
  units: {type: dict, required: true, description: The text of each systemd unit, by file name.}
  environment_digest: {type: str, required: true, description: SHA-256 of the environment variables.}
  targets: {type: list, elements: dict, required: true, description: Python, machine and glibc of the servers.}
  store: {type: path, description: The store; the default store if not given.}
author: [modelfleet]
"""

EXAMPLES = r"""
- name: Build the bundle
  bundle:
    service: {name: digits, model: "digits:3", workers: 2}
    settings: {}
    units: {}
    environment_digest: 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
    targets: [{python: "3.11", machine: x86_64, glibc: "2.36"}]
"""

RETURN = r"""
bundle: {description: Path of the bundle's document., type: str, returned: success}
release: {description: The release's id., type: str, returned: success}
"""

from pathlib import Path  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

ARGUMENTS = {
    "service": {"type": "dict", "required": True},
    "settings": {"type": "dict", "required": True},
    "units": {"type": "dict", "required": True},
    "environment_digest": {"type": "str", "required": True},
    "targets": {"type": "list", "elements": "dict", "required": True},
    "store": {"type": "path"},
}


def main() -> None:
    """Build, and answer with the path of the bundle's document."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    from modelfleet import bundle
    from modelfleet.errors import Failure
    from modelfleet.wheels import Target

    wanted = module.params
    try:
        path = bundle.build(
            wanted["service"],
            units=wanted["units"],
            settings=wanted["settings"],
            environment_digest=wanted["environment_digest"],
            targets=sorted({Target(**target) for target in wanted["targets"]}),
            store_path=Path(wanted["store"]) if wanted["store"] else None,
        )
    except Failure as failure:
        module.fail_json(msg=str(failure))
    module.exit_json(changed=False, bundle=str(path), release=bundle.read(path).release)


if __name__ == "__main__":
    main()

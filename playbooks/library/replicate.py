#!/usr/bin/python
"""Replicate the store, on the controller, to the hosts of a fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: replicate
short_description: Keep copies of every model on the hosts of a fleet
description: Does what C(modelfleet store replicate --to PATH) does, with the same code; sends only what is missing.
options:
  path: {type: path, required: true, description: The fleet file.}
  copies: {type: int, default: 2, description: On how many hosts each version is to be.}
author: [modelfleet]
"""

EXAMPLES = r"""
- name: Keep two copies of every model
  replicate:
    path: inventory/example.yml
    copies: 2
"""

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "copies": {"type": "int", "default": 2},
}


def main() -> None:
    """Fail where a host does, or a version can't be copied."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    from modelfleet.copies import replicate, targets
    from modelfleet.errors import Failure, Failures

    try:
        one = targets.target(module.params["path"], module.params["copies"])
        if module.check_mode:
            module.exit_json(changed=False)
        report = replicate.run(one)
    except (Failure, Failures) as failure:
        module.fail_json(msg=str(failure))
    said = [f"{row.holder}: {replicate.told(row)}" for row in report.holders]
    changed = any(row.sent or row.documents for row in report.holders)
    wrong = [*map(str, report.failed), *map(str, report.findings)]
    if wrong:
        module.fail_json(msg="; ".join(wrong), changed=changed, report=said)
    module.exit_json(changed=changed, report=said)


if __name__ == "__main__":
    main()

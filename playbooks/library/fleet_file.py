#!/usr/bin/python
"""Check a fleet file on the controller, before any host is contacted."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_file
short_description: Check a fleet file before any host is contacted
description: Names unknown settings, wrong types, models that the store lacks or that were altered, clashing ports.
options:
  path: {type: path, required: true, description: The fleet file.}
author: [modelfleet]
"""

from pathlib import Path  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402


def main() -> None:
    """Fail with a line for each thing that is wrong."""
    module = AnsibleModule({"path": {"type": "path", "required": True}}, supports_check_mode=True)
    from modelfleet import check
    from modelfleet.errors import Failure

    try:
        failures = check.failures(Path(module.params["path"]))
    except Failure as failure:
        failures = [failure]
    if failures:
        module.fail_json(msg=" | ".join(str(failure) for failure in failures))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()

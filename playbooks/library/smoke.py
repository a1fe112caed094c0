#!/usr/bin/python
"""Run the smoke tests on the controller and hand their report on."""

from __future__ import annotations

DOCUMENTATION = r"""
module: smoke
short_description: Run the smoke tests of a fleet
description: Runs C(pytest smoke_tests --fleet PATH) on the controller; strictly read-only.
options:
  path: {type: path, required: true, description: The fleet file.}
author: [modelfleet]
"""

import subprocess  # noqa: E402
import sys  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402


def main() -> None:
    """Fail where a claim does."""
    module = AnsibleModule({"path": {"type": "path", "required": True}}, supports_check_mode=True)
    from modelfleet.tree import ROOT, SMOKE_TESTS

    command = [sys.executable, "-m", "pytest", "-q", str(SMOKE_TESTS), "--fleet", module.params["path"]]
    done = subprocess.run([*command, "--color=no"], cwd=ROOT, capture_output=True, text=True)
    report = (done.stdout + done.stderr).strip()
    if done.returncode == 0:
        module.exit_json(changed=False, report=report)
    failed = report.splitlines()[-1].strip("= ") if report else "pytest printed nothing"
    where = module.params["path"]
    module.fail_json(msg=f"{where}: smoke tests failed ({failed}); mend what the report names", report=report)


if __name__ == "__main__":
    main()

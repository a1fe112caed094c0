"""What a run prints: a line a play and a task, what changed where, and each failure as one line with its cure."""

from __future__ import annotations

DOCUMENTATION = r"""
name: modelfleet
type: stdout
short_description: A short account of a run
description: Prints each failure as one line that says where, what and the cure, and again at the end.
extends_documentation_fragment: [default_callback, result_format_callback]
"""

import json  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from ansible import constants as C  # noqa: E402, N812
from ansible.plugins.callback import CallbackBase  # noqa: E402

SILENT = ("it does not answer SSH", "start it or check its address, or take it out of the fleet file")
UNREACHABLE = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed",
     "its SSH host key is not the pinned one",
     "find out why it changed; if the host was reinstalled, put the new key into the known_hosts file"),
    (r"Permission denied \(", "SSH refuses the user or the key", "check ansible_user and the key in the fleet file"),
    (r"timed out|No route to host|Connection refused|Could not resolve|Connection closed|Connection reset|Broken pipe|"
     r"Network is unreachable", *SILENT),
)  # fmt: skip
KNOWN = (
    (r"Missing sudo password|password is required|is not in the sudoers|may not run sudo",
     "the user may not use sudo without a password", "allow it in /etc/sudoers.d"),
    (r"sudo: (command )?not found|sudo.*No such file", "sudo is not installed", "install sudo on the host"),
    (r"python3: (command )?not found|interpreter .* not found|No such file.*python",
     "python3 is not installed", "install the distribution's python3 on the host"),
    (r"python3-apt must be installed", "--check needs the package python3-apt",
     "install it, or deploy without --check"),
    (r"requires a minimum of Python|requires Python \S+ or", "its Python is too old",
     "use Debian 12 or 13 with the distribution's python3"),
    (r"Could not resolve|Temporary failure in name resolution|Failed to fetch|Failed to update apt cache",
     "apt can't fetch the distribution's packages", "check the host's network and its apt sources"),
)  # fmt: skip


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """The account of one run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "modelfleet"

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._failures: list[dict[str, str]] = []

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Print the play's sentence and the seconds since the start."""
        mode = " (check: nothing is changed)" if play.check_mode else ""
        self._display.display(f"\n{play.get_name().strip()}{mode}  [{self._elapsed()}]", color=C.COLOR_HIGHLIGHT)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002
        """Print the task's name as it starts, so that a slow one is seen."""
        if task.action != "meta":
            name = task.get_name().split(" : ")[-1]
            self._display.display("  " + ("Check the role's settings" if name.startswith("Validating arg") else name))

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Print a handler like a task."""
        self._display.display(f"  {task.get_name().split(' : ')[-1]}")

    def v2_runner_on_ok(self, result: Any) -> None:
        """Print a host only if something changed on it, and a task's report."""
        if "results" not in result.result:
            self._ok(result, "")
        self._report(result.result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Print an item only if it changed something."""
        self._ok(result, self._item(result))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Print why, in one line."""
        if "results" not in result.result and not ignore_errors:
            self._fail(result, "")

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Print why, in one line, and for which item."""
        self._fail(result, self._item(result))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Print why a host can't be reached, in one line."""
        self._fail(result, "")

    def v2_on_file_diff(self, result: Any) -> None:
        """Print what a task changes in a file, if --diff was asked for."""
        answers = result.result.get("results", [result.result])
        for answer in answers:
            text = self._get_diff(answer["diff"]) if answer.get("diff") and answer.get("changed") else ""
            if text:
                self._display.display(f"    {result.host.get_name()}")
                self._display.display(text)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print a line a host, then every failure again, the causes last, where nobody has to look for them."""
        self._display.display("")
        for host in sorted(stats.processed, key=lambda name: (name == "localhost", name)):
            counts = stats.summarize(host)
            tasks = counts["ok"] + counts["failures"] + counts["unreachable"]
            line = f"{host:<16} tasks={tasks:<3} changed={counts['changed']:<3} failed={counts['failures']}"
            self._display.display(line + (" unreachable" if counts["unreachable"] else ""))
        self._display.display(f"took {self._elapsed()}")
        if self._failures and not any(stats.changed.values()):
            self._display.display("nothing was changed on any host")
        for failure in sorted(self._failures, key=lambda failure: not failure["task"].startswith("Stop ")):
            self._display.display(failure["line"], color=C.COLOR_ERROR, stderr=True)
        self._record()

    def _ok(self, result: Any, item: str) -> None:
        if result.result.get("changed"):
            sent = result.result.get("received_bytes")
            size = f"  {sent / 1e6:.1f} MB sent" if sent is not None else ""
            self._display.display(f"    {result.host.get_name()}  changed{item}{size}", color=C.COLOR_CHANGED)

    def _item(self, result: Any) -> str:
        label = self._get_item_label(result.result)
        return f"  {label}" if isinstance(label, str | int) else ""

    def _report(self, answer: dict[str, Any]) -> None:
        if answer.get("report"):
            self._display.display(str(answer["report"]))

    def _fail(self, result: Any, item: str) -> None:
        self._report(result.result)
        why = explain(result.result)
        host = result.host.get_name()
        line = why if host == "localhost" else f"{host}: {why}"
        self._display.display(f"    {host}  failed{item}", color=C.COLOR_ERROR)
        for words in result.result.get("log") or []:
            self._display.display(f"      | {words}")
        saved = rescued(result.task) and not result.result.get("unreachable")
        if not saved and not any(failure["line"] == line for failure in self._failures):
            self._failures.append({"host": host, "line": line, "task": result.task.get_name()})

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._began:.0f} s"

    def _record(self) -> None:
        """Leave the failures where the driver asked for them; it chooses the exit status by them."""
        wanted = os.environ.get("MODELFLEET_FAILURES")
        if wanted:
            Path(wanted).write_text(json.dumps(self._failures))


def rescued(task: Any) -> bool:
    """Tell whether a task stands in a block whose rescue goes on from its failure, and says why itself.

    No rescue goes on from a host that can't be reached.
    """
    block = task._parent
    return any(other._uuid == task._uuid for other in getattr(block, "block", [])) and bool(block.rescue)


def explain(answer: dict[str, Any]) -> str:
    """Turn a failed answer into `<what is wrong>; <what to do>`, on one line."""
    said = [str(answer.get(name, "")) for name in ("msg", "module_stderr", "module_stdout", "stderr")]
    text = "\n".join(part for part in said if part)
    if "; " in said[0] and "\n" not in said[0].strip() and not answer.get("unreachable"):
        return said[0].strip()
    unreachable = bool(answer.get("unreachable"))
    for pattern, what, cure in (*UNREACHABLE, *KNOWN) if unreachable else KNOWN:
        if re.search(pattern, text):
            return f"{what}; {cure}"
    if unreachable:
        return "; ".join(SILENT)
    return " ".join(text.split())[:600] or "failed and said nothing; run it again with -vvv"

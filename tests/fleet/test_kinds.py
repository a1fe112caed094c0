"""Models other than a matrix of numbers in the sandbox of a real host: texts, gaps, boosters, code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost

import modelfleet
from modelfleet import curl, saving
from modelfleet.saving import Inputs, Wish
from tests.fleet.live import Live, Run, put

pytestmark = pytest.mark.fleet
ROWS = np.where(np.random.default_rng(0).random((60, 3)) < 0.1, np.nan, np.random.default_rng(1).normal(size=(60, 3)))
SIGNS = np.where(np.nan_to_num(ROWS[:, 0]) > 0, "plus", "minus")
SCORER = """
import numpy as np

class Scorer:
    def __init__(self, folder):
        self.factor = float((folder / "factor.txt").read_text())

    def predict(self, batch):
        (words,) = batch.values()
        return {"value": np.array([len(word) * self.factor for word in words])}
"""
SERVICES = [
    {"name": "readings", "model": "readings:1", "port": 8021},
    {"name": "boostx", "model": "boostx:1", "port": 8022},
    {"name": "boostl", "model": "boostl:1", "port": 8023},
    {"name": "lengths", "model": "lengths:1", "port": 8024, "python_code": True},
]


@pytest.fixture(scope="module")
def kinds(live: Live, say: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Boosters, code and the Chinese example beside the services there are, deployed with their smoke tests."""
    say("saving and deploying boosters, code and Chinese phrases")
    modelfleet.save(
        xgboost.XGBClassifier(n_estimators=8).fit(ROWS, SIGNS == "plus"), "boostx", inputs=ROWS, store_path=live.store
    )
    modelfleet.save(
        lightgbm.LGBMClassifier(n_estimators=8, verbose=-1).fit(ROWS, SIGNS),
        "boostl",
        inputs=ROWS,
        feature_names=["a", "b", "c"],
        store_path=live.store,
    )
    code = tmp_path_factory.mktemp("code")
    (code / "scorer.py").write_text(SCORER)
    (code / "factor.txt").write_text("2.0")
    saving.save_code(code, "scorer:Scorer", Inputs.of(["北京", "Köln"]), {}, Wish("lengths", live.store))
    services = [*live.fleet.settings["services"], *SERVICES]
    return live.deploy(live.edited(put("vars", "services", services)))


def test_texts_gaps_boosters_and_code_serve_in_the_sandbox_and_every_claim_holds(kinds: Run) -> None:
    assert kinds.status == 0, kinds.output
    assert "0 failed" in kinds.output


@pytest.mark.parametrize(
    ("service", "instance", "field", "expected"),
    [
        ("readings", {"phrase": "银行行长", "character": "行", "before": "银", "position": 1}, "label", "háng"),
        ("readings", {"phrase": "行人", "character": "行", "before": None, "position": 0}, "label", "xíng"),
        ("lengths", "上海市", "value", 6.0),
    ],
)
def test_a_client_sends_chinese_and_null(
    live: Live, kinds: Run, service: str, instance: Any, field: str, expected: Any
) -> None:
    url = curl.predict_url(live.fleet, service)
    sent = ["curl", "-sS", url, "-H", "Content-Type: application/json", "-d", json.dumps({"instances": [instance]})]
    assert json.loads(live.execute(*sent).output)["predictions"][0][field] == expected


@pytest.mark.parametrize("service", ["digits", "readings", "boostx", "boostl", "lengths"])
def test_a_service_that_is_told_to_stop_ends_without_a_fault(live: Live, kinds: Run, service: str) -> None:
    """No worker aborts, and none hangs at its exit until Gunicorn's patience with it is over."""
    for server in ("server1", "server2"):
        unit = f"modelfleet-{service}@{live.release(server, service)}.service"
        shown = live.ssh(server, f"systemctl show --property=InvocationID,ExecStart {unit}")
        patience, run = (re.search(f"{word}(\\w+)", shown) for word in ("--graceful-timeout ", "InvocationID="))
        assert patience
        assert run
        said = f"sudo journalctl --no-pager --output=short-unix _SYSTEMD_INVOCATION_ID={run[1]}"
        try:
            live.ssh(server, f"sudo systemctl stop {unit}")
            live.until(partial(says, live, server, said, "Shutting down: Master"), 30, "its last word in the journal")
            assert live.ssh(server, f"systemctl show --property=Result --value {unit}").strip() == "success"
        finally:
            live.ssh(server, f"sudo systemctl start {unit}")
        lines = live.ssh(server, said).splitlines()
        told, last = (
            next(float(line.split()[0]) for line in lines if word in line)
            for word in ("Handling signal: term", "Shutting down: Master")
        )
        assert last - told < int(patience[1])
        assert [line for line in lines if "terminate called" in line or "was sent SIG" in line] == []


def says(live: Live, server: str, command: str, word: str) -> bool:
    return word in live.ssh(server, command)


def test_code_is_refused_before_any_host_is_contacted_unless_the_service_allows_it(live: Live, kinds: Run) -> None:
    plain = {"name": "lengths", "model": "lengths:1", "port": 8024}
    services = [*live.fleet.settings["services"], *SERVICES[:3], plain]
    refused = live.deploy(live.edited(put("vars", "services", services)))
    assert refused.status == 1
    assert "lengths:1: is Python code, which its service does not allow" in refused.output
    assert "Look at every host" not in refused.output

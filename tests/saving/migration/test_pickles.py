"""Pickles: refused unless they are trusted, loaded once without network, and saved as files that hold no code."""

from __future__ import annotations

import copy
import pickle
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.saving import files, migration
from modelfleet.saving.finish import Wish
from modelfleet.saving.inputs import Inputs
from modelfleet.saving.migration import cut_off, pickles
from modelfleet.saving.migration.pickles import Trust
from modelfleet_service.model import Model

ROWS = np.random.default_rng(5).normal(size=(60, 3))
SIGNS = np.where(ROWS[:, 0] > 0, "plus", "minus")
INPUTS = Inputs.of(ROWS)
TRUSTED = Trust(pickle=True)


class Canary:
    """Its pickle writes down whether it could reach a server, or why not."""

    def __init__(self, marker: Path, port: int) -> None:
        self.code = (
            "import socket\n"
            f"marker = open({str(marker)!r}, 'w', buffering=1)\n"
            f"try: socket.create_connection(('127.0.0.1', {port}), 5); marker.write('connected')\n"
            "except OSError as error: marker.write(error.strerror)\n"
        )

    def __reduce__(self) -> Any:
        return exec, (self.code,)


class Sleeper:
    """Its pickle does not end."""

    def __reduce__(self) -> Any:
        return exec, ("import time; time.sleep(600)",)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A server that listens on the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def canary(tmp_path: Path, server: socket.socket) -> Path:
    """A pickle that writes the file ``marker`` beside itself when it is loaded."""
    path = tmp_path / "canary.joblib"
    path.write_bytes(pickle.dumps(Canary(tmp_path / "marker", server.getsockname()[1])))
    return path


def dumped(path: Path, thing: Any) -> Path:
    """Pickle something."""
    path.write_bytes(pickle.dumps(thing))
    return path


def take(path: Path, trust: Trust = TRUSTED, **more: Any) -> pickles.Artefact:
    """Take a pickle over into a folder beside it."""
    folder = path.parent / "taken"
    folder.mkdir()
    return pickles.take(path, INPUTS, folder, Wish("x"), trust, **more)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, tuple[str, ...], Any]:
    """A pipeline that another scikit-learn pickled, saved; with what its saver was told, and the pipeline."""
    folder = tmp_path_factory.mktemp("pickles")
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, SIGNS)
    joblib.dump(estimator, folder / "churn.joblib")
    content = (folder / "churn.joblib").read_bytes()
    (folder / "churn.joblib").write_bytes(content.replace(_version(), b"1.4.9"))
    np.save(folder / "rows.npy", ROWS)
    wish = Wish("churn", folder / "store")
    card = {"limits": "tests", "lineage": {"parent": "none"}}
    with migration.opened(folder / "churn.joblib", folder / "rows.npy", card, wish, TRUSTED) as source:
        files.save(source.file, source.inputs, source.card, wish)
        return stores.find("churn:1", folder / "store"), source.notes, estimator


def _version() -> bytes:
    import sklearn

    assert len(sklearn.__version__) == len("1.4.9")
    return str(sklearn.__version__).encode()


def test_a_pickle_that_nobody_trusts_is_not_run(canary: Path) -> None:
    with pytest.raises(Failure, match=r"canary\.joblib: a pickle runs any code .*; .* add --trust-pickle"):
        take(canary, Trust())
    assert not (canary.parent / "marker").exists()


def test_a_trusted_pickle_runs_without_network(canary: Path) -> None:
    with pytest.raises(Failure, match="it has no predict"):
        take(canary)
    assert (canary.parent / "marker").read_text() == "Network is unreachable"


def test_with_network_it_has_one(canary: Path) -> None:
    """The server of the test before can be reached."""
    with pytest.raises(Failure, match="it has no predict"):
        take(canary, Trust(pickle=True, network=True))
    assert (canary.parent / "marker").read_text() == "connected"


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare to forbid namespaces")
def test_where_the_kernel_gives_no_namespace_the_command_is_not_run(tmp_path: Path) -> None:
    forbid = "echo 0 > /proc/sys/user/max_user_namespaces; echo 0 > /proc/sys/user/max_net_namespaces"
    command = f"{forbid}; exec {sys.executable} -I {cut_off.__file__} /usr/bin/touch {tmp_path / 'ran'}"
    done = subprocess.run(["unshare", "--user", "--map-root-user", "sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, (tmp_path / "ran").exists()) == (cut_off.REFUSED, False)
    assert done.stderr.count("\n") == 1


def test_a_pickle_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="did not load within 3 s"):
        take(dumped(tmp_path / "sleeper.pkl", Sleeper()), seconds=3.0)


def test_a_pickled_pipeline_answers_as_it_did_and_holds_no_code(saved: tuple[Model, Any, Any]) -> None:
    model, _, estimator = saved
    assert model.scoring["runtime"] == "skops"
    got = [row.prediction["probabilities"]["plus"] for row in model.golden]
    assert got == pytest.approx(estimator.predict_proba(ROWS[: len(got)])[:, 1])
    assert not [file.path for file in model.files if Path(file.path).suffix in pickles.SUFFIXES]


def test_the_card_says_from_which_pickle_it_comes(saved: tuple[Model, Any, Any]) -> None:
    lineage = saved[0].card["lineage"]
    assert (lineage["migrated"], lineage["parent"]) == ("churn.joblib", "none")
    assert lineage["migrated_digest"].startswith("sha256:")
    assert lineage["migrated_parity"].endswith("on 60 rows")


def test_another_scikit_learn_is_said_and_noted(saved: tuple[Model, Any, Any]) -> None:
    model, notes, _ = saved
    assert model.card["lineage"]["pickled_with"] == "scikit-learn 1.4.9"
    (note,) = notes
    assert "was pickled with scikit-learn 1.4.9 and loaded with" in note


@pytest.mark.parametrize(
    ("estimator", "artefact", "classes"),
    [
        (lightgbm.LGBMClassifier(n_estimators=4, verbose=-1), "model.txt", ["minus", "plus"]),
        (xgboost.XGBClassifier(n_estimators=4), "model.ubj", [0, 1]),
    ],
    ids=["lightgbm", "xgboost"],
)
def test_a_pickled_booster_becomes_its_library_s_own_file(
    tmp_path: Path, estimator: Any, artefact: str, classes: list[Any]
) -> None:
    targets = SIGNS if isinstance(classes[0], str) else (SIGNS == "plus").astype(int)
    taken = take(dumped(tmp_path / "booster.pkl", estimator.fit(ROWS, targets)))
    assert (taken.file.name, taken.card["classes"]) == (artefact, classes)
    assert float(taken.card["lineage"]["migrated_parity"].split()[0]) < 1e-6


def test_a_type_that_skops_doubts_needs_trust_of_its_own(tmp_path: Path) -> None:
    estimator = make_pipeline(FunctionTransformer(copy.copy), LogisticRegression()).fit(ROWS, SIGNS)
    with pytest.raises(Failure, match=r"holds types that skops does not trust: copy\.copy; add --trust copy\.copy"):
        take(dumped(tmp_path / "odd.pkl", estimator))


def test_a_folder_with_a_pickle_s_name_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "d.pkl").mkdir()
    with pytest.raises(Failure, match=r"d\.pkl: can't be read \(Is a directory\); give the pickle's file"):
        take(tmp_path / "d.pkl")


def test_a_module_that_is_not_installed_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.pkl").write_bytes(b"cnowhere_to_be_found\nThing\n.")
    with pytest.raises(Failure, match=r"No module named 'nowhere_to_be_found'.*; install here what it was trained"):
        take(tmp_path / "own.pkl")

"""A model of 2 GB is saved, verified and staged in the memory of a small one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelfleet.tree import PLAYBOOKS

GIGABYTES = 2
LIMIT_BYTES = 200_000_000
SCORER = """
import numpy as np

class Scorer:
    def __init__(self, folder):
        self.table = np.load(folder / "table.npy", mmap_mode="r")

    def predict(self, batch):
        (rows,) = batch.values()
        return {"value": self.table[rows[:, 0].astype(int)]}
"""
SAVE = """
from modelfleet import saving, store
from modelfleet.saving import Inputs, Wish
saving.save_code(place / "code", "scorer:Scorer", Inputs.of([[0.0], [5.0]]), {}, Wish("large", place / "store"))
"""
VERIFY = """
from modelfleet import store
assert store.find("large:1", place / "store").files
from modelfleet.store import fsck
assert fsck.check(place / "store") == []
"""
STAGE = """
from modelfleet import bundle, store
from modelfleet_host import blobs
from modelfleet_host.place import Place
model = store.find("large:1", place / "store")
files = {file.sha256: str(model.path / file.path) for file in model.files}
made = bundle.Bundle("large", "r", {}, (), (), (), {}, {}, {}, {}, files)
bundle.pack(made, files, place / "shipment.tar")
host = Place(place / "root", place / "units")
blobs.receive(host, place / "shipment.tar")
for file in model.files:
    blobs.place_blob(host, {"name": file.path, "sha256": file.sha256}, place / "root/release/model" / file.path)
"""
REPORT = """
import json, resource
from modelfleet_service.verify import peak_bytes
print(json.dumps([peak_bytes(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024]))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the code and a table of 2 GB of zeros, which take no disk until they are copied."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "code").mkdir()
    (folder / "code/scorer.py").write_text(SCORER)
    count = GIGABYTES * 2**30 // 8
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({count},), }}".ljust(117) + "\n"
    with (folder / "code/table.npy").open("wb") as table:
        table.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        table.truncate(10 + len(header) + 8 * count)
    yield folder
    shutil.rmtree(folder)


def peaks(place: Path, script: str) -> list[int]:
    """Run a script in a process of its own; return the peak memory of it and of its largest child, in bytes."""
    begin = f"import sys, pathlib\nsys.path.append({str(PLAYBOOKS / 'module_utils')!r})\n"
    whole = f"{begin}place = pathlib.Path({str(place)!r})\n{script}\n{REPORT}"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[int] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_saving_verifying_and_staging_two_gigabytes_takes_less_than_200_mb(place: Path) -> None:
    found = {name: peaks(place, script) for name, script in (("save", SAVE), ("verify", VERIFY), ("stage", STAGE))}
    assert (place / "root/release/model/code/table.npy").stat().st_size > GIGABYTES * 2**30
    assert all(peak < LIMIT_BYTES for both in found.values() for peak in both), found

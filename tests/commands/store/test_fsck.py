"""`modelfleet store fsck`: exit 3 and a line for each thing that is wrong; 0 and one line if nothing is."""

from __future__ import annotations

import json
from pathlib import Path

from modelfleet.fleet import BIN
from modelfleet.store import index
from tests.commands.store.conftest import errors
from tests.store.test_disks import mounted, needs_mounts
from tests.store.tiny import publish
from tests.test_cli import run


def test_a_sound_store_is_exit_0_and_its_index_is_made(tmp_path: Path) -> None:
    publish(tmp_path)
    done = run("store", "fsck", "--store", str(tmp_path))
    assert (done.returncode, done.stdout.endswith("s: every byte is as it was saved\n")) == (0, True)
    assert index.is_sound(tmp_path)
    assert "indexed" not in run("store", "fsck", "--store", str(tmp_path)).stderr
    assert "indexed 1 versions anew" in run("store", "fsck", "--rebuild-index", "--store", str(tmp_path)).stderr


def test_an_index_that_can_t_be_written_is_not_said_to_be_made(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / index.FILE).mkdir()
    done = run("store", "fsck", "--rebuild-index", "--store", str(tmp_path))
    assert errors(done) == [f"{tmp_path / index.FILE}: can't be written, so no index was made anew"]


@needs_mounts
def test_a_store_that_can_t_be_written_keeps_its_index_and_that_is_said(tmp_path: Path) -> None:
    script = f"cp -a {tmp_path / 'made'}/. $store; mount -o remount,bind,ro $store; {BIN}/modelfleet store fsck"
    publish(tmp_path / "made")
    index.rebuild(tmp_path / "made")
    done = mounted(tmp_path / "disk", f"{script} --local --rebuild-index --store $store")
    assert "can't be written, so no index was made anew" in done.stderr


def test_damage_is_exit_3_and_names_the_file(tmp_path: Path) -> None:
    publish(tmp_path)
    file = tmp_path / "many/1/model.onnx"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1])
    file.chmod(0o444)
    done = run("store", "fsck", "--store", str(tmp_path))
    assert done.returncode == 3
    assert done.stdout.startswith(f"{file}: has ")
    (row,) = json.loads(run("store", "fsck", "--json", "--store", str(tmp_path)).stdout)
    assert (row["where"], row["kind"], row["name"], row["version"]) == (str(file), "altered", "many", 1)
    assert set(row) == {"where", "kind", "what", "cure", "name", "version", "file"}

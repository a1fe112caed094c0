"""Disks that are full, read-only or gone, and manifests that lead elsewhere: one line, and nothing half done."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelfleet import store as stores
from modelfleet.errors import Failure
from modelfleet.store import fsck
from modelfleet_service import model
from tests.store.tiny import NOBODY, publish

UNSHARE = ["unshare", "--map-root-user", "--mount"]
MOUNTED = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
needs_mounts = pytest.mark.skipif(not MOUNTED, reason="this machine lets no user mount a tmpfs")
REPLICATE = "from modelfleet.copies import replicate as r, targets as t; r.run(t.Target('file:///nowhere'), store)"
PUBLISH = "import sys, pathlib\nfrom tests.store.tiny import publish\nstore = pathlib.Path(sys.argv[1])\n"
STORES = "from modelfleet import store as s\nfrom modelfleet.store import mending\n"


def mounted(folder: Path, script: str, options: str = "size=4m") -> subprocess.CompletedProcess[str]:
    """Run a shell script where a tmpfs is mounted on a folder; `$python` and `$store` stand for what they say."""
    folder.mkdir(exist_ok=True)
    setting = f"set -e; python={sys.executable}; store={folder}\nmount -t tmpfs -o {options} none $store\n"
    return subprocess.run([*UNSHARE, "sh", "-c", setting + script], capture_output=True, text=True)


@needs_mounts
def test_a_full_disk_is_one_line_and_what_was_saved_before_is_whole(tmp_path: Path) -> None:
    """A version of 3 MB fits a disk of 4 MB, and the second does not; then a small one fits again."""
    code = f"{PUBLISH}large = 3 * 10**6\npublish(store, size=large)\n"
    code += "try: publish(store, size=large)\nexcept Exception as e: print(e)\n"
    code += "print(publish(store))\nfrom modelfleet.store import fsck; print(fsck.check(store))"
    done = mounted(tmp_path / "disk", f'$python -c "{code}" $store')
    line, number, found = done.stdout.splitlines()
    assert line.endswith("can't be written (No space left on device); nothing was saved; free some space"), done.stderr
    assert (number, found) == ("2", "[]")


@needs_mounts
@pytest.mark.parametrize(
    "act",
    [
        "publish(store)",
        "s.set_alias('many', 'champion', 1, store)",
        "s.delete('many:1', store)",
        "s.restore('gone:1', store)",
        "mending.mend(store)",
        REPLICATE,
    ],
)
def test_a_read_only_store_is_read_and_not_written_in_one_line(tmp_path: Path, act: str) -> None:
    """In the trash is the only version of a name, whose folder would have to be made."""
    code = f"{PUBLISH}{STORES}try: {act}\nexcept Exception as e: print(e)\n"
    code += "print(s.find('many:1', store).reference, len(s.entries(None, store)))"
    script = f'$python -c "{PUBLISH}publish(store)" $store; mkdir -p $store/.trash/gone/1; '
    script += f'mount -o remount,bind,ro $store; $python -c "{code}" $store'
    line, read = mounted(tmp_path / "disk", script).stdout.splitlines()
    assert "Read-only file system" in line
    assert line.count("; ") >= 1
    assert read == "many:1 1"


def test_a_disk_that_becomes_read_only_during_a_save_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel does to a disk with errors can't be had here: it is stood for by the calls that it refuses."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    said = r"can't be written \(Read-only file system\); nothing was saved"
    with pytest.raises(Failure, match=said), stores.incoming("many", tmp_path):  # noqa: PT012
        for call in ("unlink", "touch", "mkdir"):
            monkeypatch.setattr(Path, call, refuse)
        (tmp_path / "file").touch()


@needs_mounts
@pytest.mark.parametrize("act", ["heal.run(store)", "recover.run(targets.Target(url, 1), store)"])
def test_a_read_only_store_is_not_repaired_in_one_line(tmp_path: Path, act: str) -> None:
    """The log and the ledger are lost and a version is damaged; its copies lie elsewhere."""
    url = f"url = 'file://{tmp_path}/away'\n"
    code = f"{PUBLISH}from modelfleet.copies import heal, recover, replicate, targets\n{url}"
    copy = f"{code}publish(store)\nreplicate.run(targets.Target(url, 1), store)"
    code += f"from modelfleet.errors import Failure, Failures\ntry: print(*{act}.failed)\n"
    code += "except (Failure, Failures) as e: print(e)\n"
    script = f'$python -c "{copy}" $store; rm $store/audit.jsonl $store/many/ledger.jsonl; '
    script += "chmod u+w $store/many/1/model.onnx; echo x > $store/many/1/model.onnx; "
    script += f'mount -o remount,bind,ro $store; $python -c "{code}" $store'
    done = mounted(tmp_path / "disk", script)
    assert "Read-only file system" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr


@needs_mounts
def test_a_file_that_a_full_disk_does_not_take_leaves_nothing_beside_it(tmp_path: Path) -> None:
    code = "import sys, pathlib; from modelfleet.store import disk; file = pathlib.Path(sys.argv[1]) / 'a.json'\n"
    code += "disk.write(file, 'old')\ntry: disk.write(file, 'x' * 5 * 10**6)\nexcept OSError as e: print(e.strerror)\n"
    code += "print([one.name for one in file.parent.iterdir()], file.read_text())"
    done = mounted(tmp_path / "disk", f'$python -c "{code}" $store')
    assert done.stdout.splitlines() == ["No space left on device", "['a.json'] old"], done.stderr


@pytest.mark.parametrize("read", [stores.entries, stores.find, fsck.check])
def test_a_store_that_was_named_and_is_gone_is_said(tmp_path: Path, read: object) -> None:
    gone = tmp_path / "mount/store"
    arguments = ("many:1", gone) if read is stores.find else (None, gone) if read is stores.entries else (gone,)
    with pytest.raises(Failure, match="there is no such store; check the path, and that the disk"):
        read(*arguments)  # type: ignore[operator]
    assert not gone.parent.exists()


def _list(store: Path, said: Path) -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setuid(NOBODY)
    try:
        stores.entries(None, store)
    except Failure as failure:
        said.write_text(str(failure))


def test_a_store_in_a_folder_of_somebody_else_is_one_line(everyone_s: Path) -> None:
    (everyone_s / "own").mkdir(0o700 if os.getuid() == 0 else 0o000)
    store, said = everyone_s / "own/store", everyone_s / "said"
    child = multiprocessing.get_context("fork").Process(target=_list, args=(store, said))
    child.start()
    child.join()
    assert said.read_text() == f"{store}: can't be read (Permission denied); check its mode and its disk"


def test_nothing_is_saved_where_the_folder_that_the_store_is_to_be_in_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "mount/store: the folder it is to be in is not there; mount it, or make the folder"
    with pytest.raises(Failure, match=said):
        publish(tmp_path / "mount/store")
    monkeypatch.setenv("MODELFLEET_STORE", str(tmp_path / "mount/store"))
    with pytest.raises(Failure, match=said):
        publish(None)
    (tmp_path / "mount").mkdir()
    assert publish(None) == 1


def test_the_default_store_is_made_with_the_folders_above_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("MODELFLEET_STORE", raising=False)
    assert publish(None) == 1


def test_the_default_store_may_not_be_there_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("MODELFLEET_STORE", raising=False)
    assert stores.entries() == []
    with pytest.raises(Failure, match="save a model first"):
        stores.find("digits:1")


@pytest.mark.parametrize("path", ["../2/model.onnx", "/etc/passwd", "a/../b", "..", "manifest.json", "", "x\0y"])
def test_a_manifest_that_leads_elsewhere_is_found_and_refused(three: Path, path: str) -> None:
    (three / "many/ledger.jsonl").unlink()
    manifest = three / "many/1" / model.MANIFEST
    manifest.chmod(0o644)
    content = json.loads(manifest.read_text())
    content["files"].insert(0, {**content["files"][0], "path": path})
    manifest.write_text(json.dumps(content))
    manifest.chmod(0o444)
    with pytest.raises(Failure, match=r"manifest\.json: lists .* which is not a plain file of the model"):
        stores.find("many:1", three)
    assert [one.where for one in fsck.check(three)] == [str(manifest)]

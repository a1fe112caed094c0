"""Copies of a store on the local fleet's hosts: made, verified there, healed, and a lost store recovered from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from modelfleet.copies import contents
from modelfleet.copies.holders import shipping
from modelfleet.tree import ROOT
from tests.fleet.live import Live, Run

pytestmark = pytest.mark.fleet

MODELS = "/opt/modelfleet/copies/models"
ROUNDS = 550
FLIPS = """
import json, pathlib, random
from modelfleet.copies.holders.agent.examining import examined
folder, dice, named = pathlib.Path("/tmp/copy"), random.Random(7), 0
paths = sorted(path for path in folder.rglob("*") if path.is_file())
was = examined(folder)
for number in range(ROUNDS):
    path = dice.choice(paths)
    content = path.read_bytes()
    at = dice.randrange(len(content))
    flipped = bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]
    spoilt = content[:at] + (flipped if number % 5 else b"")
    path.write_bytes(spoilt)
    said = examined(folder)
    altered = {one["file"] for one in said["wrong"]} | ({"manifest.json"} if said["digest"] != was["digest"] else set())
    named += path.name in altered
    path.write_bytes(content)
print(json.dumps({"named": named, "after": examined(folder) == was}))
"""


@pytest.fixture(scope="module")
def store(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the session's store, so that the store itself is never touched."""
    copy = tmp_path_factory.mktemp("copies") / "store"
    shutil.copytree(live.store, copy)
    return copy


@pytest.fixture(scope="module")
def kept(live: Live, store: Path) -> Run:
    """The first run: two copies of each version on the three hosts."""
    return replicated(live, store)


def replicated(live: Live, store: Path) -> Run:
    return live.run("store", "replicate", "--to", str(live.path), "--copies", "2", "--json", "--store", str(store))


def report(run: Run) -> dict[str, object]:
    found: dict[str, object] = json.loads(run.output.splitlines()[-1])
    return found


def sent(run: Run) -> int:
    rows: list[dict[str, int]] = report(run)["holders"]  # type: ignore[assignment]
    return sum(row["sent_bytes"] for row in rows)


def test_every_version_is_on_two_hosts_and_a_second_run_sends_nothing(live: Live, store: Path, kept: Run) -> None:
    assert kept.status == 0, kept.output
    for reference in ("digits/1", "cancer/1"):
        held = [live.ssh(host.name, f"sudo ls {MODELS}/{reference}", check=False) for host in live.fleet.hosts]
        assert sum("manifest.json" in listed for listed in held) >= 2
    assert sent(replicated(live, store)) == 0


def test_the_playbook_brings_back_a_copy_that_a_host_lost(live: Live, store: Path, kept: Run) -> None:
    host = holder(live)
    live.ssh(host, f"sudo rm -r {MODELS}/digits/1")
    words = ("ansible-playbook", "-i", str(live.path), "playbooks/replicate.yml", "-e", "copies=2")
    done = live.execute(str(ROOT / ".venv/bin" / words[0]), *words[1:], MODELFLEET_STORE=str(store))
    assert done.status == 0, done.output
    assert "manifest.json" in live.ssh(host, f"sudo ls {MODELS}/digits/1")


def test_a_flipped_bit_on_a_host_is_found_with_host_and_file_and_healed(live: Live, store: Path, kept: Run) -> None:
    host, path = holder(live), f"{MODELS}/digits/1/model.yaml"
    flip = f"b=bytearray(open('{path}','rb').read()); b[9]^=1; open('{path}','wb').write(b)"
    live.ssh(host, f'sudo cp -a {path} {path}.own && sudo mv {path}.own {path} && sudo python3 -c "{flip}"')
    found = live.run("store", "fsck", "--store", str(store))
    assert found.status == 3
    assert f"{host}:{path}: was altered" in found.output
    healed = live.run("store", "heal", "--store", str(store))
    assert healed.status == 0, healed.output
    assert live.run("store", "fsck", "--store", str(store)).status == 0


def test_550_flipped_bits_and_truncations_of_a_copy_on_a_host_are_found_and_named(live: Live, kept: Run) -> None:
    host = holder(live)
    script = shipping.modules() + FLIPS.replace("ROUNDS", str(ROUNDS))
    live.ssh(host, f"cat > /tmp/flips.py <<'END OF IT'\n{script}\nEND OF IT")
    said = json.loads(live.ssh(host, f"sudo cp -a {MODELS}/digits/1 /tmp/copy && sudo python3 /tmp/flips.py"))
    live.ssh(host, "sudo rm -r /tmp/copy")
    assert said == {"named": ROUNDS, "after": True}


def test_a_deleted_store_is_recovered_from_the_hosts_with_equal_digests(live: Live, store: Path, kept: Run) -> None:
    """Another store's model of the same name, which a release on a host may still hold, is not taken for it."""
    digests = contents.digests(store)
    live.run("model", "alias", "digits", "champion", "1", "--store", str(store))
    assert replicated(live, store).status == 0
    shutil.rmtree(store)
    recovered = live.run("store", "recover", str(live.path), "--store", str(store), "--json")
    rows: list[dict[str, Any]] = report(recovered)["versions"]  # type: ignore[assignment]
    brought = {(row["name"], row["version"]): row["digest"] for row in rows if row["state"] == "recovered"}
    assert brought == digests, recovered.output
    assert contents.digests(store) == digests
    assert live.run("store", "fsck", "--local", "--store", str(store)).status == 0
    assert live.run("model", "verify", "digits@champion", "--store", str(store)).status == 0


def test_an_sftp_url_on_a_host_holds_a_copy_and_a_host_that_is_not_known_is_refused(live: Live, store: Path) -> None:
    host = live.fleet.servers[0]
    known = next(word.partition("=")[2] for word in host.ssh_arguments if word.startswith("UserKnownHostsFile="))
    key = str(host.settings["ansible_ssh_private_key_file"])
    live.ssh(host.name, "mkdir -p away")
    url = f"sftp://{host.ssh_user}@{host.ssh_host}:{host.ssh_port}/home/{host.ssh_user}/away"
    words = ("store", "replicate", "--to", url, "--json", "--store", str(store))
    unknown = live.run(*words, FSSPEC_SFTP_KEY_FILENAME=key, MODELFLEET_KNOWN_HOSTS="/dev/null")
    assert (unknown.status, "does not have the key of" in unknown.output) == (1, True)
    done = live.run(*words, FSSPEC_SFTP_KEY_FILENAME=key, MODELFLEET_KNOWN_HOSTS=known)
    assert done.status == 0, done.output
    again = live.run(*words, FSSPEC_SFTP_KEY_FILENAME=key, MODELFLEET_KNOWN_HOSTS=known)
    assert sent(again) == 0
    (store / "copies.json").unlink()


def holder(live: Live) -> str:
    """A host that has a copy of digits:1."""
    hosts = (host.name for host in live.fleet.hosts)
    return next(name for name in hosts if live.ssh(name, f"ls {MODELS}/digits/1/model.yaml", check=False))

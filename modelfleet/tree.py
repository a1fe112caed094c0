"""Where the kit's own folders are; the kit runs from its checkout, which the user owns and edits."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INVENTORY = ROOT / "inventory"
PLAYBOOKS = ROOT / "playbooks"
TEMPLATES = ROOT / "templates"
SERVICE = ROOT / "service"
SMOKE_TESTS = ROOT / "smoke_tests"

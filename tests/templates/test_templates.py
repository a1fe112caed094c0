"""Templates are pure: Ansible and plain Jinja2 render the same bytes, and the expected files say which."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import crossplane
import pytest

from modelfleet import settings
from modelfleet.fleet import BIN
from modelfleet.rendering import render
from modelfleet.tree import ROOT, TEMPLATES

EXPECTED = Path(__file__).with_name("expected")
SERVICES = [
    {"name": "digits", "model": "digits:1", "port": 8001, "workers": 4, "servers": ["ml2"]},
    {"name": "cancer", "model": "cancer:2", "port": 8002, "jit": True},
]
VARIABLES: dict[str, Any] = {
    **settings.defaults("host"),
    **settings.defaults("service"),
    **settings.defaults("balancer"),
    "service": SERVICES[0],
    "balancer_services": SERVICES,
    "balancer_servers": {"ml1": "192.0.2.11", "ml2": "192.0.2.12"},
    "balancer_port": 80,
}
ALL = sorted(TEMPLATES.rglob("*.j2"))


def plain(template: Path) -> str:
    """Render with Jinja2 alone."""
    return render(template, VARIABLES)


@pytest.fixture(scope="module")
def by_ansible(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Render every template with Ansible, in one run."""
    folder = tmp_path_factory.mktemp("ansible")
    tasks = [
        {
            "ansible.builtin.copy": {
                "content": "{{ lookup('template', '" + str(template) + "') }}",
                "dest": str(folder / template.name),
                "mode": "0600",
            }
        }
        for template in ALL
    ]
    book = [{"hosts": "localhost", "gather_facts": False, "vars": VARIABLES, "tasks": tasks}]
    (folder / "book.yml").write_text(json.dumps(book))
    (folder / "hosts.yml").write_text("all: {hosts: {localhost: {ansible_connection: local}}}\n")
    subprocess.run(
        [str(BIN / "ansible-playbook"), "-i", str(folder / "hosts.yml"), str(folder / "book.yml")],
        check=True,
        cwd=ROOT,
        capture_output=True,
    )
    return {template.name: (folder / template.name).read_text() for template in ALL}


@pytest.mark.parametrize("template", ALL, ids=lambda path: path.name)
def test_ansible_and_plain_jinja_render_the_same(template: Path, by_ansible: dict[str, str]) -> None:
    assert by_ansible[template.name] == plain(template)


@pytest.mark.parametrize("template", ALL, ids=lambda path: path.name)
def test_a_template_renders_as_expected(template: Path) -> None:
    assert plain(template) == (EXPECTED / template.name.removesuffix(".j2")).read_text()


def test_nginx_s_configuration_parses_and_gixy_finds_no_fault_in_it() -> None:
    path = EXPECTED / "nginx.conf"
    parsed = crossplane.parse(str(path))
    assert (parsed["status"], parsed["errors"]) == ("ok", [])
    judged = subprocess.run([str(BIN / "gixy"), "--format", "json", str(path)], capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout
    assert json.loads(judged.stdout) == []


@pytest.mark.parametrize("template", ALL, ids=lambda path: path.name)
def test_the_first_line_says_which_template_wrote_the_file(template: Path) -> None:
    assert str(template.relative_to(ROOT)) in plain(template).splitlines()[0]

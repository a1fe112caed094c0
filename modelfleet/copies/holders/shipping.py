"""The agent's modules as one program, which a host's own python3 reads from its standard input."""

from __future__ import annotations

import json
from pathlib import Path

PACKAGE = "modelfleet.copies.holders.agent"
MODULES = ("files", "examining", "transfer", "keeper", "serving")
"""In the order of their imports: each needs only those before it."""
LOAD = """\
import json, sys, types
for name, source in json.loads({sources!r}).items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
"""


def modules() -> str:
    """Return a program that makes the agent's modules, so that what follows it can import from them."""
    folder = Path(__file__).with_name("agent")
    files = {PACKAGE: "__init__.py"} | {f"{PACKAGE}.{name}": f"{name}.py" for name in MODULES}
    sources = {name: (folder / file).read_text(encoding="utf-8") for name, file in files.items()}
    return LOAD.format(sources=json.dumps(sources))


def program() -> bytes:
    """Return a program that answers the requests after it until there are no more."""
    return f"{modules()}from {PACKAGE} import serving\nserving.main()\n".encode()

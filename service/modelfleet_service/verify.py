"""`python -m modelfleet_service.verify MODEL`: load a saved model in a fresh process and try its golden set.

Prints one JSON object with ``memory_bytes``, the process's peak memory; a fault is one line and exit status 1.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from modelfleet_service import model
from modelfleet_service.errors import ModelError
from modelfleet_service.scorer import load


def main() -> None:
    """Verify the folder named on the command line; further arguments are trusted skops types."""
    try:
        load(model.read(Path(sys.argv[1])), sys.argv[2:]).check_golden()
    except ModelError as error:
        sys.exit(str(error))
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"memory_bytes": peak_kib * 1024}))


if __name__ == "__main__":
    main()

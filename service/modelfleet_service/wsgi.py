"""What Gunicorn preloads: importing this module verifies, loads and tries the release, or ends the process."""

from __future__ import annotations

import logging
import sys

from modelfleet_service import callbacks
from modelfleet_service.app import create_app
from modelfleet_service.errors import ModelError
from modelfleet_service.release import folder, open_release

try:
    app = create_app(open_release(folder()))
except ModelError as error:
    logging.getLogger("modelfleet").critical(str(error))
    sys.exit(1)
callbacks.keep()

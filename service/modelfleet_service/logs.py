"""Log lines as JSON objects, one a line, on standard output: systemd's journal takes them from there."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any


class JsonLines(logging.Formatter):
    """Each record as one JSON object; what a caller passes as ``extra={"fields": {...}}`` joins it."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "fields", {}), default=str)


def configuration() -> dict[str, Any]:
    """Return the logging configuration for Gunicorn and the app."""
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"}
    loggers: dict[str, Any] = {
        name: {"level": "INFO", "handlers": ["out"], "propagate": False} for name in ("gunicorn.error", "modelfleet")
    }
    # The app writes a line a request itself, with the model and the release.
    loggers["gunicorn.access"] = {"level": "CRITICAL", "handlers": [], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"out": handler},
        "root": {"level": "WARNING", "handlers": ["out"]},
        "loggers": loggers,
    }

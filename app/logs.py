"""The lines of the log: for people or, as JSON, for machines; each with the id of its request."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from lrp_core.settings import Settings
from lrp_core.watching import REQUEST_ID

TEXT = "%(asctime)s [%(process)d] %(levelname)s %(name)s%(request)s: %(message)s"


class TextLines(logging.Formatter):
    """A line, with the id of the request that it is about."""

    def __init__(self) -> None:
        super().__init__(TEXT)

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback if there is one."""
        number = REQUEST_ID.get()
        record.request = f" {number}" if number else ""
        return super().format(record)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request_id, user, process, error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; an error is its traceback."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": REQUEST_ID.get(),
            "user": getattr(record, "user", None),
            "process": record.process,
            "error": self.formatException(record.exc_info) if record.exc_info else None,
        }
        known = {name: value for name, value in told.items() if value is not None}
        return json.dumps(known, ensure_ascii=False)


def start_log(settings: Settings) -> None:
    """Write warnings and errors to stderr, and the requests if the settings want them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(settings)())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    shown = settings.production and settings.access_log
    logging.getLogger("jetlrp.access").setLevel(logging.INFO if shown else logging.WARNING)
    # the requests that are cut off when the server stops: they are answered, and no error
    logging.getLogger("uvicorn.error").addFilter(lambda line: "Cancel %s running" not in line.msg)


def gunicorn_log(settings: Settings) -> dict[str, Any]:
    """The same for gunicorn, as its logconfig_dict."""
    shown = "INFO" if settings.access_log else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": _formatter(settings)}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "lines",
            }
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
            "jetlrp.access": {"level": shown, "handlers": ["stderr"], "propagate": False},
        },
    }


def _formatter(settings: Settings) -> type[logging.Formatter]:
    return JsonLines if settings.log_format == "json" else TextLines

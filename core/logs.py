"""Logs of the processes that we start, on stderr: words on a terminal, one JSON object a line elsewhere, or as
LOG_FORMAT says. docs/reference/logs.md has every event and its fields.

Nothing leaves without a look for secrets: errors and tracebacks quote what they failed on.
"""

import json
import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

from core.redaction import loggable
from outbox.config import log_format


class RedactedFormatter(logging.Formatter):
    """For what Django and libraries log by themselves (LOGGING of core/settings.py)."""

    def format(self, record: logging.LogRecord) -> str:
        return loggable(super().format(record))


class JsonFormatter(logging.Formatter):
    """The same as JSON lines, also for a server that starts before Django does (granian's `--log-config`)."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": "log",
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, tz=UTC).isoformat(),
            "logger": record.name,
            "message": loggable(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = loggable(self.formatException(record.exc_info))
        return json.dumps(line)


def configure_logs() -> None:
    """For processes that we start; a library leaves logging to whoever imports it."""
    chosen = log_format()
    readable = sys.stderr.isatty() if chosen == "auto" else chosen == "text"
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
            if readable
            else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _redact(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: loggable(value) if isinstance(value, str) else value for name, value in line.items()}

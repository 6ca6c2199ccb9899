"""Logs of the processes that we start, on stderr: words on a terminal, one JSON object a line elsewhere.

Nothing leaves without a look for secrets: errors and tracebacks quote what they failed on.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from core.redaction import loggable


class RedactedFormatter(logging.Formatter):
    """For what Django and libraries log by themselves (LOGGING of core/settings.py)."""

    def format(self, record: logging.LogRecord) -> str:
        return loggable(super().format(record))


def configure_logs() -> None:
    """For processes that we start; a library leaves logging to whoever imports it."""
    readable = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _redact(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: loggable(value) if isinstance(value, str) else value for name, value in line.items()}

"""Structured logs of the commands, on stderr: words on a terminal, one JSON object a line elsewhere."""

import sys

import structlog


def configure_logs() -> None:
    """For processes that we start; a library leaves logging to whoever imports it."""
    readable = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )

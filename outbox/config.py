"""The outbox's settings, all of them optional: `OUTBOX = {"EVENT_RETENTION": timedelta(days=396)}`."""

from datetime import timedelta
from typing import Any, Literal

from django.conf import settings

# An event is held in memory once for every send in flight; a larger body belongs behind a URL.
DEFAULT_MAX_EVENT_BYTES = 262_144
LogFormat = Literal["auto", "json", "text"]
# Thirteen months: last year's same month can still be looked up and sent again.
DEFAULT_EVENT_RETENTION = timedelta(days=396)


def max_event_bytes() -> int:
    """The largest frozen body, in bytes of UTF-8."""
    return int(_given().get("MAX_EVENT_BYTES", DEFAULT_MAX_EVENT_BYTES))


def event_retention() -> timedelta:
    """How long events and the ends of their deliveries are kept."""
    retention: timedelta = _given().get("EVENT_RETENTION", DEFAULT_EVENT_RETENTION)
    return retention


def notifies() -> bool:
    """Whether recording tells listening dispatchers at once; they poll in any case."""
    return bool(_given().get("NOTIFY", True))


def prepares() -> bool:
    """Whether statements are prepared in the session; a pooler in transaction mode gives none of one's own."""
    return bool(_given().get("PREPARE", True))


def log_format() -> LogFormat:
    """How processes log: `json` lines, `text` for people, or what suits where the lines go."""
    chosen: LogFormat = _given().get("LOG_FORMAT", "auto")
    return chosen


def traces() -> bool:
    """Whether spans are made and sent to where the OTEL_… variables of the environment say."""
    return bool(_given().get("TRACING", False))


def _given() -> dict[str, Any]:
    given: dict[str, Any] = getattr(settings, "OUTBOX", {})
    return given

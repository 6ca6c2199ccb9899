"""The outbox's settings, all of them optional: `OUTBOX = {"MAX_EVENT_BYTES": 262144}`."""

from django.conf import settings

# An event is held in memory once for every send in flight; a larger body belongs behind a URL.
DEFAULT_MAX_EVENT_BYTES = 262_144


def max_event_bytes() -> int:
    """The largest frozen body, in bytes of UTF-8."""
    return int(getattr(settings, "OUTBOX", {}).get("MAX_EVENT_BYTES", DEFAULT_MAX_EVENT_BYTES))

"""The edge's settings, defined in core/settings.py."""

from datetime import timedelta

from django.conf import settings


def max_body_bytes() -> int:
    """The largest request body, in bytes."""
    return settings.MAX_BODY_BYTES


def rate_limit() -> float:
    """Requests a second of one key in one process; 0 is no limit."""
    return settings.API_RATE_LIMIT


def idempotency_lease() -> timedelta:
    """How long a write that never came back keeps its key to itself; afterwards a retry resumes it."""
    lease: timedelta = settings.IDEMPOTENCY["LEASE"]
    return lease


def request_log_retention() -> timedelta:
    """How long requests stay in the log."""
    retention: timedelta = settings.REQUEST_LOG["RETENTION"]
    return retention


def idempotency_retention() -> timedelta:
    """How long an answer is replayed; afterwards the key is a new one."""
    retention: timedelta = settings.IDEMPOTENCY["RETENTION"]
    return retention

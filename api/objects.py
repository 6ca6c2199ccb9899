"""Endpoints, deliveries, attempts and requests as the API shows them. Times are Unix seconds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from api.failure_catalogue import code_of, failure_object
from api.models import RequestLog
from api.response_text import response_text
from core.versions import PLAIN, shown_event_type
from dispatcher.models import Attempt, DeliveryRecord, Endpoint
from outbox.identifiers import encode_id


def endpoint_object(row: Endpoint, version: str, *, secret: str | None = None) -> dict[str, Any]:
    """Stripe's webhook endpoint; the plain version also tells its limits, its order, and the reason of its status."""
    shown: dict[str, Any] = {
        "id": row.public_id,
        "object": "webhook_endpoint",
        "api_version": row.api_version,
        "application": None,
        "created": _seconds(row.created_at),
        "description": row.description,
        "enabled_events": [shown_event_type(name, version) for name in row.enabled_events],
        "livemode": False,
        "metadata": row.metadata,
        "status": str(row.status),
        "url": row.url,
    }
    if version == PLAIN:
        # Until its row is written a new endpoint has no moment of the database's clock.
        since = row.status_since if isinstance(row.status_since, datetime) else row.created_at
        shown["status_reason"] = row.status_reason
        shown["status_since"] = _seconds(since)
        shown["ordered"] = row.ordered
        shown["on_dead_letter"] = str(row.on_dead_letter)
        shown["send_traceparent"] = row.send_traceparent
        shown["previous_secret_expires_at"] = _seconds(row.previous_secret_expires_at)
        shown |= {
            name: getattr(row.lane, name) for name in ("max_in_flight", "quantum", "rate_limit", "burst")
        }
    if secret is not None:
        shown["secret"] = secret
    return shown


def delivery_object(
    row: DeliveryRecord, *, event_type: str | None, attempts: Sequence[Attempt] | None = None
) -> dict[str, Any]:
    """A delivery, with its attempts where they are given. `event_type` as the version names it."""
    shown: dict[str, Any] = {
        "id": row.public_id,
        "object": "delivery",
        "attempt_count": row.attempts,
        "created": _seconds(row.created_at),
        "endpoint": encode_id("we", row.endpoint_id),
        "event": encode_id("evt", row.event_id),
        "event_type": event_type,
        "failure": failure_object(row.reason),
        "finished_at": _seconds(row.finished_at),
        "livemode": False,
        "manual": row.manual,
        "next_attempt_at": _seconds(row.next_attempt_at),
        "reason": row.reason,
        "state": str(row.state),
    }
    if attempts is not None:
        shown["attempts"] = [attempt_object(attempt) for attempt in attempts]
    return shown


def attempt_object(row: Attempt) -> dict[str, Any]:
    """One HTTP try, with how long each of its phases took."""
    return {
        "id": row.public_id,
        "object": "attempt",
        "detail": row.detail,
        "failure": failure_object(code_of(row)),
        "failure_code": row.failure_code,
        "milliseconds": {
            "dns": row.dns_ms,
            "connect": row.connect_ms,
            "tls": row.tls_ms,
            "first_byte": row.first_byte_ms,
            "total": row.total_ms,
        },
        "number": row.number,
        "outcome": row.outcome,
        "peer_ip": row.peer_ip,
        "response": None if row.response is None else response_text(bytes(row.response)),
        "response_truncated": row.truncated,
        "started_at": _seconds(row.started_at),
        "status": row.status,
        "superseded": row.superseded,
    }


def request_object(row: RequestLog) -> dict[str, Any]:
    """A request as it was answered, its secrets taken out."""
    return {
        "id": row.public_id,
        "object": "request",
        "api_version": row.api_version,
        "asked_version": row.asked_version,
        "created": _seconds(row.created_at),
        "error_code": row.error_code,
        "idempotency_key": row.idempotency_key,
        "livemode": False,
        "method": row.method,
        "milliseconds": row.milliseconds,
        "parameters": row.parameters,
        "path": row.path,
        "status": row.status,
    }


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())

"""The span of an attempt, where its event is of a trace and this process makes spans.

It begins when the request is built and ends with its outcome. What is recorded afterwards is the database's business:
the row of the attempt has the same ids.
"""

from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from dispatcher.claims import Claim
from dispatcher.outcomes import Outcome
from outbox.identifiers import encode_id
from outbox.tracing import telemetry

if TYPE_CHECKING:
    from opentelemetry.trace import Span


class AttemptSpan(Protocol):
    """One that is under way."""

    @property
    def traceparent(self) -> str | None:
        """What the endpoint may be told of it."""

    def end(self, outcome: Outcome) -> None: ...


class Tracer:
    """Begins the spans of a process."""

    def __init__(self) -> None:
        self._telemetry = telemetry()

    def begin(self, claim: Claim) -> AttemptSpan | None:
        """None where nobody follows the event."""
        event = claim.event
        if self._telemetry is None or event is None or event.traceparent is None:
            return None
        address = urlsplit(claim.endpoint.url)
        return _TracedAttempt(
            self._telemetry.begin(
                f"deliver {event.type}",
                kind="client",
                parent=event.traceparent,
                attributes={
                    "http.request.method": "POST",
                    # No path and no query: there merchants keep tokens.
                    "server.address": address.hostname or "",
                    "dispatcher.delivery": encode_id("dlv", claim.delivery_id),
                    "dispatcher.endpoint": encode_id("we", claim.endpoint.id),
                    "dispatcher.attempt": encode_id("att", claim.attempt_id),
                    "dispatcher.attempt.number": claim.attempt_number,
                    "dispatcher.by_hand": claim.by_hand,
                    "messaging.message.id": event.public_id,
                    "outbox.event.type": event.type,
                },
            )
        )


class _TracedAttempt:
    def __init__(self, span: "Span") -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        from outbox.telemetry import context_of

        return context_of(self._span)

    def end(self, outcome: Outcome) -> None:
        from outbox.telemetry import fail

        if outcome.status is not None:
            self._span.set_attribute("http.response.status_code", outcome.status)
        if outcome.failure_code is not None:
            fail(self._span, str(outcome.failure_code))
        self._span.end()

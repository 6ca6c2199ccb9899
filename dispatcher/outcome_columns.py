"""Attempts as columns for record_outcomes.sql: one array literal each.

The literals are made here and not by psycopg2, which would adapt every value by itself: twenty for a delivery.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, assert_never

from dispatcher.attempts import Attempted
from dispatcher.models import DeliveryState
from dispatcher.reasons import Reason
from dispatcher.retry import DeadLetter, Decision, Gone, Retry, Succeed

_PLAIN = (
    "delivery_id", "claim_no", "endpoint_id", "event_id", "attempt_id", "number", "started_at", "succeeded",
    "status", "peer_ip", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms", "response", "truncated",
    "ending", "retry_after",
)  # fmt: skip
_QUOTED = ("failure_code", "detail", "reason")
_EMPTY = "{}"  # unnest fills a shorter column up with NULL
_ALL_DONE: "tuple[str, None, None]" = (DeliveryState.SUCCEEDED.value, None, None)


def columns_of(attempted: Sequence[Attempted]) -> dict[str, str]:
    """The parameters of record_outcomes.sql. Responses are hexadecimal, waits are seconds."""
    columns = dict(
        zip(_PLAIN, map(_literal, zip(*[_plain_row(one) for one in attempted], strict=True)), strict=True)
    )
    if all(one.outcome.succeeded for one in attempted):
        columns.update(dict.fromkeys(_QUOTED, _EMPTY))
    else:
        rows = [_quoted_row(one) for one in attempted]
        columns.update(zip(_QUOTED, map(_literal, zip(*rows, strict=True)), strict=True))
    return columns


def _plain_row(one: Attempted) -> tuple[Any, ...]:
    """Values whose text needs no quotes in an array literal."""
    claim, started_epoch, outcome, decision = one
    ending, _, retry_after = _ALL_DONE if outcome.succeeded else _next_state(decision)
    return (
        claim.delivery_id.hex, claim.claim_no, claim.endpoint.id.hex, claim.event_id.hex, claim.attempt_id.hex,
        claim.attempt_number, started_epoch, outcome.succeeded, outcome.status, outcome.peer_ip,
        *outcome.timings, outcome.response.hex() or None, outcome.truncated, ending,
        None if retry_after is None else retry_after.total_seconds(),
    )  # fmt: skip


def _quoted_row(one: Attempted) -> tuple[Any, ...]:
    _, reason, _ = _next_state(one.decision)
    return _quoted(one.outcome.failure_code), _quoted(one.outcome.detail or None), _quoted(reason)


def _literal(column: Iterable[Any]) -> str:
    return "{" + ",".join(["NULL" if value is None else str(value) for value in column]) + "}"


def _quoted(text: str | None) -> str | None:
    if text is None:
        return None
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _next_state(decision: Decision) -> tuple[str | None, str | None, timedelta | None]:
    """The delivery's end and its reason, or how long it waits."""
    match decision:
        case Succeed():
            return _ALL_DONE
        case DeadLetter(reason=reason):
            return DeliveryState.DEAD_LETTERED.value, reason, None
        case Gone():
            return DeliveryState.DEAD_LETTERED.value, Reason.ENDPOINT_GONE.value, None
        case Retry(after=after):
            return None, None, after
        case _:
            assert_never(decision)

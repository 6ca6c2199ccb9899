"""What became of an event at an endpoint, in words: pure."""

from collections.abc import Sequence
from datetime import datetime

from api.readings.steps import AttemptStep, Decision, DeliveryStep, EventStep, Verdict
from dispatcher.history import PastAttempt, PastDelivery
from dispatcher.models import Endpoint, EndpointStatus
from dispatcher.reasons import Reason, explanation_of
from dispatcher.waiting import next_attempt
from outbox.identifiers import encode_id
from outbox.models import Event

_ENDS = {
    "succeeded": Verdict.DELIVERED,
    "dead_lettered": Verdict.DEAD_LETTERED,
    "cancelled": Verdict.CANCELLED,
    "skipped": Verdict.SKIPPED,
    "pending": Verdict.WAITING,
    "sending": Verdict.SENDING,
}


def decision_of(
    delivery: PastDelivery,
    attempts: Sequence[PastAttempt],
    *,
    endpoint: Endpoint | None,
    max_attempts: int,
    now: datetime,
) -> Decision:
    """Of a delivery that there is, or was; `endpoint` is one of `with_lanes`."""
    words = delivery_words(delivery, endpoint=endpoint, max_attempts=max_attempts)
    return Decision(
        endpoint=encode_id("we", delivery.endpoint_id),
        url=None if endpoint is None else endpoint.url,
        verdict=_ENDS[delivery.state],
        words=f"{words} (resent by hand)" if delivery.manual else words,
        delivery=DeliveryStep(
            id=delivery.public_id,
            state=delivery.state,
            reason=delivery.reason,
            manual=delivery.manual,
            attempt_count=delivery.attempts,
            created_at=delivery.created_at,
            next_attempt_at=delivery.next_attempt_at,
            next=next_attempt(delivery, endpoint=endpoint, now=now),
            finished_at=delivery.finished_at,
            attempts=tuple(_attempt(one) for one in attempts),
            earlier_attempts=_earlier(attempts),
        ),
    )


def decision_without_delivery(event: Event, endpoint: Endpoint, *, waits_for_fan_out: bool) -> Decision:
    """Of an endpoint for which there is no row: derived from what it is now."""
    verdict, words = _why_none(event, endpoint, waits_for_fan_out)
    return Decision(endpoint=endpoint.public_id, url=endpoint.url, verdict=verdict, words=words)


def delivery_words(delivery: PastDelivery, *, endpoint: Endpoint | None, max_attempts: int) -> str:
    """`delivered with attempt 2`, `waiting for attempt 3 of 13`, `skipped: disabled since 14:02 UTC`."""
    number = delivery.attempts
    match delivery.state:
        case "succeeded":
            return f"delivered with attempt {number}"
        case "sending":
            return f"attempt {of_schedule(number, max_attempts)} is under way"
        case "pending":
            return _waiting(delivery, endpoint, max_attempts)
        case "dead_lettered":
            return f"dead-lettered after {_count(number, 'attempt')}: {reason_words(delivery.reason)}"
        case "cancelled":
            return f"cancelled: {reason_words(delivery.reason)}"
        case "skipped":
            return f"skipped: {_why_skipped(delivery, endpoint)}"
        case _:
            return delivery.state


def of_schedule(number: int, max_attempts: int) -> str:
    """`3 of 13`: how it will be as long as dispatchers have the schedule that this process has; `14` beyond it.

    Only of what is still tried: how long the schedule of an ended delivery was, nobody wrote down.
    """
    return f"{number} of {max_attempts}" if number <= max_attempts else str(number)


def reason_words(reason: str | None) -> str:
    """A reason in a few words, for the middle of a sentence."""
    match reason:
        case Reason.SCHEDULE_OVER:
            return "the retry schedule is over"
        case Reason.ENDPOINT_GONE:
            return "the endpoint answered 410"
        case Reason.ENDPOINT_DISABLED:
            return "the endpoint was disabled"
        case Reason.ENDPOINT_DELETED:
            return "the endpoint was deleted"
        case Reason.STOPPED:
            return "stopped by hand"
    explanation = explanation_of(reason)
    if explanation is None:
        return (reason or "no reason is recorded").replace("_", " ")
    return explanation.summary[0].lower() + explanation.summary[1:].rstrip(".")


def summary(events: Sequence[EventStep], *, more: bool) -> str:
    """What the whole came to, in a sentence or two."""
    if not events:
        return "No event is stored of it."
    decided = [one for event in events for one in event.decisions if one.delivery is not None]
    begun = f"{'At least ' if more else ''}{_count(len(events), 'event')}"
    if any(event.waits_for_fan_out for event in events):
        begun += ", not all fanned out yet"
    if not decided:
        return f"{begun}; no endpoint was to get any."
    count = {verdict: sum(one.verdict is verdict for one in decided) for verdict in Verdict}
    said = [
        f"{count[verdict]} {word}"
        for verdict, word in (
            (Verdict.DELIVERED, "delivered"),
            (Verdict.SENDING, "being sent"),
            (Verdict.WAITING, "waiting"),
            (Verdict.DEAD_LETTERED, "dead-lettered"),
            (Verdict.CANCELLED, "cancelled"),
            (Verdict.SKIPPED, "skipped"),
        )
        if count[verdict]
    ]
    whole = "delivery" if len(decided) == 1 else "deliveries"
    return f"{begun}, {len(decided)} {whole}: {', '.join(said)}."


def _waiting(delivery: PastDelivery, endpoint: Endpoint | None, max_attempts: int) -> str:
    if delivery.next_attempt_at is None:
        return "waiting behind an earlier event of its order key"
    number = delivery.attempts + 1
    last = ", the last one" if number >= max_attempts else ""
    words = f"waiting for attempt {of_schedule(number, max_attempts)}{last}"
    if endpoint is None or delivery.manual:
        return words
    if endpoint.deleted_at is not None:
        return f"{words}; it will be cancelled then: the endpoint was deleted"
    if endpoint.status == EndpointStatus.DISABLED:
        since = _clock(endpoint.status_since)
        return f"{words}; it will be cancelled then unless the endpoint, disabled since {since}, is enabled"
    return words


def _why_skipped(delivery: PastDelivery, endpoint: Endpoint | None) -> str:
    if delivery.reason == Reason.ENDPOINT_DISABLED and endpoint is not None:
        still = endpoint.status == EndpointStatus.DISABLED
        if still and endpoint.status_since <= delivery.created_at:
            return f"disabled since {_clock(endpoint.status_since)}"
        return "the endpoint was disabled then"
    return reason_words(delivery.reason)


def _why_none(event: Event, endpoint: Endpoint, waits_for_fan_out: bool) -> tuple[Verdict, str]:
    if endpoint.created_at > event.created_at and not waits_for_fan_out:
        return Verdict.TOO_LATE, f"skipped: the endpoint was made later, {_clock(endpoint.created_at)}"
    if not {"*", event.type} & set(endpoint.enabled_events):
        return Verdict.NOT_SUBSCRIBED, "skipped: not subscribed"
    if waits_for_fan_out:
        return Verdict.WAITING, "waiting to be fanned out"
    return (
        Verdict.NO_RECORD,
        "no delivery is recorded: it subscribed later, or the record is past its retention",
    )


def _attempt(row: PastAttempt) -> AttemptStep:
    return AttemptStep(
        id=row.public_id,
        number=row.number,
        started_at=row.started_at,
        outcome=row.outcome,
        status=row.status,
        milliseconds=row.total_ms,
        code=row.failure_code or ("unknown" if row.outcome == "unknown" else None),
        detail=row.detail,
        superseded=row.superseded,
    )


def _earlier(attempts: Sequence[PastAttempt]) -> int:
    """How many attempts come before those that are shown; one under way has no row yet."""
    return attempts[0].number - 1 if attempts else 0


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M UTC}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

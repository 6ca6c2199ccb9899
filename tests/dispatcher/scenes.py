"""Building blocks of dispatcher tests: endpoints, events, claims, and what the tables hold."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django.db import connection, transaction

from dispatcher.attempts import Attempted
from dispatcher.claims import Claim, Hint, begin_deliveries, claim_due_deliveries
from dispatcher.failures import FailureCode
from dispatcher.fan_out import fan_out_events
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.models import Endpoint, Lane
from dispatcher.outcomes import Outcome
from dispatcher.recording import Recorded, record_outcomes
from dispatcher.retry import RetryPolicy, decide
from dispatcher.sealing import seal
from dispatcher.signing import new_secret
from outbox.identifiers import new_uuid
from outbox.models import Event
from outbox.recording import record_event

OWNER = "acct_test"
LEASE = timedelta(seconds=30)
SUCCESS = Outcome(succeeded=True, status=200, response=b"HTTP/1.1 200 OK\r\n\r\n")
REFUSED = Outcome(succeeded=False, failure_code=FailureCode.HTTP_5XX, status=500, detail="answered 500")
GONE = Outcome(succeeded=False, failure_code=FailureCode.HTTP_410_GONE, status=410, detail="answered 410")


def make_endpoint(
    *,
    owner: str = OWNER,
    url: str = "https://shop.test/hook",
    enabled_events: list[str] | None = None,
    max_in_flight: int = 64,
    quantum: int | None = None,
    status: str = "enabled",
    ordered: bool = False,
    on_dead_letter: str = "continue",
) -> Endpoint:
    """An endpoint with its lane, without the checks of its URL."""
    endpoint = Endpoint.objects.create(
        id=new_uuid(),
        owner=owner,
        url=url,
        enabled_events=enabled_events or ["*"],
        api_version="2026-10-28.endive",
        status=status,
        secret=seal(new_secret()),
        ordered=ordered,
        on_dead_letter=on_dead_letter,
    )
    query(
        "INSERT INTO dispatcher_lane (endpoint_id, max_in_flight, quantum) VALUES (%s, %s, %s)",
        endpoint.id, max_in_flight, quantum or max_in_flight,
    )  # fmt: skip
    return endpoint


def record(count: int = 1, *, owner: str = OWNER, type: str = "parcel.sent") -> list[Event]:
    """So many committed events."""
    with transaction.atomic():
        return [
            record_event(owner=owner, type=type, object_id=f"par_{number}", data={"number": number})
            for number in range(count)
        ]


def fan_out(limit: int = 1000) -> int:
    touches = LaneTouches()
    with transaction.atomic():
        events = fan_out_events(limit=limit, touches=touches).events
        touch_lanes(touches)
    return events


def claim(
    limit: int = 100,
    *,
    lanes: int = 64,
    lease: timedelta = LEASE,
    lease_owner: uuid.UUID | None = None,
    begun: bool = True,
) -> list[Claim]:
    with transaction.atomic():
        return claim_due_deliveries(
            limit=limit, lease_for=lease, lease_owner=lease_owner or uuid.uuid4(), lanes=lanes, begun=begun
        )


def hints_of(claims: list[Claim]) -> list[Hint]:
    return [Hint(delivery_id=one.delivery_id, claim_no=one.claim_no) for one in claims]


def begin(
    hints: list[Hint], *, lease: timedelta = LEASE, lease_owner: uuid.UUID | None = None
) -> list[Claim]:
    with transaction.atomic():
        return begin_deliveries(hints, lease_for=lease, lease_owner=lease_owner or uuid.uuid4())


def finish(claims: list[Claim], outcome: Outcome = SUCCESS) -> list[Recorded]:
    """Record the same outcome for every claim."""
    return finish_each([(one, outcome) for one in claims])


def finish_each(results: list[tuple[Claim, Outcome]]) -> list[Recorded]:
    """Record an outcome for each claim, in this order, in one transaction."""
    touches = LaneTouches()
    attempted = [
        Attempted(
            claim=one,
            started_epoch=one.lease.claimed_epoch,
            outcome=outcome,
            decision=decide(outcome, attempt_number=one.attempt_number, policy=RetryPolicy(), jitter=0.0),
        )
        for one, outcome in results
    ]
    with transaction.atomic():
        recorded = record_outcomes(attempted, touches=touches)
        touch_lanes(touches)
    return recorded


def query(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def scalar(sql: str, *parameters: Any) -> Any:
    return query(sql, *parameters)[0][0]


def expire_leases() -> None:
    """As if every lease had been taken long ago: what time would do, at once."""
    query("UPDATE dispatcher_delivery SET due_at = now() - interval '1 second' WHERE lease_owner IS NOT NULL")
    query("UPDATE dispatcher_lane SET ready_at = now()")


@contextmanager
def held_elsewhere(sql: str, *parameters: Any) -> Iterator[None]:
    """Within, another connection is inside a transaction that has run `sql` and holds its locks."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            query(sql, *parameters)
            held.set()
            release.wait(60)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(30)
        yield
    finally:
        release.set()
        thread.join()


def make_due(endpoint: Endpoint | None = None) -> None:
    """As if every waiting delivery's moment, and the end of every hold and of every circuit's pause, had come."""
    query(
        "UPDATE dispatcher_delivery SET due_at = now() - interval '1 second' "
        "WHERE lease_owner IS NULL AND due_at < 'infinity'"
    )
    query(
        "UPDATE dispatcher_lane SET ready_at = now(), hold_until = '-infinity', circuit_until = '-infinity'"
    )


def lane_row(endpoint: Endpoint) -> SimpleNamespace:
    """Everything that the lane holds, by column; where it has no moment to show, None."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT *, nullif(ready_at, 'infinity') AS ready_at, nullif(hold_until, '-infinity') AS hold_until, "
            "nullif(circuit_until, '-infinity') AS circuit_until, nullif(tokens_at, '-infinity') AS tokens_at "
            "FROM dispatcher_lane WHERE endpoint_id = %s",
            [endpoint.id],
        )
        row = cursor.fetchone()
        assert row is not None
        return SimpleNamespace(**dict(zip([column.name for column in cursor.description], row, strict=True)))


def end_pause() -> None:
    """As if the pause of every circuit had just ended."""
    query("UPDATE dispatcher_lane SET circuit_until = clock_timestamp() WHERE circuit_openings > 0")
    query("UPDATE dispatcher_delivery SET due_at = now() WHERE lease_owner IS NULL AND due_at < 'infinity'")
    query("UPDATE dispatcher_lane SET ready_at = clock_timestamp()")


def assert_lanes_count_their_leases() -> None:
    """Invariant I7, first half."""
    wrong = query(
        "SELECT lane.endpoint_id, lane.in_flight, count(d.id) FROM dispatcher_lane lane "
        "LEFT JOIN dispatcher_delivery d ON d.endpoint_id = lane.endpoint_id AND d.lease_owner IS NOT NULL "
        "GROUP BY lane.endpoint_id, lane.in_flight HAVING lane.in_flight <> count(d.id)"
    )
    assert wrong == []


def assert_no_lane_sleeps_past_its_work() -> None:
    """Invariant I3: a lane is ready no later than its work is permitted.

    What is by hand needs room below the cap. The rest also waits for the hold, the circuit and a token, and where
    the circuit is not closed, behind its probe.
    """
    asleep = query(
        "SELECT lane.endpoint_id, lane.ready_at, d.due_at FROM dispatcher_lane lane "
        "JOIN dispatcher_delivery d ON d.endpoint_id = lane.endpoint_id AND d.lease_owner IS NULL "
        "WHERE lane.in_flight < lane.max_in_flight "
        "AND (d.resend_no > 0 OR lane.circuit_openings = 0 OR NOT EXISTS ("
        "SELECT FROM dispatcher_delivery probe WHERE probe.endpoint_id = lane.endpoint_id "
        "AND probe.lease_owner IS NOT NULL AND probe.resend_no = 0)) "
        "AND lane.ready_at > greatest(d.due_at, clock_timestamp(), CASE WHEN d.resend_no = 0 THEN "
        "greatest(lane.hold_until, lane.circuit_until, CASE WHEN lane.rate_limit > 0 AND lane.tokens < 1 THEN "
        "lane.tokens_at + (1 - lane.tokens) / lane.rate_limit * interval '1 second' + interval '2 us' END) END)"
    )
    assert asleep == []


def lane_of(endpoint: Endpoint) -> tuple[Any, ...]:
    """in_flight, and whether the lane is ready."""
    return query(
        "SELECT in_flight, ready_at <= clock_timestamp() FROM dispatcher_lane WHERE endpoint_id = %s",
        endpoint.id,
    )[0]


def widths(endpoint: Endpoint, width: int) -> None:
    Lane.objects.filter(endpoint=endpoint).update(max_in_flight=width, quantum=width)

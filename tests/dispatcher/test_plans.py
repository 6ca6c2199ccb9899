"""Every statement of the claim path, and every list, reads in proportion to its batch, not to what is stored."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import pytest
from django.db import transaction

from dispatcher.claims import begin_deliveries, claim_due_deliveries
from dispatcher.connection import connect
from dispatcher.deliveries import create_delivery_by_hand, list_deliveries
from dispatcher.fan_out import fan_out_events
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.models import Delivery, Endpoint, FinishedDelivery
from dispatcher.recording import release_leases
from outbox.database import fetch_all
from outbox.identifiers import floor_uuid
from outbox.sql import statements
from tests.dispatcher.plans import RowCount, counted_rows
from tests.dispatcher.scenes import (
    LEASE,
    OWNER,
    REFUSED,
    SUCCESS,
    finish,
    hints_of,
    make_endpoint,
    query,
    record,
)

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]

BATCH = 100
BOUND = 4 * BATCH + 50


@dataclass(frozen=True)
class Amount:
    """What is stored while a statement's rows are counted."""

    endpoints: int
    finished: int
    pending: int


AMOUNTS = {
    "1 endpoint, 300,000 finished, 50,000 pending": Amount(1, 300_000, 50_000),
    "2 endpoints": Amount(2, 100_000, 20_000),
    "50 endpoints": Amount(50, 100_000, 20_000),
}
FRESH = "fresh statistics"
STATISTICS = ("statistics as they are", FRESH)


def fill(endpoints: list[Endpoint], *, finished: int, pending: int) -> None:
    """History and backlog, spread over the endpoints, with their events and attempts."""
    query("SET statement_timeout = 0; SET synchronous_commit = off")
    ids = [endpoint.id for endpoint in endpoints]
    # Numbered ids of this very moment: minting each by the database's function would take longer than the rest.
    numbered = f"('{floor_uuid(datetime.now(tz=UTC)).hex[:12]}7' || lpad(to_hex(n), 19, '0'))::uuid"
    total = finished + pending
    query(
        "INSERT INTO outbox_event (id, owner, type, object_id, data) "
        f"SELECT {numbered}, %s, 'parcel.sent', 'par', '{{}}' FROM generate_series(1, %s) n",
        OWNER, total,
    )  # fmt: skip
    query(
        "INSERT INTO dispatcher_finished_delivery "
        "(id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at) "
        f"SELECT {numbered}, %s, (%s::uuid[])[1 + n %% %s], {numbered}, "
        "CASE WHEN n %% 47 = 0 THEN 'dead_lettered' ELSE 'succeeded' END, NULL, 1, 0, now() "
        "FROM generate_series(1, %s) n",
        OWNER, ids, len(ids), finished,
    )  # fmt: skip
    query(
        "INSERT INTO dispatcher_attempt "
        "(id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome) "
        f"SELECT {numbered}, {numbered}, (%s::uuid[])[1 + n %% %s], {numbered}, 1, 1, now(), 'succeeded' "
        "FROM generate_series(1, %s) n",
        ids, len(ids), finished,
    )  # fmt: skip
    query(
        "INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at) "
        f"SELECT {numbered}, %s, (%s::uuid[])[1 + n %% %s], {numbered}, now() - n * interval '1 ms' "
        "FROM generate_series(%s, %s) n",
        OWNER, ids, len(ids), finished + 1, total,
    )  # fmt: skip
    query("UPDATE dispatcher_lane SET ready_at = now()")
    query("RESET statement_timeout; RESET synchronous_commit")


@pytest.fixture(scope="module")
def stored(django_db_setup, django_db_blocker) -> Iterator[dict[Amount, list[Endpoint]]]:
    """The amount that the tables hold, if any, with its endpoints; emptied at the end."""
    held: dict[Amount, list[Endpoint]] = {}
    yield held
    with django_db_blocker.unblock():
        empty()


def empty() -> None:
    query(
        "TRUNCATE dispatcher_endpoint, dispatcher_lane, dispatcher_delivery, dispatcher_finished_delivery, "
        "dispatcher_attempt, outbox_event, outbox_pending"
    )


@pytest.fixture(
    scope="module",
    params=list(product(AMOUNTS.values(), STATISTICS)),
    ids=[f"{amount}-{statistics}" for amount, statistics in product(AMOUNTS, STATISTICS)],
)
def endpoints(request, stored: dict[Amount, list[Endpoint]], django_db_blocker) -> list[Endpoint]:
    """Filled once for many tests, each of which rolls back what it did."""
    amount: Amount = request.param[0]
    statistics: str = request.param[1]
    with django_db_blocker.unblock():
        if amount not in stored:
            empty()
            stored.clear()
            stored[amount] = [make_endpoint(max_in_flight=1000) for _ in range(amount.endpoints)]
            fill(stored[amount], finished=amount.finished, pending=amount.pending)
        if statistics == FRESH:
            query("SET lock_timeout = '60s'")  # autovacuum may be at it, and gives way
            query("ANALYZE")
            query("RESET lock_timeout")
    return stored[amount]


@pytest.fixture
def dispatchers_session(db) -> None:
    connect()


def assert_bounded(count: RowCount, bound: int = BOUND) -> None:
    assert count.statements
    assert count.largest() <= bound, count.worst()


@pytest.mark.usefixtures("dispatchers_session")
class TestClaimPath:
    def test_claim(self, endpoints):
        with transaction.atomic(), counted_rows() as count:
            claims = claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        assert len(claims) >= BATCH // 2
        assert len(count.statements) == 3
        assert_bounded(count)

    def test_claim_of_expired_leases(self, endpoints):
        query(
            "UPDATE dispatcher_delivery SET lease_owner = %s, started_at = now(), attempt_id = outbox_uuid7() "
            "WHERE id IN (SELECT id FROM dispatcher_delivery LIMIT 20000)",
            uuid.uuid4(),
        )
        query(
            "UPDATE dispatcher_lane l SET in_flight = (SELECT count(*) FROM dispatcher_delivery d "
            "WHERE d.endpoint_id = l.endpoint_id AND lease_owner IS NOT NULL)"
        )
        with transaction.atomic(), counted_rows() as count:
            claims = claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        assert claims
        assert all(one.reclaimed for one in claims)
        assert_bounded(count)

    @pytest.mark.parametrize("probing", [False, True], ids=["half-open", "behind a probe"])
    def test_claim_of_lanes_whose_circuit_is_not_closed(self, endpoints, probing):
        query("UPDATE dispatcher_lane SET circuit_openings = 1, circuit_until = now()")
        for _ in range(1 + probing):
            query("UPDATE dispatcher_lane SET ready_at = now()")
            with transaction.atomic(), counted_rows() as count:
                claims = claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        assert len(claims) == (0 if probing else len(endpoints))
        assert len(count.statements) == 4
        assert_bounded(count)

    def test_claim_of_lost_leases_of_lanes_whose_circuit_is_not_closed(self, endpoints):
        with transaction.atomic():
            claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        query("UPDATE dispatcher_delivery SET due_at = now() WHERE lease_owner IS NOT NULL")
        query("UPDATE dispatcher_lane SET circuit_openings = 1, circuit_until = now(), ready_at = now()")
        with transaction.atomic(), counted_rows() as count:
            claims = claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        assert len(claims) == len(endpoints)
        assert_bounded(count)

    def test_claim_of_rate_limited_lanes(self, endpoints):
        query("UPDATE dispatcher_lane SET rate_limit = 1, burst = 1, tokens = 1, tokens_at = now()")
        with transaction.atomic(), counted_rows() as count:
            claims = claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        assert len(claims) == len(endpoints)
        assert_bounded(count)

    def test_record(self, endpoints):
        with transaction.atomic():
            claims = claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        half = len(claims) // 2
        for part, outcome in ((claims[:half], SUCCESS), (claims[half:], REFUSED)):
            with counted_rows() as count:
                finish(part, outcome)
            assert_bounded(count)

    def test_release(self, endpoints):
        with transaction.atomic():
            claims = claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        touches = LaneTouches()
        with transaction.atomic(), counted_rows() as count:
            release_leases(claims, touches=touches)
            touch_lanes(touches)
        assert_bounded(count)
        assert Delivery.objects.exclude(lease_owner=None).count() == 0

    def test_beginning_what_hints_name(self, endpoints):
        with transaction.atomic():
            claims = claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4(), begun=False)
        with transaction.atomic(), counted_rows() as count:
            begun = begin_deliveries(hints_of(claims), lease_for=LEASE, lease_owner=uuid.uuid4())
        assert len(begun) == len(claims)
        assert_bounded(count)

    def test_cancel_of_a_disabled_endpoint(self, endpoints):
        query("UPDATE dispatcher_endpoint SET status = 'disabled'")
        with transaction.atomic(), counted_rows() as count:
            claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        assert_bounded(count)

    def test_fan_out(self, endpoints):
        Endpoint.objects.exclude(id=endpoints[0].id).delete()
        record(BATCH * 3)
        touches = LaneTouches()
        with transaction.atomic(), counted_rows() as count:
            assert fan_out_events(limit=BATCH, touches=touches).events == BATCH
            touch_lanes(touches)
        assert_bounded(count)

    @pytest.mark.parametrize("question", ["work_is_waiting", "backlog"])
    def test_questions_of_an_idle_dispatcher(self, endpoints, question):
        query("UPDATE dispatcher_lane SET ready_at = 'infinity'")
        with counted_rows() as count:
            fetch_all(statements("dispatcher.sql")[question], {})
        assert_bounded(count, bound=10)

    def test_resend_by_hand(self, endpoints):
        ended = FinishedDelivery.objects.order_by("id").last()
        assert ended is not None
        with counted_rows() as count:
            create_delivery_by_hand(owner=OWNER, endpoint_id=ended.endpoint_id, event_id=ended.event_id)
        assert_bounded(count, bound=10)


@pytest.mark.parametrize("by_endpoint", [False, True])
def test_lists_of_deliveries(endpoints, by_endpoint):
    query("SET LOCAL lock_timeout = '30s'")  # autovacuum may be at it, and gives way
    query("ANALYZE")
    endpoint_id = endpoints[0].id if by_endpoint else None
    for state in (None, "pending", "sending", "succeeded", "dead_lettered", "skipped"):
        page = list_deliveries(owner=OWNER, limit=20, state=state, endpoint_id=endpoint_id)
        cursor = page.rows[-1].id if page.rows else None
        with counted_rows() as count:
            list_deliveries(
                owner=OWNER, limit=BATCH, state=state, endpoint_id=endpoint_id, starting_after=cursor
            )
        assert_bounded(count)

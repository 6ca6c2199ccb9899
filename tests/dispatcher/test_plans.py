"""Every statement of the claim path, and every list, reads in proportion to its batch, not to what is stored."""

import uuid
from collections.abc import Iterator

import pytest
from django.db import transaction

from dispatcher.claims import claim_due_deliveries
from dispatcher.connection import connect
from dispatcher.deliveries import list_deliveries
from dispatcher.fan_out import fan_out_events
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.models import Delivery, Endpoint
from dispatcher.recording import release_leases
from tests.dispatcher.plans import RowCount, counted_rows
from tests.dispatcher.scenes import LEASE, OWNER, REFUSED, SUCCESS, finish, make_endpoint, query, record

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]

BATCH = 100
BOUND = 4 * BATCH + 50


def fill(endpoints: list[Endpoint], *, finished: int = 100_000, pending: int = 20_000) -> None:
    """History and backlog, spread over the endpoints, with their events and attempts."""
    ids = [endpoint.id for endpoint in endpoints]
    events = (
        "INSERT INTO outbox_event (id, owner, type, object_id, data) "
        "SELECT outbox_uuid7(), %s, 'parcel.sent', 'par_' || n, '{}' FROM generate_series(1, %s) n RETURNING id"
    )
    query(
        f"WITH event AS ({events}), numbered AS (SELECT id, row_number() OVER () AS n FROM event) "
        "INSERT INTO dispatcher_finished_delivery "
        "(id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at) "
        "SELECT outbox_uuid7(), %s, (%s::uuid[])[1 + n %% %s], id, "
        "CASE WHEN n %% 47 = 0 THEN 'dead_lettered' ELSE 'succeeded' END, NULL, 1, 0, now() FROM numbered",
        OWNER, finished, OWNER, ids, len(ids),
    )  # fmt: skip
    query(
        "INSERT INTO dispatcher_attempt "
        "(id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome) "
        "SELECT outbox_uuid7(), id, endpoint_id, event_id, 1, 1, now(), 'succeeded' FROM dispatcher_finished_delivery"
    )
    query(
        f"WITH event AS ({events}), numbered AS (SELECT id, row_number() OVER () AS n FROM event) "
        "INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at) "
        "SELECT outbox_uuid7(), %s, (%s::uuid[])[1 + n %% %s], id, now() - n * interval '1 ms' FROM numbered",
        OWNER, pending, OWNER, ids, len(ids),
    )  # fmt: skip
    query("UPDATE dispatcher_lane SET ready_at = now()")


@pytest.fixture(scope="module", params=[1, 2, 50], ids="{} endpoints".format)
def endpoints(request, django_db_setup, django_db_blocker) -> Iterator[list[Endpoint]]:
    """Filled once for many tests, each of which rolls back what it did."""
    with django_db_blocker.unblock():
        made = [make_endpoint(max_in_flight=1000) for _ in range(request.param)]
        fill(made)
        yield made
        query(
            "TRUNCATE dispatcher_endpoint, dispatcher_lane, dispatcher_delivery, dispatcher_finished_delivery, "
            "dispatcher_attempt, outbox_event, outbox_pending"
        )


@pytest.fixture(params=["fresh statistics", "statistics as they are"])
def statistics(request, db, endpoints) -> None:
    connect()
    if request.param == "fresh statistics":
        query("SET LOCAL lock_timeout = '30s'")  # autovacuum may be at it, and gives way
        query("ANALYZE")


def assert_bounded(count: RowCount, bound: int = BOUND) -> None:
    assert count.statements
    assert count.largest() <= bound, count.worst()


@pytest.mark.usefixtures("statistics")
class TestClaimPath:
    def test_claim(self, endpoints):
        with transaction.atomic(), counted_rows() as count:
            claims = claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        assert len(claims) >= BATCH // 2
        assert len(count.statements) == 3
        assert_bounded(count)

    def test_claim_of_expired_leases(self, endpoints):
        query(
            "UPDATE dispatcher_delivery SET lease_owner = %s, started_at = now(), attempt_id = outbox_uuid7()",
            uuid.uuid4(),
        )
        query(
            "UPDATE dispatcher_lane l SET in_flight = "
            "(SELECT count(*) FROM dispatcher_delivery d WHERE d.endpoint_id = l.endpoint_id)"
        )
        with transaction.atomic(), counted_rows() as count:
            claims = claim_due_deliveries(limit=BATCH, lease_for=LEASE, lease_owner=uuid.uuid4())
        assert claims
        assert all(one.reclaimed for one in claims)
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


@pytest.mark.parametrize("state", [None, "pending", "sending", "succeeded", "dead_lettered", "skipped"])
@pytest.mark.parametrize("by_endpoint", [False, True])
def test_lists_of_deliveries(endpoints, state, by_endpoint):
    query("SET LOCAL lock_timeout = '30s'")
    query("ANALYZE")
    endpoint_id = endpoints[0].id if by_endpoint else None
    page = list_deliveries(owner=OWNER, limit=20, state=state, endpoint_id=endpoint_id)
    cursor = page.rows[-1].id if page.rows else None
    with counted_rows() as count:
        list_deliveries(owner=OWNER, limit=BATCH, state=state, endpoint_id=endpoint_id, starting_after=cursor)
    assert_bounded(count)

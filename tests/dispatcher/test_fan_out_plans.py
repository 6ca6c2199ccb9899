"""Fan-out reads in proportion to its batch: behind a long backlog, beside another dispatcher, and in chunks.

A batch is what one statement looks at: its limit, and as much again where it must step over pointers that another
dispatcher holds, or look for older ones of their keys; or the deliveries that it makes, where those are more.
"""

from collections.abc import Iterator

import pytest
from django.db import transaction

from dispatcher.connection import connect
from dispatcher.fan_out import fan_out_events
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.models import Delivery, Endpoint
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import OWNER, held_elsewhere, make_endpoint, query

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]

BATCH = 100
EVERY_OTHER = (
    "SELECT FROM outbox_pending WHERE event_id IN (SELECT event_id FROM outbox_pending "
    "ORDER BY event_id LIMIT 1000) AND mod(sequence - (SELECT min(sequence) FROM outbox_pending), 2) = 1 FOR UPDATE"
)
OLDEST_THOUSAND = "SELECT FROM outbox_pending ORDER BY event_id LIMIT 1000 FOR UPDATE"


@pytest.fixture(scope="module", params=[1, 50_000], ids="{} keys".format)
def backlog(request, django_db_setup, django_db_blocker) -> Iterator[int]:
    """100,000 pending pointers of one owner; gives the number of their order keys."""
    with django_db_blocker.unblock():
        make_endpoint()
        query(
            "WITH event AS (INSERT INTO outbox_event (id, owner, type, object_id, data) "
            "SELECT outbox_uuid7(), %s, 'parcel.sent', 'par_' || n %% %s, '{}' FROM generate_series(1, 100000) n "
            "RETURNING id, object_id) "
            "INSERT INTO outbox_pending (event_id, order_key) SELECT id, object_id FROM event ORDER BY id",
            OWNER, request.param,
        )  # fmt: skip
        yield request.param
        query(
            "TRUNCATE dispatcher_endpoint, dispatcher_lane, dispatcher_delivery, outbox_event, outbox_pending"
        )


@pytest.fixture(params=["fresh statistics", "statistics as they are"], autouse=True)
def statistics(request, db, backlog) -> None:
    connect()
    if request.param == "fresh statistics":
        query("SET LOCAL lock_timeout = '30s'")  # autovacuum may be at it, and gives way
        query("ANALYZE")


def rows_of_a_fan_out(limit: int = BATCH) -> tuple[int, int, str]:
    """Events done, rows read at most by a statement, and how."""
    touches = LaneTouches()
    with transaction.atomic(), counted_rows() as count:
        step = fan_out_events(limit=limit, touches=touches)
        touch_lanes(touches)
    return step.events, count.largest(), count.worst()


def test_the_oldest_of_a_long_backlog(backlog):
    events, rows, worst = rows_of_a_fan_out()
    assert events == BATCH
    assert rows <= 4 * BATCH + 50, worst


@pytest.mark.parametrize("locks", [EVERY_OTHER, OLDEST_THOUSAND], ids=["every other", "the oldest thousand"])
@pytest.mark.parametrize("ordered", [False, True], ids=["in no order", "ordered"])
def test_beside_pointers_that_another_dispatcher_holds(backlog, ordered, locks):
    Endpoint.objects.update(ordered=ordered)
    with held_elsewhere(locks):
        events, rows, worst = rows_of_a_fan_out()
    if locks is OLDEST_THOUSAND:
        assert events == 0
    elif ordered and backlog == 1:
        assert events == 1
    else:
        assert events == BATCH
    assert rows <= 4 * 2 * BATCH + 50, worst


def test_of_an_ordered_endpoint(backlog):
    Endpoint.objects.update(ordered=True)
    events, rows, worst = rows_of_a_fan_out()
    assert events == BATCH
    assert rows <= 4 * 2 * BATCH + 50, worst
    assert Delivery.objects.exclude(order_key=None).count() == BATCH


@pytest.mark.parametrize("endpoints", [50, 3_000])
def test_of_many_endpoints(backlog, endpoints):
    for number in range(endpoints):
        make_endpoint(ordered=number == 7, enabled_events=["*"] if number % 2 else ["parcel.lost"])
    touches = LaneTouches()
    with transaction.atomic(), counted_rows() as count:
        step = fan_out_events(limit=BATCH, touches=touches, rows=1_000)
        touch_lanes(touches)
    assert step.more
    assert 0 < Delivery.objects.count() <= 1_000
    assert count.largest() <= 4 * 1_000 + 50, count.worst()

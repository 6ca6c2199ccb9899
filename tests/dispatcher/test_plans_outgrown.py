"""Plans that a dispatcher's session made when there was one endpoint still read in proportion to the batch later.

Nothing plans them anew before the tables are analysed again: a dispatcher may run for long on what it made first.
"""

import pytest
from django.db import transaction

from dispatcher.connection import connect
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.models import Delivery, Lane
from dispatcher.recording import release_leases
from tests.dispatcher.plans import RowCount, counted_rows, forget_plans
from tests.dispatcher.scenes import (
    REFUSED,
    SUCCESS,
    begin,
    claim,
    fan_out,
    finish,
    hints_of,
    make_endpoint,
    query,
    record,
)

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]

ENDPOINTS = 500
BOUND = 6 * ENDPOINTS + 50


@pytest.fixture(params=[0, ENDPOINTS], ids="after {} deleted".format, autouse=True)
def plans_of_one_endpoint(request, db) -> None:
    """A session whose every plan was made, and used, when there was one endpoint, in tables that may have held more."""
    connect()
    forget_plans()
    for _ in range(request.param):
        make_endpoint()
    query("DELETE FROM dispatcher_lane")
    query("DELETE FROM dispatcher_endpoint")
    make_endpoint()
    record()
    query("ANALYZE")
    whole_cycle()
    query("DELETE FROM dispatcher_delivery")
    for _ in range(ENDPOINTS - 1):
        make_endpoint()
    assert Lane.objects.count() == ENDPOINTS


def whole_cycle() -> RowCount:
    """Fan-out, claims, and all that may come of a claim, with the rows that each statement read."""
    with counted_rows() as count:
        fan_out()
        finish(claim(1000, lanes=1000), REFUSED)
    make_due()
    with counted_rows() as more:
        touches = LaneTouches()
        with transaction.atomic():
            release_leases(claim(1000, lanes=1000), touches=touches)
            touch_lanes(touches)
    make_due()
    with counted_rows() as last:
        claims = claim(1000, lanes=1000, begun=False)
        finish(begin(hints_of(claims)), SUCCESS)
    count.statements += more.statements + last.statements
    return count


def make_due() -> None:
    query("UPDATE dispatcher_delivery SET due_at = now()")
    query("UPDATE dispatcher_lane SET ready_at = now()")


def test_a_cycle_over_many_endpoints():
    record()
    count = whole_cycle()
    assert count.largest() <= BOUND, count.worst()
    assert not Delivery.objects.exists()

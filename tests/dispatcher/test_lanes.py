"""The pass over lanes: its two statements do the same where nothing failed, and write no index where nothing wakes."""

import itertools
import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from dispatcher.deliveries import database_now
from dispatcher.lanes import LaneTouch, LaneTouches, touch_lanes
from dispatcher.models import Endpoint
from dispatcher.outcomes import Outcome
from tests.dispatcher.scenes import REFUSED, SUCCESS, make_endpoint, query
from tests.processes import until

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]

NEW = (
    "ready_at = DEFAULT, hold_until = DEFAULT, in_flight = 0, rate_limit = NULL, burst = NULL, tokens = 0, "
    "tokens_at = '-infinity', failure_streak = 0, circuit_openings = 0, circuit_until = '-infinity', "
    "failing_since = NULL, warned_percent = 0"
)
# What a lane of four places may be in when it is touched.
STATES = [
    ", ".join(parts)
    for parts in itertools.product(
        ["in_flight = 3", "in_flight = 4"],
        ["hold_until = '-infinity'", "hold_until = now() + interval '1 hour'"],
        [
            "circuit_openings = 0",
            "circuit_openings = 2, failure_streak = 11, circuit_until = now() + interval '2 hours'",
            "circuit_openings = 2, failure_streak = 11, circuit_until = now() - interval '2 hours'",
        ],
        ["burst = NULL", "rate_limit = 1, burst = 1, tokens = -10799, tokens_at = now()"],
        ["ready_at = 'infinity'", "ready_at = now() - interval '9 hours'"],
        ["failing_since = NULL", "failing_since = now() - interval '3 days', warned_percent = 50"],
    )
]


def draw_touch(draw: random.Random) -> LaneTouch:
    """Any touch without a failure."""
    touch = LaneTouch(unleased=draw.choice([0, 0, 1, 2]))
    for hours in draw.sample([-8, 4], draw.randint(0, 2)):
        touch.wake(database_now() + timedelta(hours=hours), ignore_hold=draw.random() < 0.3)
    if draw.random() < 0.3:
        touch.hold(timedelta(hours=draw.choice([3, 5])))
    if draw.random() < 0.5:
        touch.judge(SUCCESS, began=0.0)
    return touch


def hours(endpoint: Endpoint) -> tuple[Any, ...]:
    """The lane, its moments in hours from now."""
    moments = ["ready_at", "hold_until", "circuit_until", "tokens_at", "failing_since"]
    shown = [
        f"CASE WHEN isfinite({name}) THEN round(extract(epoch FROM {name} - now()) / 3600)::text ELSE {name}::text END"
        for name in moments
    ]
    (row,) = query(
        f"SELECT in_flight, tokens, failure_streak, circuit_openings, warned_percent, {', '.join(shown)} "
        "FROM dispatcher_lane WHERE endpoint_id = %s",
        endpoint.id,
    )
    return row


def failure(touches: LaneTouches, endpoint: Endpoint, outcome: Outcome = REFUSED) -> None:
    touches[endpoint.id].judge(outcome, began=database_now().timestamp())


def test_both_statements_do_the_same_to_a_lane_where_nothing_failed():
    endpoint, failing = make_endpoint(max_in_flight=4), make_endpoint()
    draw = random.Random(7)
    seen = set()
    for state in STATES:
        for _ in range(4):
            touch = draw_touch(draw)
            results = []
            for with_failure in (False, True):
                query(f"UPDATE dispatcher_lane SET {NEW}")
                query(f"UPDATE dispatcher_lane SET {state} WHERE endpoint_id = %s", endpoint.id)
                touches = LaneTouches({endpoint.id: touch})
                if with_failure:
                    failure(touches, failing)
                touch_lanes(touches)
                results.append(hours(endpoint))
            assert results[0] == results[1], (state, touch)
            seen.add(results[0])
    assert len(seen) > 50


def written() -> tuple[int, int]:
    """Updates of lanes so far, and those that wrote no index, as the statistics have them."""
    with connection.cursor() as cursor:
        # A session reports from time to time, unless it is told to; and reads what it read before.
        if connection.connection.server_version >= 150_000:
            cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'dispatcher_lane'"
        )
        ((updates, in_place),) = cursor.fetchall()
    return updates, in_place


def update_lane(endpoint: Endpoint, what: str, number: int) -> None:
    """One committed update of the lane."""
    touches = LaneTouches()
    match what:
        case "failures":
            failure(touches, endpoint)
        case "successes":
            failure(touches, endpoint, SUCCESS)
        case "wakes":
            touches[endpoint.id].wake(database_now() - timedelta(hours=number))
        case "tokens":
            query("UPDATE dispatcher_lane SET tokens = tokens - 1, tokens_at = clock_timestamp()")
    with transaction.atomic():
        touch_lanes(touches)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["failures", "successes", "tokens", "wakes"])
def test_counters_of_lanes_are_updated_in_place(what, settings):
    """HOT, unless `ready_at` moves: that is the one indexed column, and "wakes" shows that the measure can tell.

    No more updates than a page has room for: old versions are pruned only while no transaction of the whole server
    is old, and tests of other workers are.
    """
    settings.DISPATCHER = {**settings.DISPATCHER, "CIRCUIT_THRESHOLD": 10_000}
    endpoint = make_endpoint()
    query("UPDATE dispatcher_lane SET ready_at = 'infinity'")
    before = written()
    for number in range(30):
        update_lane(endpoint, what, number)
    until(lambda: written()[0] - before[0] >= 30, what="the statistics of the updates")
    after = written()
    hot = (after[1] - before[1]) / (after[0] - before[0])
    assert hot < 0.1 if what == "wakes" else hot >= 0.9

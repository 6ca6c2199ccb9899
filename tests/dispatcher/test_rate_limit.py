"""Rate limits: a bucket of tokens, of which every claimed delivery takes one.

Time passes by moving `tokens_at` in the table: at one token in 100 s the test's own seconds are no token.
"""

import math
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.deliveries import resend_delivery
from dispatcher.endpoints import create_endpoint, update_endpoint
from dispatcher.errors import InvalidEndpoint
from dispatcher.limits import Limits
from dispatcher.models import Delivery, Endpoint, Lane
from tests.dispatcher.scenes import (
    OWNER,
    REFUSED,
    SUCCESS,
    assert_lanes_count_their_leases,
    assert_no_lane_sleeps_past_its_work,
    claim,
    end_pause,
    expire_leases,
    fan_out,
    finish,
    lane_row,
    make_endpoint,
    query,
    record,
    widths,
)

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]

RATE = 0.01


def limited(*, burst: int = 5, due: int = 20, **more: Any) -> Endpoint:
    """An endpoint with a full bucket, and more due deliveries than that."""
    endpoint = make_endpoint(**more)
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"rate_limit": RATE, "burst": burst})
    record(due)
    fan_out()
    return endpoint


def seconds_pass(seconds: float) -> None:
    query("UPDATE dispatcher_lane SET tokens_at = tokens_at - %s", timedelta(seconds=seconds))
    query("UPDATE dispatcher_lane SET ready_at = clock_timestamp()")


def claimed() -> int:
    """How many a claim takes. They are delivered, and a second claim puts the lane to sleep."""
    claims = claim()
    finish(claims)
    query("UPDATE dispatcher_lane SET ready_at = clock_timestamp()")
    assert claim() == []
    return len(claims)


def test_a_burst_goes_at_once_and_then_as_many_as_the_rate_gives():
    endpoint = limited()
    assert claimed() == 5
    assert claimed() == 0
    assert 0 <= lane_row(endpoint).tokens < 0.5
    for seconds, tokens in ((50, 0), (100, 1), (200, 2), (400, 4), (30, 0), (40, 1)):
        seconds_pass(seconds)
        assert claimed() == tokens
    assert_no_lane_sleeps_past_its_work()


def test_a_bucket_holds_no_more_than_its_burst():
    limited(burst=3)
    seconds_pass(10_000)
    assert claimed() == 3


def test_without_a_rate_nothing_is_counted():
    endpoint = make_endpoint()
    record(5)
    fan_out()
    assert claimed() == 5
    lane = lane_row(endpoint)
    assert (lane.rate_limit, lane.tokens, lane.tokens_at) == (None, 0, None)


def test_a_lane_without_a_token_sleeps_until_the_next_one():
    endpoint = limited()
    claimed()
    lane = lane_row(endpoint)
    next_token_at = lane.tokens_at + timedelta(seconds=(1 - lane.tokens) / RATE)
    assert abs(lane.ready_at - next_token_at) < timedelta(microseconds=3)
    assert lane.ready_at > next_token_at
    assert_no_lane_sleeps_past_its_work()


def test_a_claim_that_takes_nothing_leaves_the_bucket_as_it_was():
    endpoint = limited()
    claimed()
    before = lane_row(endpoint)
    query("UPDATE dispatcher_lane SET ready_at = now()")
    assert claim() == []
    after = lane_row(endpoint)
    assert (after.tokens, after.tokens_at) == (before.tokens, before.tokens_at)


def test_a_rate_limited_lane_is_woken_for_its_next_token():
    """Not earlier, although new work came, and not later, although the lane slept for ever."""
    endpoint = limited(due=5)
    assert claimed() == 5
    slept = lane_row(endpoint)
    assert slept.ready_at is None
    record(1)
    fan_out()
    lane = lane_row(endpoint)
    expected = lane.tokens_at + timedelta(seconds=(1 - lane.tokens) / RATE)
    assert timedelta(0) < lane.ready_at - expected < timedelta(microseconds=3)
    assert claim() == []
    seconds_pass(100)
    assert claimed() == 1


def test_new_work_is_due_at_once_while_there_are_tokens():
    limited(due=4)
    assert claimed() == 4
    record(1)
    fan_out()
    assert claimed() == 1


def test_a_resend_by_hand_waits_for_no_token_but_takes_one():
    endpoint = limited()
    assert claimed() == 5
    for delivery in Delivery.objects.all()[:3]:
        resend_delivery(owner=OWNER, delivery_id=delivery.id)
    claims = claim()
    assert [one.by_hand for one in claims] == [True] * 3
    assert math.floor(lane_row(endpoint).tokens) == -3
    seconds_pass(350)
    assert claim() == []
    seconds_pass(100)
    assert len(claim()) == 1
    assert_no_lane_sleeps_past_its_work()


def test_a_claim_of_a_lost_lease_waits_for_no_token_but_takes_one():
    endpoint = limited()
    assert len(claim()) == 5
    expire_leases()
    again = claim()
    assert [one.reclaimed for one in again] == [True] * 5
    assert math.floor(lane_row(endpoint).tokens) == -5
    assert_lanes_count_their_leases()


def test_the_cap_and_the_rate_hold_together():
    limited(burst=8, max_in_flight=6)
    first = claim()
    assert len(first) == 6
    assert claim() == []
    finish(first)
    assert_no_lane_sleeps_past_its_work()
    assert len(claim()) == 2


def test_a_probe_takes_a_token_too():
    endpoint = limited(burst=10)
    finish(claim(), REFUSED)
    assert lane_row(endpoint).circuit_openings == 1
    end_pause()
    assert claim() == []
    assert_no_lane_sleeps_past_its_work()
    seconds_pass(150)
    assert len(claim()) == 1


def test_a_rate_limited_endpoint_takes_nothing_from_others():
    limited(due=50)
    claimed()
    query("UPDATE dispatcher_lane SET ready_at = now()")
    other = make_endpoint(owner="acct_other")
    record(20, owner="acct_other")
    fan_out()
    assert {one.endpoint.id for one in claim(40)} == {other.id}


def change(endpoint: Endpoint, **changes: object) -> tuple[float | None, int | None, float]:
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes=changes)
    lane = lane_row(endpoint)
    return lane.rate_limit, lane.burst, round(lane.tokens, 3)


def test_a_rate_begins_with_a_full_bucket_and_can_be_removed():
    endpoint = limited()
    assert claimed() == 5
    assert change(endpoint, rate_limit=RATE) == (RATE, 5, 0)
    assert change(endpoint, rate_limit=0.02) == (0.02, 5, 5)
    assert claimed() == 5
    assert change(endpoint, burst=2) == (0.02, 2, 0)
    assert change(endpoint, rate_limit=None) == (None, None, 0)
    assert claimed() == 10


def test_the_burst_is_a_seconds_worth_unless_given():
    endpoint = make_endpoint()
    assert change(endpoint, rate_limit=2.5) == (2.5, 3, 3)
    assert change(endpoint, rate_limit=0.5) == (0.5, 1, 1)
    assert change(endpoint, rate_limit=40) == (40, 40, 40)
    assert change(endpoint, burst=7) == (40, 7, 40)
    assert change(endpoint, rate_limit=20) == (20, 7, 7)
    assert change(endpoint, burst=None) == (20, 20, 7)


def test_a_new_endpoint_has_the_limits_it_is_given():
    endpoint, _ = create_endpoint(
        owner=OWNER,
        url="https://93.184.215.14/hook",
        enabled_events=["*"],
        api_version="v1",
        max_in_flight=9,
        quantum=4,
        rate_limit=1.5,
    )
    lane = lane_row(endpoint)
    assert (lane.max_in_flight, lane.quantum, lane.rate_limit, lane.burst, lane.tokens) == (9, 4, 1.5, 2, 2)
    shown = endpoint.lane
    assert (shown.max_in_flight, shown.quantum, shown.rate_limit, shown.burst) == (9, 4, 1.5, 2)


def test_a_quantum_follows_the_cap_unless_it_was_given():
    held = Limits(max_in_flight=64, quantum=64)
    assert held.changed({"max_in_flight": 5}).quantum == 5
    assert held.changed({"quantum": 7}).changed({"max_in_flight": 5}).quantum == 7
    assert held.changed({"quantum": 7}).changed({"quantum": None}).quantum == 64


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rate_limit": 0}, "rate_limit: must be between 0.001 and 10000 deliveries a second, or null for no limit"),
        ({"rate_limit": -1.0}, "rate_limit: must be between 0.001 and 10000 deliveries a second"),
        ({"rate_limit": 1e9}, "rate_limit: must be between"),
        ({"rate_limit": math.nan}, "rate_limit: must be between"),
        ({"rate_limit": "fast"}, "rate_limit: must be between"),
        ({"rate_limit": True}, "rate_limit: must be between"),
        ({"rate_limit": 1, "burst": 0}, "burst: must be between 1 and 10000, not 0"),
        ({"burst": 5}, "burst: needs a rate_limit; set both, or neither"),
        ({"quantum": -1}, "quantum: must be between 1 and 10000, not -1"),
        ({"quantum": 0}, "quantum: must be between 1 and 10000, not 0"),
        ({"quantum": 2.5}, "quantum: must be between 1 and 10000, not 2.5"),
        ({"max_in_flight": 0}, "max_in_flight: must be between 1 and 10000, not 0"),
        ({"max_in_flight": None}, "max_in_flight: must be between 1 and 10000, not None"),
    ],
)  # fmt: skip
def test_a_limit_out_of_range_is_refused_and_changes_nothing(changes, sentence):
    endpoint = make_endpoint()
    before = Lane.objects.values_list("max_in_flight", "quantum", "rate_limit", "burst").get()
    with pytest.raises(InvalidEndpoint) as caught:
        update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={**changes, "description": "changed"})
    assert str(caught.value).startswith(sentence)
    assert caught.value.field in changes
    assert Lane.objects.values_list("max_in_flight", "quantum", "rate_limit", "burst").get() == before
    assert Endpoint.objects.get().description is None


def test_lowering_the_cap_under_load_drains_and_then_goes_on():
    endpoint = make_endpoint(max_in_flight=10)
    record(30)
    fan_out()
    under_way = claim()
    assert len(under_way) == 10
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"max_in_flight": 3})
    for still in range(9, 2, -1):
        assert claim() == []
        finish([under_way.pop()], SUCCESS)
        assert lane_row(endpoint).in_flight == still
        assert_no_lane_sleeps_past_its_work()
    query("UPDATE dispatcher_lane SET ready_at = 'infinity'")
    assert claim() == []
    finish([under_way.pop()], SUCCESS)
    assert_no_lane_sleeps_past_its_work()
    assert len(claim()) == 1
    assert lane_row(endpoint).in_flight == 3
    widths(endpoint, 5)
    query("UPDATE dispatcher_lane SET ready_at = now()")
    assert len(claim()) == 2
    assert_lanes_count_their_leases()

"""Fairness: what each endpoint gets of the claims, counted by steps, whatever the others do."""

from collections import Counter
from uuid import UUID

import pytest

from dispatcher.models import Endpoint
from tests.dispatcher.scenes import (
    REFUSED,
    SUCCESS,
    assert_lanes_count_their_leases,
    assert_no_lane_sleeps_past_its_work,
    claim,
    fan_out,
    finish,
    finish_each,
    make_endpoint,
    query,
    record,
)

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]


def endpoint_with(backlog: int, *, quantum: int = 64, max_in_flight: int = 64) -> Endpoint:
    owner = f"acct_{Endpoint.objects.count()}"
    endpoint = make_endpoint(owner=owner, quantum=quantum, max_in_flight=max_in_flight)
    record(backlog, owner=owner)
    fan_out()
    return endpoint


def served(limit: int, *, lanes: int = 64, finished: bool = True) -> Counter[UUID]:
    claims = claim(limit, lanes=lanes)
    if finished:
        finish(claims)
    return Counter(one.endpoint.id for one in claims)


def test_a_large_backlog_gets_no_more_of_a_claim_than_a_small_one():
    large, small = endpoint_with(500), endpoint_with(40)
    for _ in range(4):
        assert served(20) == {large.id: 10, small.id: 10}
    assert served(20) == {large.id: 20}


def test_a_claim_takes_a_quantum_of_each_lane():
    endpoints = [endpoint_with(30, quantum=quantum) for quantum in (1, 3, 7)]
    for round_no in range(1, 5):
        assert served(1000) == {endpoint.id: endpoint_quantum for endpoint, endpoint_quantum in zip(
            endpoints, (1, 3, 7), strict=True
        )}, round_no  # fmt: skip


def test_lanes_beyond_one_claim_are_served_in_turn_and_equally():
    """Seven lanes, three a claim: after 7 claims each was served 3 times."""
    endpoints = [endpoint_with(50, quantum=2) for _ in range(7)]
    total: Counter[UUID] = Counter()
    for _ in range(7):
        total += served(6, lanes=3)
    assert total == {endpoint.id: 6 for endpoint in endpoints}


def test_an_endpoint_that_never_answers_takes_its_cap_once_and_nothing_more():
    hanging = endpoint_with(200, max_in_flight=5)
    healthy = [endpoint_with(60) for _ in range(3)]
    stuck = claim(5, lanes=1)
    assert {one.endpoint.id for one in stuck} == {hanging.id}
    for _ in range(5):
        assert served(36) == {endpoint.id: 12 for endpoint in healthy}
    assert served(36) == Counter()
    finish(stuck[:2])
    assert served(36) == {hanging.id: 2}
    assert_lanes_count_their_leases()
    assert_no_lane_sleeps_past_its_work()


def test_endpoints_that_are_capped_held_or_open_cost_the_others_no_place():
    capped = endpoint_with(50, max_in_flight=1)
    held, opened, limited = (endpoint_with(50) for _ in range(3))
    healthy = [endpoint_with(40) for _ in range(2)]
    query("UPDATE dispatcher_lane SET hold_until = now() + interval '1 hour' WHERE endpoint_id = %s", held.id)
    query(
        "UPDATE dispatcher_lane SET circuit_openings = 1, circuit_until = now() + interval '1 hour' "
        "WHERE endpoint_id = %s",
        opened.id,
    )
    query(
        "UPDATE dispatcher_lane SET rate_limit = 0.001, burst = 1, tokens = 0, tokens_at = now() "
        "WHERE endpoint_id = %s",
        limited.id,
    )
    first = served(60, finished=False)
    assert first == {capped.id: 1} | {endpoint.id: 10 for endpoint in healthy}
    for _ in range(3):
        assert served(20) == {endpoint.id: 10 for endpoint in healthy}
    assert_no_lane_sleeps_past_its_work()


def test_an_endpoint_that_fails_does_not_slow_the_others_down():
    failing, healthy = endpoint_with(100), endpoint_with(100)
    attempts: Counter[UUID] = Counter()
    for _ in range(20):
        claims = claim(10)
        attempts.update(one.endpoint.id for one in claims)
        finish_each([(one, REFUSED if one.endpoint.id == failing.id else SUCCESS) for one in claims])
    assert attempts == {failing.id: 10, healthy.id: 100}


def assert_asleep(endpoint: Endpoint, sql: str, *parameters: object) -> None:
    """Nothing is claimed, and the lane wakes at exactly the moment that `sql` gives."""
    query("UPDATE dispatcher_lane SET ready_at = now()")
    assert claim() == []
    wakes = query(f"SELECT ready_at = {sql} FROM dispatcher_lane WHERE endpoint_id = %s", endpoint.id)
    assert wakes == [(True,)]


def test_a_held_lane_wakes_at_the_end_of_its_hold():
    endpoint = endpoint_with(3)
    query("UPDATE dispatcher_lane SET hold_until = now() + interval '1 hour'")
    assert_asleep(endpoint, "hold_until")
    query("UPDATE dispatcher_lane SET ready_at = 'infinity'")
    record(1, owner=endpoint.owner)
    fan_out()
    assert query("SELECT ready_at = hold_until FROM dispatcher_lane") == [(True,)]
    query("UPDATE dispatcher_lane SET ready_at = now(), hold_until = now()")
    assert served(10) == {endpoint.id: 4}


def test_a_capped_lane_wakes_when_it_leaves_its_cap_and_not_before():
    endpoint = endpoint_with(5, max_in_flight=2)
    under_way = claim()
    record(1, owner=endpoint.owner)
    fan_out()
    query("UPDATE dispatcher_lane SET ready_at = now()")
    assert claim() == []
    ends = "(SELECT min(due_at) FROM dispatcher_delivery WHERE lease_owner IS NOT NULL)"
    assert query(f"SELECT ready_at = {ends} FROM dispatcher_lane") == [(True,)]
    finish(under_way[:1])
    assert_no_lane_sleeps_past_its_work()
    assert served(10) == {endpoint.id: 1}


@pytest.mark.parametrize("later", ["hold_until", "circuit_until", "token"])
def test_the_latest_of_hold_pause_and_token_wakes_the_lane(later):
    endpoint = endpoint_with(3)
    hours = {"hold_until": 1, "circuit_until": 2, "token": 3, later: 4}
    query(
        "UPDATE dispatcher_lane SET hold_until = now() + %s * interval '1 hour', circuit_openings = 1, "
        "circuit_until = now() + %s * interval '1 hour', rate_limit = 1, burst = 1, tokens = 1 - 3600 * %s, "
        "tokens_at = now()",
        hours["hold_until"], hours["circuit_until"], hours["token"],
    )  # fmt: skip
    assert_asleep(endpoint, "now() + interval '4 hours'" + " + interval '1 us'" * (later == "token"))
    query("UPDATE dispatcher_lane SET ready_at = 'infinity'")
    record(1, owner=endpoint.owner)
    fan_out()
    assert_asleep(endpoint, "now() + interval '4 hours'" + " + interval '1 us'" * (later == "token"))

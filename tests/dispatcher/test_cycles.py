"""A cycle is one transaction; when it fails, one bad row holds back nothing else."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from dispatcher.attempts import Attempted
from dispatcher.claims import Claim
from dispatcher.cycles import CycleRunner
from dispatcher.delivery import DeliveryPlan, Sending
from dispatcher.models import Attempt, Delivery, FinishedDelivery, Lane
from dispatcher.outcomes import Outcome
from dispatcher.rendering import render_event
from dispatcher.retry import RetryPolicy
from outbox.models import Event, PendingEvent
from tests.dispatcher.scenes import (
    LEASE,
    REFUSED,
    SUCCESS,
    assert_lanes_count_their_leases,
    claim,
    expire_leases,
    fan_out,
    held_elsewhere,
    lane_of,
    make_endpoint,
    query,
    record,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres_versions]

PLAN = DeliveryPlan(renderer=render_event, retry_policy=RetryPolicy(), user_agent="test")


class Log:
    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    def poisoned(self, part: str, error: Exception, subject: str) -> None:
        self.entries.append((part, subject))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def runner(log: Log) -> CycleRunner:
    return CycleRunner(lease_owner=uuid.uuid4(), lease=LEASE, log=log)


def attempted(claims: list[Claim], outcome: Outcome = SUCCESS) -> list[Attempted]:
    return [PLAN.conclude(Sending(one, one.lease.now_epoch()), outcome) for one in claims]


@pytest.mark.parametrize("outcome", [SUCCESS, REFUSED], ids=["succeeded", "failed"])
def test_a_cycle_takes_a_constant_number_of_statements(runner, outcome, settings):
    settings.DISPATCHER = {**settings.DISPATCHER, "CIRCUIT_THRESHOLD": 1000}
    for _ in range(3):
        make_endpoint()
    record(40)
    first = runner.run(attempted=(), unsent=(), room=60)
    counts = []
    for size in (5, 50):
        statements: list[str] = []

        def count(execute, sql, params, many, context, into=statements):
            into.append(sql)
            return execute(sql, params, many, context)

        record(size)
        with connection.execute_wrapper(count):
            runner.run(attempted=attempted(first.claims[:size], outcome), unsent=(), room=size)
        first.claims = first.claims[size:]
        counts.append(len(statements))
    assert counts == [6, 6]


def test_a_cycle_tells_which_endpoints_have_failed_for_too_long(runner):
    failing, healthy = make_endpoint(), make_endpoint()
    record(2)
    fan_out()
    query("UPDATE dispatcher_lane SET failing_since = now() - interval '3 days'")
    claims = claim()
    results = [
        one
        for claimed in claims
        for one in attempted([claimed], REFUSED if claimed.endpoint.id == failing.id else SUCCESS)
    ]
    assert runner.run(attempted=results, unsent=(), room=0).failing == {failing.id}
    assert Lane.objects.get(endpoint=healthy).failing_since is None


def test_an_unwritable_result_is_left_alone_and_the_rest_is_recorded(runner, log):
    make_endpoint()
    record(9)
    fan_out()
    results = attempted(claim())
    poison = results[4]
    query(
        "CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'poison'; END $$"
    )
    query(
        "CREATE TRIGGER poison BEFORE INSERT ON dispatcher_attempt FOR EACH ROW "
        f"WHEN (NEW.id = '{poison.claim.attempt_id}') EXECUTE FUNCTION refuse_poison()"
    )
    try:
        cycle = runner.run(attempted=results, unsent=(), room=0)
    finally:
        query("DROP TRIGGER poison ON dispatcher_attempt")
        query("DROP FUNCTION refuse_poison")
    assert len(cycle.recorded) == 8
    assert log.entries == [("record", str(poison.claim.delivery_id))]
    assert FinishedDelivery.objects.count() == 8
    assert Delivery.objects.get().lease_owner is not None
    assert_lanes_count_their_leases()


@contextmanager
def poisoned(events: list[Event]) -> Iterator[None]:
    """Within, no delivery of these events can be made."""
    query(
        "CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'poison'; END $$"
    )
    ids = ", ".join(f"'{event.id}'" for event in events)
    query(
        "CREATE TRIGGER poison BEFORE INSERT ON dispatcher_delivery FOR EACH ROW "
        f"WHEN (NEW.event_id IN ({ids})) EXECUTE FUNCTION refuse_poison()"
    )
    try:
        yield
    finally:
        query("DROP TRIGGER poison ON dispatcher_delivery")
        query("DROP FUNCTION refuse_poison")


def pending() -> set[uuid.UUID]:
    return set(PendingEvent.objects.values_list("event_id", flat=True))


def test_a_pointer_that_cannot_be_fanned_out_is_stepped_over(runner, log):
    make_endpoint()
    events = record(9)
    with poisoned([events[3]]):
        cycle = runner.run(attempted=(), unsent=(), room=100)
    assert cycle.fanned_out == 8
    assert len(cycle.claims) == 8
    assert log.entries == [("fan_out", str(events[3].id))]
    assert pending() == {events[3].id}


def test_however_many_pointers_fail_they_hold_back_no_others(runner):
    make_endpoint()
    poison, healthy = record(40), record(5)
    with poisoned(poison):
        cycles = [runner.run(attempted=(), unsent=(), room=0) for _ in range(3)]
        assert pending() == {event.id for event in poison}
        # The first two did not come to the end, so the next need not wait.
        assert [cycle.more_to_fan_out for cycle in cycles] == [True, True, False]
        assert sum(cycle.fanned_out for cycle in cycles) == len(healthy)
    assert runner.run(attempted=(), unsent=(), room=0).fanned_out == len(poison)
    assert not pending()


def test_steps_grow_again_behind_a_pointer_that_fails(runner):
    make_endpoint()
    events = record(256)
    steps: list[str] = []

    def count(execute, sql, params, many, context):
        if "fan_out_events" in sql:
            steps.append(sql)
        return execute(sql, params, many, context)

    with poisoned([events[10]]), connection.execute_wrapper(count):
        assert runner.run(attempted=(), unsent=(), room=0).fanned_out == 255
    # One in one transaction, eight that halve the step down to one pointer, some more, and eight that double it.
    assert len(steps) <= 30


def test_unsent_leases_go_back_without_an_attempt(runner):
    make_endpoint()
    record(3)
    fan_out()
    unsent = claim()
    runner.run(attempted=(), unsent=unsent, room=0)
    assert not Attempt.objects.exists()
    assert {(row.attempts, row.lease_owner) for row in Delivery.objects.all()} == {(0, None)}
    assert_lanes_count_their_leases()
    assert {one.attempt_number for one in claim()} == {1}


@pytest.mark.parametrize("outcome", [SUCCESS, REFUSED], ids=["succeeded", "failed"])
def test_a_cycle_whose_commit_was_not_answered_can_be_run_again(runner, outcome):
    """The answer to COMMIT was lost with the connection: what was recorded is recorded once."""
    make_endpoint()
    record(3)
    fan_out()
    results = attempted(claim(2), outcome)
    under_way = claim(1)
    first = runner.run(attempted=results, unsent=(), room=0)
    again = runner.run(attempted=results, unsent=(), room=0)
    assert [one.superseded for one in first.recorded] == [False, False]
    assert [one.superseded for one in again.recorded] == [True, True]
    assert not Attempt.objects.filter(superseded=True).exists()
    assert_lanes_count_their_leases()
    runner.run(attempted=attempted(under_way), unsent=(), room=0)
    assert_lanes_count_their_leases()


def test_leases_given_back_twice_are_given_back_once(runner):
    make_endpoint()
    record(2)
    fan_out()
    unsent = claim(1)
    claim(1)
    runner.run(attempted=(), unsent=unsent, room=0)
    runner.run(attempted=(), unsent=unsent, room=0)
    assert Delivery.objects.get(id=unsent[0].delivery_id).attempts == 0
    assert_lanes_count_their_leases()


def test_a_stale_and_a_standing_claim_of_one_delivery_in_one_batch(runner):
    make_endpoint()
    record(1)
    fan_out()
    stale = claim()
    expire_leases()
    standing = claim()
    cycle = runner.run(attempted=attempted([*stale, *standing]), unsent=(), room=0)
    assert [one.superseded for one in cycle.recorded] == [True, False]
    assert dict(Attempt.objects.values_list("number", "superseded")) == {1: True, 2: False}
    assert_lanes_count_their_leases()


def test_a_lane_that_cannot_be_claimed_is_put_off_and_the_others_are_served(runner, log):
    broken, healthy = make_endpoint(), make_endpoint()
    record(1)
    fan_out()
    query("UPDATE dispatcher_delivery SET claim_no = 2147483647 WHERE endpoint_id = %s", broken.id)
    claims = [one for _ in range(3) for one in runner.run(attempted=(), unsent=(), room=10).claims]
    assert [one.endpoint.id for one in claims] == [healthy.id]
    assert log.entries == [("claim", f"deliveries of {broken.id}")]
    assert lane_of(broken) == (0, False)


def test_results_that_meet_a_lock_are_kept_for_the_next_cycle(runner, log):
    locked, free = make_endpoint(), make_endpoint()
    record(2)
    fan_out()
    results = attempted(claim())
    query("SET lock_timeout = '50ms'")
    lane = "SELECT FROM dispatcher_lane WHERE endpoint_id = %s FOR UPDATE"
    try:
        with held_elsewhere(lane, locked.id):
            cycle = runner.run(attempted=results, unsent=(), room=0)
    finally:
        query("RESET lock_timeout")
    assert {one.attempted.claim.endpoint.id for one in cycle.recorded} == {free.id}
    assert {one.claim.endpoint.id for one in cycle.unrecorded} == {locked.id}
    assert [part for part, _ in log.entries] == ["record"]
    assert len(runner.run(attempted=cycle.unrecorded, unsent=(), room=0).recorded) == 2
    assert_lanes_count_their_leases()

"""The claim: who is served, how much, and what a crash leaves behind."""

import math
import uuid
from collections.abc import Sequence

import pytest
from django.db import transaction

from dispatcher.claims import Claim, Hint
from dispatcher.models import Attempt, Delivery, FinishedDelivery
from dispatcher.pause import pause_deliveries, resume_deliveries
from dispatcher.retry import DEFAULT_SCHEDULE
from outbox.database import fetch_all
from outbox.recording import record_event
from tests.dispatcher.scenes import (
    GONE,
    OWNER,
    REFUSED,
    SUCCESS,
    assert_lanes_count_their_leases,
    assert_no_lane_sleeps_past_its_work,
    begin,
    claim,
    expire_leases,
    fan_out,
    finish,
    lane_of,
    make_due,
    make_endpoint,
    query,
    record,
    scalar,
)

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]


def test_claim_leases_due_deliveries_of_ready_lanes():
    endpoint = make_endpoint()
    events = record(3)
    fan_out()
    claims = claim()
    assert {one.event_id for one in claims} == {event.id for event in events}
    assert {(one.claim_no, one.attempt_number, one.reclaimed) for one in claims} == {(1, 1, False)}
    assert {one.endpoint.id for one in claims} == {endpoint.id}
    data = {one.event_id: one.event.data for one in claims if one.event is not None}
    assert data == {event.id: f'{{"number":{number}}}' for number, event in enumerate(events)}
    assert lane_of(endpoint) == (3, False)
    assert claim() == []


def test_a_claim_has_what_was_before_the_event():
    make_endpoint()
    with transaction.atomic():
        record_event(owner=OWNER, type="parcel.sent", object_id="par_1", data={"n": 2}, previous={"n": 1})
    record()
    fan_out()
    handed_out = claim(begun=False)
    facts = [one.event for one in handed_out if one.event is not None]
    assert sorted((one.data, one.previous) for one in facts) == [
        ('{"n":2}', '{"n":1}'),
        ('{"number":0}', None),
    ]
    begun = begin([Hint(delivery_id=one.delivery_id, claim_no=one.claim_no) for one in handed_out])
    assert sorted(map(str, [one.event for one in begun])) == sorted(map(str, facts))


def test_claim_takes_at_most_what_the_cap_leaves():
    endpoint = make_endpoint(max_in_flight=5)
    record(12)
    fan_out()
    first = claim(100)
    assert len(first) == 5
    assert claim(100) == []
    finish(first[:2])
    assert_no_lane_sleeps_past_its_work()
    assert lane_of(endpoint) == (3, True)
    assert len(claim(100)) == 2
    assert_lanes_count_their_leases()


def test_claims_never_exceed_their_limit():
    for _ in range(10):
        make_endpoint()
    record(10)
    fan_out()
    assert len(claim(7, lanes=4)) <= 7
    assert_lanes_count_their_leases()


def test_expired_lease_is_claimed_again_and_its_attempt_is_unknown():
    endpoint = make_endpoint()
    record(1)
    fan_out()
    lost = claim()[0]
    expire_leases()
    again = claim()[0]
    assert again.reclaimed
    assert (again.claim_no, again.attempt_number) == (2, 2)
    attempt = Attempt.objects.get()
    assert (attempt.id, attempt.outcome, attempt.number) == (lost.attempt_id, "unknown", 1)
    assert lane_of(endpoint)[0] == 1
    finish([again])
    assert_lanes_count_their_leases()
    assert Attempt.objects.filter(outcome="succeeded").count() == 1


def test_stale_claim_changes_no_state():
    make_endpoint()
    record(1)
    fan_out()
    stale = claim()
    expire_leases()
    current = claim()
    recorded = finish(stale, REFUSED)
    assert recorded[0].superseded
    row = Delivery.objects.get()
    assert (row.claim_no, row.lease_owner is not None) == (2, True)
    late = Attempt.objects.get(id=stale[0].attempt_id)
    assert (late.outcome, late.status, late.superseded) == ("failed", 500, True)
    finish(current)
    assert FinishedDelivery.objects.get().state == "succeeded"
    finish(current)
    assert Attempt.objects.count() == 2
    assert not Attempt.objects.get(id=current[0].attempt_id).superseded
    assert_lanes_count_their_leases()


def test_expired_leases_of_a_capped_lane_are_found():
    endpoint = make_endpoint(max_in_flight=3)
    record(10)
    fan_out()
    claim()
    query("UPDATE dispatcher_delivery SET due_at = now() WHERE lease_owner IS NOT NULL")
    query("UPDATE dispatcher_lane SET ready_at = now()")
    assert [one.reclaimed for one in claim()] == [True] * 3
    assert lane_of(endpoint)[0] == 3


def test_a_new_lane_is_served_within_the_bound():
    """I8: with R ready lanes and L lanes a claim, within ceil(R / L) claims, whatever the others' backlog."""
    busy = [make_endpoint(owner=f"acct_{number}", max_in_flight=1000, quantum=2) for number in range(11)]
    for number in range(11):
        record(60, owner=f"acct_{number}")
    fan_out()
    lanes = 3
    for _ in range(5):
        claim(6, lanes=lanes)
    new = make_endpoint(owner="acct_new")
    record(1, owner="acct_new")
    fan_out()
    bound = math.ceil((len(busy) + 1) / lanes)
    served = [endpoint_ids(claim(6, lanes=lanes)) for _ in range(bound)]
    assert any(new.id in ids for ids in served)


def test_every_lane_of_a_round_is_served_once():
    endpoints = [make_endpoint(owner=f"acct_{number}", quantum=1) for number in range(9)]
    for number in range(9):
        record(20, owner=f"acct_{number}")
    fan_out()
    for _ in range(4):
        served = [endpoint_id for _ in range(3) for endpoint_id in endpoint_ids(claim(3, lanes=3))]
        assert sorted(served) == sorted(endpoint.id for endpoint in endpoints)


def test_retry_waits_for_its_moment():
    endpoint = make_endpoint()
    record(1)
    fan_out()
    recorded = finish(claim(), REFUSED)
    assert recorded[0].next_attempt_at is not None
    assert claim() == []
    assert_no_lane_sleeps_past_its_work()
    make_due()
    again = claim()[0]
    assert (again.attempt_number, again.reclaimed) == (2, False)
    assert lane_of(endpoint)[0] == 1


def test_schedule_over_dead_letters():
    make_endpoint()
    record(1)
    fan_out()
    for number in range(1, len(DEFAULT_SCHEDULE) + 2):
        make_due()
        claims = claim()
        assert [one.attempt_number for one in claims] == [number]
        finish(claims, REFUSED)
    ended = FinishedDelivery.objects.get()
    assert (ended.state, ended.reason, ended.attempts) == ("dead_lettered", "schedule_over", 13)
    assert Delivery.objects.count() == 0
    assert Attempt.objects.count() == 13
    assert_lanes_count_their_leases()


def test_due_deliveries_of_a_disabled_endpoint_are_cancelled_and_later_ones_wait():
    endpoint = make_endpoint()
    record(2)
    fan_out()
    later, _ = claim(1) + claim(1)
    finish([later], REFUSED)
    query("UPDATE dispatcher_endpoint SET status = 'disabled'")
    expire_leases()
    query("UPDATE dispatcher_delivery SET due_at = now() + interval '1 hour' WHERE lease_owner IS NULL")
    assert claim() == []
    ended = FinishedDelivery.objects.get()
    assert (ended.state, ended.reason) == ("cancelled", "endpoint_disabled")
    assert Attempt.objects.filter(outcome="unknown").count() == 1
    assert lane_of(endpoint) == (0, False)
    query("UPDATE dispatcher_endpoint SET status = 'enabled'")
    make_due()
    assert len(claim()) == 1
    assert_lanes_count_their_leases()


def test_an_endpoint_enabled_between_a_claims_snapshot_and_its_locks_loses_nothing(monkeypatch):
    """lock_ready_lanes reads the endpoint with a snapshot that is older than its lock of the lane."""
    make_endpoint(status="disabled")
    endpoint = make_endpoint()
    record(1)
    fan_out()
    query("UPDATE dispatcher_lane SET ready_at = now() - interval '1 second'")

    def fetch_with_an_old_flag(statement, parameters):
        rows = fetch_all(statement, parameters)
        if "lanes" in parameters:
            return [(*row[:5], True, *row[6:]) for row in rows]
        return rows

    monkeypatch.setattr("dispatcher.claims.fetch_all", fetch_with_an_old_flag)
    assert [one.endpoint.id for one in claim()] == [endpoint.id]
    assert not FinishedDelivery.objects.filter(state="cancelled").exists()
    assert_lanes_count_their_leases()


def test_deliveries_of_a_deleted_endpoint_end_at_once():
    make_endpoint()
    record(3)
    fan_out()
    finish(claim(1), REFUSED)
    query("UPDATE dispatcher_endpoint SET status = 'disabled', deleted_at = now()")
    query("UPDATE dispatcher_lane SET ready_at = now()")
    while Delivery.objects.exists():
        assert claim(1) == []
        assert_lanes_count_their_leases()
    assert {row.reason for row in FinishedDelivery.objects.all()} == {"endpoint_deleted"}


def test_pause_stops_claims_and_resume_goes_on():
    make_endpoint()
    record(2)
    assert pause_deliveries(reason="maintenance")
    assert not pause_deliveries()
    fan_out()
    assert claim() == []
    assert resume_deliveries()
    assert len(claim()) == 2
    assert not resume_deliveries()


def test_retry_after_holds_the_lane():
    from datetime import timedelta

    from dispatcher.failures import FailureCode
    from dispatcher.outcomes import Outcome

    busy = Outcome(
        succeeded=False, failure_code=FailureCode.HTTP_429, status=429, retry_after=timedelta(minutes=5)
    )
    make_endpoint()
    record(2)
    fan_out()
    finish(claim(1), busy)
    assert claim() == []
    held = scalar("SELECT hold_until - now() > interval '4 minutes' FROM dispatcher_lane")
    assert held
    assert_no_lane_sleeps_past_its_work()
    make_due()
    assert len(claim()) == 2


def test_gone_dead_letters_with_its_reason():
    make_endpoint()
    record(1)
    fan_out()
    finish(claim(), GONE)
    ended = FinishedDelivery.objects.get()
    assert (ended.state, ended.reason) == ("dead_lettered", "endpoint_gone")


def test_claim_numbers_only_grow():
    make_endpoint()
    record(1)
    fan_out()
    numbers = []
    for _ in range(4):
        numbers += [one.claim_no for one in claim()]
        expire_leases()
    assert numbers == [1, 2, 3, 4]


def test_event_of_a_vanished_row_is_claimed_without_facts():
    make_endpoint()
    record(1)
    fan_out()
    query("DELETE FROM outbox_event")
    assert [one.event for one in claim(lease_owner=uuid.uuid4())] == [None]


def test_success_leaves_no_live_row():
    make_endpoint()
    record(4)
    fan_out()
    finish(claim(), SUCCESS)
    assert Delivery.objects.count() == 0
    assert FinishedDelivery.objects.filter(state="succeeded", attempts=1).count() == 4
    assert Attempt.objects.filter(outcome="succeeded", superseded=False).count() == 4
    assert_lanes_count_their_leases()


def endpoint_ids(claims: Sequence[Claim]) -> set[uuid.UUID]:
    return {one.endpoint.id for one in claims}

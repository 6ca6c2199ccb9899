"""Claims that workers begin: what a hint may begin, and what becomes of those that nobody follows."""

import uuid
from datetime import timedelta

import pytest

from dispatcher.claims import Hint
from dispatcher.cycles import CycleRunner
from dispatcher.deliveries import stop_delivery
from dispatcher.models import Attempt, Delivery, FinishedDelivery
from tests.dispatcher.scenes import (
    LEASE,
    OWNER,
    REFUSED,
    assert_lanes_count_their_leases,
    assert_no_lane_sleeps_past_its_work,
    begin,
    claim,
    expire_leases,
    fan_out,
    finish,
    held_elsewhere,
    hints_of,
    lane_of,
    make_due,
    make_endpoint,
    query,
    record,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres_versions]


class Log:
    def poisoned(self, part: str, error: Exception, subject: str) -> None:
        raise AssertionError((part, error, subject))


def handed_out(count: int = 1) -> list[Hint]:
    """So many deliveries of one endpoint, claimed for workers."""
    make_endpoint()
    record(count)
    fan_out()
    claims = claim(begun=False)
    assert len(claims) == count
    assert not any(one.begun for one in claims)
    return hints_of(claims)


def test_a_hint_begins_the_claim_it_names():
    endpoint = make_endpoint()
    [event] = record(1)
    fan_out()
    [claimed] = claim(begun=False)
    assert Delivery.objects.get().started_at is None
    worker = uuid.uuid4()
    [begun] = begin(hints_of([claimed]), lease_owner=worker)
    assert begun == claimed._replace(begun=True, lease=begun.lease)
    assert begun.event is not None
    assert (begun.event.id, begun.endpoint.id) == (event.id, endpoint.id)
    row = Delivery.objects.get()
    assert (row.lease_owner, row.started_at is not None) == (worker, True)
    assert lane_of(endpoint)[0] == 1
    finish([begun])
    assert FinishedDelivery.objects.get().attempts == 1
    assert_lanes_count_their_leases()


def test_beginning_renews_the_lease():
    hints = handed_out()
    before = Delivery.objects.get().due_at
    begin(hints, lease=timedelta(hours=1))
    assert Delivery.objects.get().due_at > before + timedelta(minutes=50)
    assert_no_lane_sleeps_past_its_work()


def test_a_redelivered_hint_begins_nothing():
    hints = handed_out(3)
    assert len(begin(hints)) == 3
    assert begin(hints) == []
    assert_lanes_count_their_leases()


def test_the_same_hint_twice_in_a_batch_begins_once():
    hints = handed_out()
    assert len(begin(hints * 2)) == 1


def test_a_hint_of_an_earlier_claim_begins_nothing():
    late = handed_out()
    expire_leases()
    current = claim(begun=False)
    assert begin(late) == []
    assert len(begin(hints_of(current))) == 1


def test_a_hint_whose_lease_is_over_begins_nothing():
    hints = handed_out()
    expire_leases()
    assert begin(hints) == []
    assert len(claim(begun=False)) == 1


def test_a_hint_of_what_has_ended_begins_nothing():
    hints = handed_out()
    finish(begin(hints))
    assert begin(hints) == []
    assert Attempt.objects.count() == 1


def test_a_hint_of_what_waits_for_its_retry_begins_nothing():
    """The row still carries the claim number of the hint."""
    hints = handed_out()
    query("UPDATE dispatcher_delivery SET lease_owner = NULL, started_at = NULL, attempt_id = NULL")
    assert begin(hints) == []


def test_a_late_hint_under_way_does_not_hide_the_row_from_the_current_one():
    late = handed_out()
    expire_leases()
    current = hints_of(claim(begun=False))
    sql = "SELECT FROM dispatcher_delivery WHERE id = %s AND claim_no = %s FOR NO KEY UPDATE SKIP LOCKED"
    with held_elsewhere(sql, late[0].delivery_id, late[0].claim_no):
        assert len(begin([*late, *current])) == 1


def test_a_row_that_is_being_begun_elsewhere_is_not_waited_for():
    hints = handed_out(2)
    with held_elsewhere("SELECT FROM dispatcher_delivery WHERE id = %s FOR UPDATE", hints[0].delivery_id):
        assert [one.delivery_id for one in begin(hints)] == [hints[1].delivery_id]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("status = 'disabled'", "endpoint_disabled"),
        ("status = 'disabled', deleted_at = now()", "endpoint_deleted"),
    ],
)
def test_what_fell_behind_a_disabled_endpoint_is_not_begun_and_ends_uncounted(change, reason):
    hints = handed_out()
    query(f"UPDATE dispatcher_endpoint SET {change}")
    assert begin(hints) == []
    expire_leases()
    assert claim() == []
    ended = FinishedDelivery.objects.get()
    assert (ended.reason, ended.attempts) == (reason, 0)
    assert not Attempt.objects.exists()
    assert_lanes_count_their_leases()


def test_a_resend_by_hand_is_begun_on_a_disabled_endpoint():
    hints = handed_out()
    query("UPDATE dispatcher_delivery SET resend_no = 1")
    query("UPDATE dispatcher_endpoint SET status = 'disabled'")
    assert [one.by_hand for one in begin(hints)] == [True]


def test_a_claim_that_nobody_began_was_no_attempt():
    endpoint = make_endpoint()
    record(1)
    fan_out()
    for number in (1, 2, 3):
        [claimed] = claim(begun=False)
        assert (claimed.claim_no, claimed.attempt_number) == (number, 1)
        expire_leases()
    assert not Attempt.objects.exists()
    assert lane_of(endpoint)[0] == 1
    [local] = claim()
    assert (local.claim_no, local.attempt_number) == (4, 1)
    finish([local])
    assert FinishedDelivery.objects.get().attempts == 1
    assert_lanes_count_their_leases()


def test_a_worker_that_vanished_leaves_an_attempt_of_unknown_outcome():
    [begun] = begin(handed_out())
    expire_leases()
    [again] = claim(begun=False)
    assert (again.claim_no, again.attempt_number, again.reclaimed) == (2, 2, True)
    attempt = Attempt.objects.get()
    assert (attempt.id, attempt.number, attempt.outcome) == (begun.attempt_id, 1, "unknown")
    assert_lanes_count_their_leases()


def test_what_could_not_be_handed_out_goes_back_uncounted():
    runner = CycleRunner(lease_owner=uuid.uuid4(), lease=LEASE, log=Log(), begun=False)
    make_endpoint()
    record(2)
    claims = runner.run(attempted=(), unsent=(), room=10).claims
    runner.run(attempted=(), unsent=claims, room=0)
    assert set(Delivery.objects.values_list("attempts", "lease_owner", "started_at")) == {(0, None, None)}
    assert begin(hints_of(claims)) == []
    assert [one.attempt_number for one in claim()] == [1, 1]
    assert_lanes_count_their_leases()


def test_what_a_worker_has_begun_cannot_be_given_back_by_the_dispatcher():
    """Its message arrived although the broker's answer did not."""
    runner = CycleRunner(lease_owner=uuid.uuid4(), lease=LEASE, log=Log(), begun=False)
    endpoint = make_endpoint()
    record(2)
    claims = runner.run(attempted=(), unsent=(), room=10).claims
    begun = begin(hints_of(claims[:1]))
    runner.run(attempted=(), unsent=claims, room=0)
    assert lane_of(endpoint)[0] == 1
    assert Delivery.objects.get(id=begun[0].delivery_id).started_at is not None
    finish(begun)
    assert FinishedDelivery.objects.get().attempts == 1
    assert_lanes_count_their_leases()


def test_a_worker_gives_back_what_it_could_not_send():
    runner = CycleRunner(lease_owner=uuid.uuid4(), lease=LEASE, log=Log())
    begun = runner.run(attempted=(), unsent=(), room=0, fan_out=False, hints=handed_out(2)).claims
    assert len(begun) == 2
    runner.run(attempted=(), unsent=begun, room=0, fan_out=False)
    assert set(Delivery.objects.values_list("attempts", "lease_owner")) == {(0, None)}
    assert_lanes_count_their_leases()


def test_stopping_what_nobody_began_counts_no_attempt():
    handed_out()
    stop_delivery(owner=OWNER, delivery_id=Delivery.objects.get().id)
    assert FinishedDelivery.objects.get().attempts == 0
    assert not Attempt.objects.exists()
    assert_lanes_count_their_leases()


def test_a_retry_is_handed_out_with_the_next_number():
    make_endpoint()
    record(1)
    fan_out()
    finish(begin(hints_of(claim(begun=False))), REFUSED)
    make_due()
    assert [one.attempt_number for one in claim(begun=False)] == [2]

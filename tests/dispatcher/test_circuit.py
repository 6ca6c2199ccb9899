"""The circuit: an endpoint that fails one time after another gets one probe at a time, after growing pauses."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from dispatcher.claims import Claim
from dispatcher.deliveries import resend_delivery, stop_delivery
from dispatcher.endpoints import update_endpoint
from dispatcher.failures import FailureCode, counts_against_endpoint
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.models import Attempt, Delivery, Endpoint
from dispatcher.outcomes import Outcome
from dispatcher.recording import release_leases
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
    finish_each,
    lane_of,
    lane_row,
    make_due,
    make_endpoint,
    query,
    record,
    scalar,
)

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]

THRESHOLD = 10
OURS = {
    FailureCode.STALE_CONNECTION,
    FailureCode.SECRET_UNDECRYPTABLE,
    FailureCode.UNRENDERABLE,
    FailureCode.INTERNAL_ERROR,
    FailureCode.UNKNOWN,
}


def failed(code: FailureCode) -> Outcome:
    return Outcome(succeeded=False, failure_code=code)


def opened(*, waiting: int = 5, **limits: Any) -> Endpoint:
    """An endpoint whose circuit has just opened, with further deliveries that are due."""
    endpoint = make_endpoint(**limits)
    record(THRESHOLD)
    fan_out()
    finish(claim(THRESHOLD), REFUSED)
    assert lane_row(endpoint).circuit_openings == 1
    record(waiting)
    fan_out()
    return endpoint


def half_open(**limits: Any) -> Endpoint:
    endpoint = opened(**limits)
    end_pause()
    return endpoint


def pause_hours(endpoint: Endpoint) -> int:
    hours: float = scalar(
        "SELECT extract(epoch FROM circuit_until - clock_timestamp()) / 3600 "
        "FROM dispatcher_lane WHERE endpoint_id = %s",
        endpoint.id,
    )
    return round(hours)


def test_a_streak_of_failures_opens_the_circuit_and_no_less():
    endpoint = make_endpoint()
    record(THRESHOLD + 3)
    fan_out()
    claims = claim(THRESHOLD)
    finish(claims[:4], REFUSED)
    finish(claims[4:9], REFUSED)
    assert (lane_row(endpoint).failure_streak, lane_row(endpoint).circuit_openings) == (9, 0)
    finish(claims[9:], REFUSED)
    lane = lane_row(endpoint)
    assert (lane.failure_streak, lane.circuit_openings) == (THRESHOLD, 1)
    assert lane.circuit_until is not None
    assert claim() == []
    assert lane_row(endpoint).ready_at == lane.circuit_until
    assert_no_lane_sleeps_past_its_work()


def test_the_threshold_is_a_setting(settings):
    settings.DISPATCHER = {**settings.DISPATCHER, "CIRCUIT_THRESHOLD": 2}
    endpoint = make_endpoint()
    record(2)
    fan_out()
    one, other = claim()
    finish([one], REFUSED)
    assert lane_row(endpoint).circuit_openings == 0
    finish([other], REFUSED)
    assert lane_row(endpoint).circuit_openings == 1


def test_each_probe_that_fails_doubles_the_pause_up_to_its_cap(settings):
    settings.DISPATCHER = {
        **settings.DISPATCHER,
        "CIRCUIT_PAUSE": timedelta(hours=1),
        "CIRCUIT_PAUSE_CAP": timedelta(hours=6),
    }
    endpoint = opened()
    pauses = [pause_hours(endpoint)]
    for _ in range(5):
        end_pause()
        probes = claim()
        assert len(probes) == 1
        finish(probes, REFUSED)
        pauses.append(pause_hours(endpoint))
        assert claim() == []
    assert pauses == [1, 2, 4, 6, 6, 6]
    assert lane_row(endpoint).circuit_openings == 6


def test_a_circuit_that_was_open_for_very_long_still_has_a_pause():
    endpoint = half_open()
    query("UPDATE dispatcher_lane SET circuit_openings = 2000000, failure_streak = 2000000")
    finish(claim(), REFUSED)
    assert lane_row(endpoint).circuit_openings == 2_000_001
    assert pause_hours(endpoint) == 0


def test_what_waits_while_the_circuit_is_open_uses_up_no_attempt():
    endpoint = opened(waiting=20)
    for _ in range(3):
        query("UPDATE dispatcher_lane SET ready_at = now()")
        assert claim() == []
    end_pause()
    finish(claim(), REFUSED)
    make_due()
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) in (
        [0] * 20 + [1] * 9 + [2],
        [0] * 19 + [1] * 11,
    )
    assert Attempt.objects.count() == 11
    assert lane_row(endpoint).circuit_openings == 2


def test_half_open_one_probe_is_under_way_whoever_claims():
    half_open()
    assert len(claim()) == 1
    for _ in range(3):
        query("UPDATE dispatcher_lane SET ready_at = now()")
        assert claim() == []
    assert_no_lane_sleeps_past_its_work()
    assert_lanes_count_their_leases()


@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_that_claim_at_once_send_one_probe():
    half_open(waiting=40)
    for _ in range(15):
        end_pause()
        barrier = threading.Barrier(2)
        claimed: list[Claim] = []

        def dispatch(barrier: threading.Barrier = barrier, claimed: list[Claim] = claimed) -> None:
            barrier.wait(30)
            for _ in range(4):
                claimed.extend(claim())
                query("UPDATE dispatcher_lane SET ready_at = now()")
            connection.close()

        threads = [threading.Thread(target=dispatch) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(claimed) == 1
        finish(claimed, REFUSED)
    assert_lanes_count_their_leases()


def test_a_success_closes_the_circuit_and_lets_everything_go():
    endpoint = half_open(waiting=5)
    finish(claim(), SUCCESS)
    lane = lane_row(endpoint)
    assert (lane.failure_streak, lane.circuit_openings, lane.circuit_until) == (0, 0, None)
    assert lane_of(endpoint) == (0, True)
    assert_no_lane_sleeps_past_its_work()
    assert len(claim()) == 14


def test_the_streak_begins_anew_after_the_circuit_closed():
    endpoint = half_open(waiting=15)
    finish(claim(), SUCCESS)
    finish(claim(9), REFUSED)
    assert lane_row(endpoint).circuit_openings == 0
    query("UPDATE dispatcher_lane SET ready_at = now()")
    finish(claim(1), REFUSED)
    assert lane_row(endpoint).circuit_openings == 1


def test_failures_that_were_under_way_when_it_opened_do_not_grow_the_pause():
    endpoint = make_endpoint()
    record(THRESHOLD + 5)
    fan_out()
    claims = claim()
    finish(claims[:THRESHOLD], REFUSED)
    until = lane_row(endpoint).circuit_until
    finish(claims[10:12], REFUSED)
    lane = lane_row(endpoint)
    assert (lane.circuit_openings, lane.circuit_until, lane.failure_streak) == (1, until, 12)
    end_pause()
    until = lane_row(endpoint).circuit_until
    finish(claims[12:14], REFUSED)
    lane = lane_row(endpoint)
    assert (lane.circuit_openings, lane.circuit_until, lane.failure_streak) == (1, until, 14)


def test_there_is_no_probe_while_sends_from_before_are_under_way():
    make_endpoint()
    record(THRESHOLD + 2)
    fan_out()
    claims = claim()
    finish(claims[:THRESHOLD], REFUSED)
    end_pause()
    assert claim() == []
    assert_no_lane_sleeps_past_its_work()
    finish(claims[10:11], REFUSED)
    end_pause()
    assert claim() == []
    finish(claims[11:], REFUSED)
    assert_no_lane_sleeps_past_its_work()
    end_pause()
    assert len(claim()) == 1


def test_a_success_that_was_under_way_closes_an_open_circuit():
    endpoint = make_endpoint()
    record(THRESHOLD + 1)
    fan_out()
    claims = claim()
    finish(claims[:THRESHOLD], REFUSED)
    finish(claims[THRESHOLD:], SUCCESS)
    lane = lane_row(endpoint)
    assert (lane.failure_streak, lane.circuit_openings, lane.circuit_until) == (0, 0, None)


@pytest.mark.parametrize(
    ("outcomes", "streak", "openings"),
    [
        ([REFUSED] * 12 + [SUCCESS], 0, 0),
        ([SUCCESS] + [REFUSED] * 12, 12, 1),
        ([REFUSED] * 5 + [SUCCESS] + [REFUSED] * 7, 7, 0),
        ([REFUSED] * 9 + [failed(FailureCode.STALE_CONNECTION)] * 4, 9, 0),
        ([REFUSED] * 13, 13, 1),
    ],
)
def test_a_batch_counts_in_the_order_in_which_it_is_recorded(outcomes, streak, openings):
    endpoint = make_endpoint()
    record(13)
    fan_out()
    finish_each(list(zip(claim(), outcomes, strict=True)))
    lane = lane_row(endpoint)
    assert (lane.failure_streak, lane.circuit_openings) == (streak, openings)


def test_a_batch_of_success_and_then_failures_reopens_from_the_first_pause(settings):
    settings.DISPATCHER = {
        **settings.DISPATCHER,
        "CIRCUIT_PAUSE": timedelta(hours=1),
        "CIRCUIT_PAUSE_CAP": timedelta(hours=9),
    }
    endpoint = make_endpoint()
    record(THRESHOLD + 11)
    fan_out()
    claims = claim()
    finish(claims[:THRESHOLD], REFUSED)
    query("UPDATE dispatcher_lane SET circuit_openings = 3")
    finish_each(list(zip(claims[THRESHOLD:], [SUCCESS] + [REFUSED] * 10, strict=True)))
    assert (lane_row(endpoint).circuit_openings, pause_hours(endpoint)) == (1, 1)


def test_a_resend_by_hand_goes_through_and_counts_neither_way():
    endpoint = opened()
    before = lane_row(endpoint)
    waiting = Delivery.objects.filter(attempts=0).first()
    assert waiting is not None
    for outcome in (REFUSED, SUCCESS):
        again = resend_delivery(owner=OWNER, delivery_id=waiting.id)
        claims = claim()
        assert [one.delivery_id for one in claims] == [again.id]
        finish(claims, outcome)
        Delivery.objects.filter(id=again.id).delete()
    after = lane_row(endpoint)
    assert (after.failure_streak, after.circuit_openings, after.circuit_until, after.failing_since) == (
        before.failure_streak, before.circuit_openings, before.circuit_until, before.failing_since,
    )  # fmt: skip


def test_a_resend_by_hand_takes_nobody_the_place_of_the_probe():
    half_open()
    waiting = Delivery.objects.filter(attempts=0).first()
    assert waiting is not None
    resend_delivery(owner=OWNER, delivery_id=waiting.id)
    assert sorted(one.by_hand for one in claim()) == [False, True]
    query("UPDATE dispatcher_lane SET ready_at = now()")
    assert claim() == []


def test_a_resend_under_way_does_not_hold_up_the_probe():
    opened()
    waiting = Delivery.objects.filter(attempts=0).first()
    assert waiting is not None
    resend_delivery(owner=OWNER, delivery_id=waiting.id)
    assert [one.by_hand for one in claim()] == [True]
    end_pause()
    assert [one.by_hand for one in claim()] == [False]
    assert_no_lane_sleeps_past_its_work()


@pytest.mark.parametrize("code", sorted(FailureCode))
def test_only_what_the_endpoint_or_its_network_did_counts(code):
    assert counts_against_endpoint(code) == (code not in OURS)
    endpoint = make_endpoint()
    record(THRESHOLD)
    fan_out()
    finish(claim(), failed(code))
    lane = lane_row(endpoint)
    counts = 0 if code in OURS else THRESHOLD
    assert (lane.failure_streak, lane.circuit_openings) == (counts, counts // THRESHOLD)
    assert (lane.failing_since is None) == (code in OURS)


@pytest.mark.parametrize("outcome", [REFUSED, SUCCESS], ids=["failed", "succeeded"])
def test_superseded_results_change_nothing(outcome):
    endpoint = make_endpoint()
    record(THRESHOLD)
    fan_out()
    stale = claim()
    expire_leases()
    finish(claim()[:3], REFUSED)
    finish(stale, outcome)
    lane = lane_row(endpoint)
    assert (lane.failure_streak, lane.circuit_openings) == (3, 0)


def test_leases_of_a_dead_dispatcher_wait_again_while_the_circuit_is_not_closed():
    endpoint = make_endpoint()
    record(THRESHOLD + 6)
    fan_out()
    claims = claim()
    finish(claims[:THRESHOLD], REFUSED)
    expire_leases()
    assert claim() == []
    assert lane_of(endpoint)[0] == 0
    assert Attempt.objects.filter(outcome="unknown", superseded=True).count() == 6
    assert {row.claim_no for row in Delivery.objects.all()} == {1}
    assert_no_lane_sleeps_past_its_work()
    end_pause()
    probe = claim()
    assert len(probe) == 1
    assert not probe[0].reclaimed
    recorded = finish(claims[THRESHOLD:], SUCCESS)
    assert all(one.superseded for one in recorded)
    assert lane_row(endpoint).circuit_openings == 1
    assert not Attempt.objects.filter(outcome="unknown").exists()
    assert_lanes_count_their_leases()


def test_a_lost_lease_that_nobody_had_begun_was_no_attempt():
    half_open()
    lost = claim()[0]
    attempts = Attempt.objects.count()
    query("UPDATE dispatcher_delivery SET started_at = NULL, due_at = now() WHERE id = %s", lost.delivery_id)
    query("UPDATE dispatcher_lane SET ready_at = now(), circuit_until = now() + interval '1 hour'")
    assert claim() == []
    row = Delivery.objects.get(id=lost.delivery_id)
    assert (row.lease_owner, row.attempts) == (None, lost.attempt_number - 1)
    assert Attempt.objects.count() == attempts
    assert_lanes_count_their_leases()


def test_lost_leases_beyond_the_share_of_a_claim_are_not_claimed_again_either():
    endpoint = half_open()
    query(
        "UPDATE dispatcher_delivery SET lease_owner = id, attempt_id = outbox_uuid7(), started_at = now() "
        "WHERE id IN (SELECT id FROM dispatcher_delivery ORDER BY id LIMIT 3)"
    )
    query("UPDATE dispatcher_lane SET in_flight = 3")
    for left in (2, 1):
        expire_leases()
        assert claim(1) == []
        assert lane_of(endpoint)[0] == left
    expire_leases()
    assert [one.reclaimed for one in claim(1)] == [False]
    assert_lanes_count_their_leases()


def test_a_probe_whose_dispatcher_died_is_followed_by_another():
    endpoint = half_open()
    lost = claim()
    assert len(lost) == 1
    expire_leases()
    query("UPDATE dispatcher_delivery SET due_at = now() - interval '1 second' WHERE lease_owner IS NULL")
    assert len(claim()) == 1
    assert lane_of(endpoint)[0] == 1
    assert_lanes_count_their_leases()


def release(claims: list[Claim]) -> None:
    touches = LaneTouches()
    with transaction.atomic():
        release_leases(claims, touches=touches)
        touch_lanes(touches)


@pytest.mark.parametrize("end", ["failed", "succeeded", "stopped", "released"])
def test_the_end_of_a_probe_wakes_what_waits_behind_it(end):
    endpoint = half_open()
    probe = claim()
    query("UPDATE dispatcher_lane SET ready_at = 'infinity'")
    match end:
        case "failed":
            finish(probe, REFUSED)
        case "succeeded":
            finish(probe, SUCCESS)
        case "stopped":
            stop_delivery(owner=OWNER, delivery_id=probe[0].delivery_id)
        case _:
            release(probe)
    assert_no_lane_sleeps_past_its_work()
    if end == "failed":
        lane = lane_row(endpoint)
        assert lane.ready_at == lane.circuit_until
    else:
        assert lane_of(endpoint)[1]
        assert claim() != []


def test_new_work_of_an_open_circuit_wakes_its_lane_at_the_end_of_the_pause():
    endpoint = opened(waiting=0)
    query("UPDATE dispatcher_lane SET ready_at = 'infinity'")
    record(1)
    fan_out()
    lane = lane_row(endpoint)
    assert lane.ready_at == lane.circuit_until
    assert_no_lane_sleeps_past_its_work()


def test_a_hold_that_lasts_longer_than_the_pause_is_kept():
    endpoint = opened()
    query("UPDATE dispatcher_lane SET hold_until = circuit_until + interval '1 hour', ready_at = now()")
    assert claim() == []
    lane = lane_row(endpoint)
    assert lane.ready_at == lane.hold_until
    end_pause()
    assert claim() == []


def test_an_open_circuit_takes_nothing_from_other_endpoints():
    opened(waiting=50)
    query("UPDATE dispatcher_lane SET ready_at = now()")
    other = make_endpoint(owner="acct_other")
    record(30, owner="acct_other")
    fan_out()
    claims = claim(60)
    assert [one.endpoint.id for one in claims] == [other.id] * 30


@pytest.mark.parametrize("change", ["status", "url"])
def test_an_endpoint_that_is_enabled_again_or_moved_begins_anew(change):
    endpoint = opened()
    if change == "status":
        update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "disabled"})
        assert lane_row(endpoint).circuit_openings == 1
        changes = {"status": "enabled"}
    else:
        changes = {"url": "https://93.184.215.14/moved"}
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes=changes)
    lane = lane_row(endpoint)
    assert (lane.failure_streak, lane.circuit_openings, lane.circuit_until, lane.failing_since) == (
        0,
        0,
        None,
        None,
    )
    assert len(claim()) == 5


def test_another_change_of_the_endpoint_leaves_its_circuit_open():
    endpoint = opened()
    update_endpoint(
        owner=OWNER, endpoint_id=endpoint.id, changes={"description": "slow", "status": "enabled"}
    )
    assert lane_row(endpoint).circuit_openings == 1
    assert claim() == []


def test_a_claim_amid_open_circuits_takes_a_constant_number_of_statements():
    counts = []
    for size in (2, 30):
        for number in range(size):
            make_endpoint(owner=f"acct_{size}_{number}")
            record(2, owner=f"acct_{size}_{number}")
        fan_out()
        claim(1000)
        query("UPDATE dispatcher_lane SET circuit_openings = 1, circuit_until = now()")
        expire_leases()
        statements: list[str] = []

        def count(execute, sql, params, many, context, into=statements):
            into.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            assert claim(1000)
        counts.append(len([sql for sql in statements if "SAVEPOINT" not in sql]))
    assert counts == [4, 4]

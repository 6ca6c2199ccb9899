"""Fan-out: which endpoints get what, once, and in one transaction with the pointer's end."""

import threading
import uuid

import pytest
from django.db import connection, transaction

from dispatcher.cycles import CycleRunner
from dispatcher.fan_out import FannedOut, fan_out_events
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.models import Delivery, FinishedDelivery
from outbox.models import PendingEvent
from outbox.recording import record_event
from tests.dispatcher.scenes import (
    LEASE,
    OWNER,
    assert_no_lane_sleeps_past_its_work,
    claim,
    fan_out,
    held_elsewhere,
    lane_of,
    make_endpoint,
    query,
    record,
)

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]


def test_subscribed_endpoints_of_the_owner_get_one_delivery_each():
    exact = make_endpoint(enabled_events=["parcel.sent"])
    everything = make_endpoint(enabled_events=["*"])
    make_endpoint(enabled_events=["parcel.lost"])
    make_endpoint(owner="acct_other")
    record(2)
    assert fan_out() == 2
    found = set(Delivery.objects.values_list("endpoint_id", "event_id"))
    assert len(found) == 4
    assert {endpoint_id for endpoint_id, _ in found} == {exact.id, everything.id}
    assert not PendingEvent.objects.exists()
    assert_no_lane_sleeps_past_its_work()


def test_an_event_that_nobody_wants_leaves_no_pointer_and_no_delivery():
    record(1)
    assert fan_out() == 1
    assert not PendingEvent.objects.exists()
    assert not Delivery.objects.exists()


def test_a_disabled_subscriber_gets_a_skipped_delivery_with_its_reason():
    endpoint = make_endpoint(status="disabled")
    record(1)
    fan_out()
    skipped = FinishedDelivery.objects.get()
    assert (skipped.endpoint_id, skipped.state, skipped.reason) == (
        endpoint.id,
        "skipped",
        "endpoint_disabled",
    )
    assert claim() == []


def test_a_rolled_back_fan_out_leaves_the_pointer():
    make_endpoint()
    record(1)
    with transaction.atomic():
        assert fan_out_events(limit=10, touches=LaneTouches()).events == 1
        transaction.set_rollback(True)
    assert PendingEvent.objects.count() == 1
    assert not Delivery.objects.exists()


def test_fan_out_wakes_a_sleeping_lane():
    endpoint = make_endpoint()
    assert lane_of(endpoint)[1] is False
    record(1)
    fan_out()
    assert lane_of(endpoint)[1] is True


def test_fan_out_takes_the_oldest_first_and_no_more_than_its_limit():
    make_endpoint()
    events = record(5)
    assert fan_out(limit=2) == 2
    assert set(PendingEvent.objects.values_list("event_id", flat=True)) == {event.id for event in events[2:]}


@pytest.mark.django_db(transaction=True)
def test_an_older_event_that_commits_later_is_still_fanned_out():
    """No id cursor: commit order is not id order."""
    make_endpoint()
    recorded, release = threading.Event(), threading.Event()
    older: list[uuid.UUID] = []

    def hold_an_older_event_open() -> None:
        with transaction.atomic():
            from outbox.recording import record_event

            event = record_event(owner="acct_test", type="parcel.sent", object_id="par_old", data={})
            older.append(event.id)
            recorded.set()
            release.wait(30)
        connection.close()

    thread = threading.Thread(target=hold_an_older_event_open)
    thread.start()
    assert recorded.wait(30)
    newer = record(1)[0]
    assert newer.id > older[0]
    assert fan_out() == 1
    release.set()
    thread.join()
    assert fan_out() == 1
    assert Delivery.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_fan_outs_share_the_pointers_without_waiting():
    make_endpoint()
    record(4)
    other_has_two, go_on = threading.Event(), threading.Event()

    def take_two_and_wait() -> None:
        with transaction.atomic():
            fan_out_events(limit=2, touches=LaneTouches())
            other_has_two.set()
            go_on.wait(30)
        connection.close()

    thread = threading.Thread(target=take_two_and_wait)
    thread.start()
    assert other_has_two.wait(30)
    assert fan_out() == 2
    go_on.set()
    thread.join()
    assert Delivery.objects.count() == 4
    assert query("SELECT count(*) FROM outbox_pending") == [(0,)]


# --- In chunks ---


def fan_out_chunk(rows: int, *, limit: int = 10) -> FannedOut:
    touches = LaneTouches()
    with transaction.atomic():
        step = fan_out_events(limit=limit, touches=touches, rows=rows)
        touch_lanes(touches)
    return step


def test_an_event_of_many_endpoints_is_fanned_out_in_chunks_and_keeps_its_pointer_until_the_last():
    endpoints = [make_endpoint(ordered=number == 17) for number in range(25)]
    event = record(1)[0]
    reached = []
    while (step := fan_out_chunk(10)).more:
        assert step.events == 0
        pointer = PendingEvent.objects.get()
        assert pointer.event_id == event.id
        assert pointer.fanned_out_to is not None
        reached.append(pointer.fanned_out_to)
        assert set(Delivery.objects.values_list("endpoint_id", flat=True)) == {
            endpoint.id for endpoint in endpoints if endpoint.id <= pointer.fanned_out_to
        }
    assert reached == [endpoints[9].id, endpoints[19].id]
    assert step.events == 1
    assert not PendingEvent.objects.exists()
    assert sorted(Delivery.objects.values_list("endpoint_id", flat=True)) == sorted(e.id for e in endpoints)
    assert len(claim()) == 25
    assert_no_lane_sleeps_past_its_work()


def test_a_chunk_that_ends_with_an_event_leaves_no_event_behind():
    for _ in range(5):
        make_endpoint()
    record(4)
    assert (fan_out_chunk(10).events, Delivery.objects.count()) == (2, 10)
    assert (fan_out_chunk(10).events, Delivery.objects.count()) == (2, 20)
    assert not PendingEvent.objects.exists()


def test_endpoints_that_are_not_subscribed_count_for_a_chunk_and_get_nothing():
    """What bounds a chunk is what it must look at."""
    for number in range(30):
        make_endpoint(enabled_events=["parcel.sent"] if number % 10 == 9 else ["parcel.lost"])
    record(1)
    assert fan_out_chunk(10).more
    assert Delivery.objects.count() == 1
    while fan_out_chunk(10).more:
        pass
    assert Delivery.objects.count() == 3
    assert not PendingEvent.objects.exists()


def test_a_disabled_endpoint_of_a_later_chunk_gets_one_skipped_delivery():
    for number in range(6):
        make_endpoint(status="disabled" if number in (1, 5) else "enabled")
    record(1)
    while fan_out_chunk(2).more:
        pass
    assert (Delivery.objects.count(), FinishedDelivery.objects.filter(state="skipped").count()) == (4, 2)


def test_owners_share_a_chunk_and_none_is_cut_off():
    """The last owner's endpoints may be cut off; its pointer then stays."""
    for number in range(4):
        for _ in range(4):
            make_endpoint(owner=f"acct_{number}")
        record(1, owner=f"acct_{number}")
    steps = []
    while PendingEvent.objects.exists():
        steps.append(fan_out_chunk(6).events)
        assert Delivery.objects.count() <= 6 * len(steps)
    assert steps == [1, 2, 1]
    assert Delivery.objects.count() == 16


def test_a_younger_event_of_a_key_waits_for_the_last_chunk_of_the_older_one():
    for _ in range(3):
        make_endpoint(ordered=True)
    older, younger = [
        record_event(owner=OWNER, type="parcel.sent", object_id="par_1", data={}) for _ in range(2)
    ]
    fan_out_chunk(2, limit=1)
    assert PendingEvent.objects.get(event_id=older.id).fanned_out_to is not None
    while PendingEvent.objects.exists():
        fan_out_chunk(2)
    heads = claim()
    assert {one.event_id for one in heads} == {older.id}
    assert len(heads) == 3
    assert Delivery.objects.filter(event_id=younger.id).count() == 3


def test_a_crash_between_chunks_goes_on_where_it_was():
    for _ in range(5):
        make_endpoint()
    record(1)
    fan_out_chunk(2)
    with transaction.atomic():
        fan_out_events(limit=10, touches=LaneTouches(), rows=2)
        transaction.set_rollback(True)
    assert Delivery.objects.count() == 2
    while fan_out_chunk(2).more:
        pass
    assert Delivery.objects.count() == 5


@pytest.mark.django_db(transaction=True)
class TestCycles:
    @pytest.fixture
    def runner(self) -> CycleRunner:
        return CycleRunner(lease_owner=uuid.uuid4(), lease=LEASE, log=Log())

    def test_cycles_go_on_at_once_until_the_last_chunk(self, runner, monkeypatch):
        monkeypatch.setattr("dispatcher.cycles.FAN_OUT_ROWS", 2)
        for _ in range(5):
            make_endpoint()
        record(1)
        cycles = [runner.run(attempted=(), unsent=(), room=0) for _ in range(3)]
        assert [cycle.left_work_behind(room=0, slots=256) for cycle in cycles] == [True, True, False]
        assert [cycle.idle for cycle in cycles] == [False] * 3
        assert Delivery.objects.count() == 5

    def test_keys_that_are_stuck_at_the_front_hold_back_no_others(self, runner, monkeypatch):
        monkeypatch.setattr("dispatcher.cycles.FAN_OUT_BATCH", 2)
        make_endpoint(ordered=True)
        with transaction.atomic():
            first, *_ = [
                record_event(owner=OWNER, type="parcel.sent", object_id=key, data={})
                for key in ["par_1"] * 6 + ["par_2", "par_3"]
            ]
        with held_elsewhere("SELECT FROM outbox_pending WHERE event_id = %s FOR UPDATE", first.id):
            for _ in range(8):
                runner.run(attempted=(), unsent=(), room=0)
            assert set(Delivery.objects.values_list("order_key", flat=True)) == {"par_2", "par_3"}
        for _ in range(8):
            runner.run(attempted=(), unsent=(), room=0)
        assert not PendingEvent.objects.exists()
        assert {one.event_id for one in claim()} >= {first.id}

    def test_pointers_that_dispatchers_hold_who_stand_still_hold_back_no_others(self, runner, monkeypatch):
        monkeypatch.setattr("dispatcher.cycles.FAN_OUT_BATCH", 2)
        make_endpoint()
        record(20)
        with held_elsewhere("SELECT FROM outbox_pending ORDER BY event_id LIMIT 11 FOR UPDATE"):
            for _ in range(40):
                runner.run(attempted=(), unsent=(), room=0)
            assert Delivery.objects.count() == 9
        runner.run(attempted=(), unsent=(), room=0)
        runner.run(attempted=(), unsent=(), room=0)
        assert Delivery.objects.count() > 9


class Log:
    def poisoned(self, part: str, error: Exception, subject: str) -> None:
        raise AssertionError((part, subject)) from error

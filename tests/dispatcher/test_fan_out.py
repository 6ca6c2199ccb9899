"""Fan-out: which endpoints get what, once, and in one transaction with the pointer's end."""

import threading
import uuid

import pytest
from django.db import connection, transaction

from dispatcher.fan_out import fan_out_events
from dispatcher.lanes import LaneTouches
from dispatcher.models import Delivery, FinishedDelivery
from outbox.models import PendingEvent
from tests.dispatcher.scenes import (
    assert_no_lane_sleeps_past_its_work,
    claim,
    fan_out,
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

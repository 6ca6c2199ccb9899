"""Reading, resending and stopping deliveries."""

from datetime import timedelta

import pytest

from dispatcher.deliveries import (
    attempts_of,
    get_delivery,
    list_deliveries,
    resend_delivery,
    stop_delivery,
)
from dispatcher.endpoints import delete_endpoint, update_endpoint
from dispatcher.errors import DeliveryEnded, DeliveryNotFound
from dispatcher.failures import FailureCode
from dispatcher.models import Attempt, Delivery, FinishedDelivery
from dispatcher.outcomes import Outcome
from outbox.identifiers import new_uuid
from tests.dispatcher.scenes import (
    OWNER,
    REFUSED,
    assert_lanes_count_their_leases,
    claim,
    fan_out,
    finish,
    make_endpoint,
    query,
    record,
)

pytestmark = pytest.mark.django_db

BUSY = Outcome(succeeded=False, failure_code=FailureCode.HTTP_429, status=429, retry_after=timedelta(hours=5))


def states() -> list[str]:
    return [row.state for row in list_deliveries(owner=OWNER, limit=100).rows]


def test_a_delivery_reads_the_same_live_and_finished():
    make_endpoint()
    record(1)
    fan_out()
    delivery_id = Delivery.objects.get().id
    pending = get_delivery(owner=OWNER, delivery_id=delivery_id)
    assert (pending.state, pending.attempts) == ("pending", 0)
    assert pending.next_attempt_at is not None
    claims = claim()
    sending = get_delivery(owner=OWNER, delivery_id=delivery_id)
    assert (sending.state, sending.next_attempt_at, sending.attempts) == ("sending", None, 1)
    assert states() == ["sending"]
    finish(claims)
    ended = get_delivery(owner=OWNER, delivery_id=delivery_id)
    assert (ended.state, ended.manual) == ("succeeded", False)
    assert ended.finished_at is not None
    assert [attempt.outcome for attempt in attempts_of(delivery_id)] == ["succeeded"]


def test_pages_follow_each_other_without_gap_or_repeat():
    for _ in range(3):
        make_endpoint()
    record(7)
    fan_out()
    finish(claim(5))
    finish(claim(4), REFUSED)
    everything = [row.id for row in list_deliveries(owner=OWNER, limit=100).rows]
    assert len(everything) == 21
    forward, cursor = [], None
    while True:
        page = list_deliveries(owner=OWNER, limit=4, starting_after=cursor)
        forward += [row.id for row in page.rows]
        if not page.has_more:
            break
        cursor = forward[-1]
    assert forward == everything
    before = list_deliveries(owner=OWNER, limit=4, ending_before=everything[10])
    assert [row.id for row in before.rows] == everything[6:10]
    assert before.has_more
    first = list_deliveries(owner=OWNER, limit=4, ending_before=everything[2])
    assert ([row.id for row in first.rows], first.has_more) == (everything[:2], False)


def test_filters():
    kept, other = make_endpoint(), make_endpoint()
    make_endpoint(owner="acct_other")
    events = record(3)
    record(1, owner="acct_other")
    fan_out()
    finish([one for one in claim() if one.endpoint.id == kept.id])
    of_event = list_deliveries(owner=OWNER, limit=10, event_id=events[1].id).rows
    assert {row.endpoint_id for row in of_event} == {kept.id, other.id}
    assert len(list_deliveries(owner=OWNER, limit=10, endpoint_id=kept.id).rows) == 3
    assert len(list_deliveries(owner=OWNER, limit=10, state="succeeded").rows) == 3
    assert len(list_deliveries(owner=OWNER, limit=10, state="sending").rows) == 3
    assert list_deliveries(owner=OWNER, limit=10, state="pending").rows == []
    moment = events[0].created_at
    assert list_deliveries(owner=OWNER, limit=10, created_to=moment).rows == []
    assert len(list_deliveries(owner=OWNER, limit=10, created_from=moment).rows) == 6


def test_an_unknown_cursor_and_another_owners_delivery_are_not_found():
    make_endpoint(owner="acct_other")
    record(1, owner="acct_other")
    fan_out()
    foreign = Delivery.objects.get().id
    for delivery_id in (foreign, new_uuid()):
        with pytest.raises(DeliveryNotFound, match="No such delivery: 'dlv_"):
            get_delivery(owner=OWNER, delivery_id=delivery_id)
        with pytest.raises(DeliveryNotFound):
            list_deliveries(owner=OWNER, limit=1, starting_after=delivery_id)
        with pytest.raises(DeliveryNotFound):
            resend_delivery(owner=OWNER, delivery_id=delivery_id)
        with pytest.raises(DeliveryNotFound):
            stop_delivery(owner=OWNER, delivery_id=delivery_id)


def test_a_resend_is_a_new_delivery_of_the_same_event():
    make_endpoint()
    event = record(1)[0]
    fan_out()
    original = claim()
    finish(original, REFUSED)
    resent = [resend_delivery(owner=OWNER, delivery_id=original[0].delivery_id) for _ in range(2)]
    assert [row.resend_no for row in resent] == [1, 2]
    claims = claim()
    assert {one.event_id for one in claims} == {event.id}
    assert {one.attempt_number for one in claims} == {1}
    finish(claims)
    again = resend_delivery(owner=OWNER, delivery_id=resent[0].id)
    assert again.resend_no == 3
    assert get_delivery(owner=OWNER, delivery_id=original[0].delivery_id).state == "pending"
    assert_lanes_count_their_leases()


def test_a_resend_ignores_a_hold_and_a_disabled_endpoint():
    make_endpoint()
    record(2)
    fan_out()
    ended = claim(1)
    finish(ended)
    query("UPDATE dispatcher_endpoint SET status = 'disabled'")
    query("UPDATE dispatcher_lane SET hold_until = now() + interval '1 hour', ready_at = 'infinity'")
    resent = resend_delivery(owner=OWNER, delivery_id=ended[0].delivery_id)
    assert [one.delivery_id for one in claim()] == [resent.id]


def test_a_resend_to_a_deleted_endpoint_is_refused():
    make_endpoint()
    record(1)
    fan_out()
    ended = claim()
    finish(ended)
    query("UPDATE dispatcher_endpoint SET deleted_at = now()")
    with pytest.raises(DeliveryNotFound):
        resend_delivery(owner=OWNER, delivery_id=ended[0].delivery_id)


def test_stop_ends_a_waiting_delivery():
    make_endpoint()
    record(1)
    fan_out()
    stopped = stop_delivery(owner=OWNER, delivery_id=Delivery.objects.get().id)
    assert (stopped.state, stopped.reason) == ("cancelled", "stopped")
    assert claim() == []
    assert not Attempt.objects.exists()
    with pytest.raises(DeliveryEnded, match=r"has ended \(cancelled\)"):
        stop_delivery(owner=OWNER, delivery_id=stopped.id)


def test_stop_of_a_send_under_way_frees_its_place_and_its_late_result_is_superseded():
    make_endpoint(max_in_flight=1)
    record(2)
    fan_out()
    under_way = claim()
    stop_delivery(owner=OWNER, delivery_id=under_way[0].delivery_id)
    assert_lanes_count_their_leases()
    assert Attempt.objects.get().outcome == "unknown"
    assert len(claim()) == 1
    assert finish(under_way)[0].superseded
    attempt = Attempt.objects.get(delivery_id=under_way[0].delivery_id)
    assert (attempt.outcome, attempt.superseded) == ("succeeded", True)
    assert FinishedDelivery.objects.get().state == "cancelled"
    assert_lanes_count_their_leases()


def test_a_resend_never_counts_against_its_endpoint():
    make_endpoint()
    record(1)
    fan_out()
    ended = claim()
    finish(ended)
    resend_delivery(owner=OWNER, delivery_id=ended[0].delivery_id)
    finish(claim(), BUSY)
    record(1)
    fan_out()
    assert len(claim()) == 1


def test_a_resend_behind_the_cap_and_a_hold_is_woken_when_the_cap_is_left():
    make_endpoint(max_in_flight=1)
    record(2)
    fan_out()
    first = claim()
    resent = resend_delivery(owner=OWNER, delivery_id=first[0].delivery_id)
    assert claim() == []
    finish(first, BUSY)
    assert [one.delivery_id for one in claim()] == [resent.id]


def test_disabling_and_deleting_do_not_wait_for_the_end_of_a_hold():
    for end in ("disable", "delete"):
        endpoint = make_endpoint()
        record(1)
        fan_out()
        query(
            "UPDATE dispatcher_lane SET hold_until = now() + interval '1 day', ready_at = now() + interval '1 day'"
        )
        if end == "disable":
            update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "disabled"})
        else:
            delete_endpoint(owner=OWNER, endpoint_id=endpoint.id)
        assert claim() == []
        assert FinishedDelivery.objects.filter(endpoint=endpoint).get().state == "cancelled"
        query("UPDATE dispatcher_endpoint SET deleted_at = now()")

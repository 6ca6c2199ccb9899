"""Auto-disable: nothing but failures for a whole span, warnings before it, and what the owner is told."""

import json
from datetime import timedelta
from typing import Any

import pytest

from dispatcher import disabling
from dispatcher.deliveries import resend_delivery
from dispatcher.disabling import disable_endpoints
from dispatcher.endpoints import update_endpoint
from dispatcher.lanes import LaneTouches, touch_lanes
from dispatcher.models import Delivery, Endpoint, FinishedDelivery
from dispatcher.outcomes import Outcome
from outbox.identifiers import new_uuid
from outbox.models import Event, PendingEvent
from tests.dispatcher.scenes import (
    GONE,
    OWNER,
    REFUSED,
    SUCCESS,
    claim,
    fan_out,
    finish,
    lane_of,
    lane_row,
    make_endpoint,
    query,
    record,
    scalar,
)

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]

SPAN = timedelta(days=5)


def failing(percent: float, *, warned: int = 0) -> Endpoint:
    """An endpoint that has failed for so much of the span."""
    endpoint = make_endpoint()
    query(
        "UPDATE dispatcher_lane SET failing_since = clock_timestamp() - %s, failure_streak = 3, "
        "warned_percent = %s WHERE endpoint_id = %s",
        SPAN * percent / 100, warned, endpoint.id,
    )  # fmt: skip
    return endpoint


def crossed(endpoint: Endpoint, outcome: Outcome = REFUSED, *, times: int = 1) -> bool:
    """Whether recording such an attempt tells that a mark was passed."""
    touches = LaneTouches()
    for _ in range(times):
        touches[endpoint.id].judge(outcome, began=scalar("SELECT extract(epoch FROM now())::float8"))
    return touch_lanes(touches) == [endpoint.id]


def told() -> list[tuple[str, dict[str, Any]]]:
    return [(event.type, json.loads(event.data)) for event in Event.objects.order_by("id")]


def test_the_span_begins_with_the_first_failure_and_ends_with_a_success():
    endpoint = make_endpoint()
    record(4)
    fan_out()
    claims = claim()
    assert lane_row(endpoint).failing_since is None
    finish(claims[:1], REFUSED)
    since = lane_row(endpoint).failing_since
    assert since is not None
    finish(claims[1:2], REFUSED)
    assert lane_row(endpoint).failing_since == since
    query("UPDATE dispatcher_lane SET warned_percent = 70")
    finish(claims[2:3], SUCCESS)
    lane = lane_row(endpoint)
    assert (lane.failing_since, lane.warned_percent) == (None, 0)
    finish(claims[3:], REFUSED)
    assert lane_row(endpoint).failing_since > since


def test_a_resend_by_hand_neither_begins_nor_ends_a_span():
    endpoint = make_endpoint()
    record(1)
    fan_out()
    finish(claim(), SUCCESS)
    ended = FinishedDelivery.objects.get()
    resend_delivery(owner=OWNER, delivery_id=ended.id)
    finish(claim(), REFUSED)
    assert lane_row(endpoint).failing_since is None
    query("UPDATE dispatcher_lane SET failing_since = now()")
    resend_delivery(owner=OWNER, delivery_id=ended.id)
    finish(claim(), SUCCESS)
    assert lane_row(endpoint).failing_since is not None


@pytest.mark.parametrize(
    ("percent", "warned", "tells"),
    [
        (49.9, 0, False),
        (50.1, 0, True),
        (69.9, 50, False),
        (70.1, 50, True),
        (89.9, 70, False),
        (90.1, 70, True),
        (99.9, 90, False),
        (100.1, 90, True),
        (300, 100, False),
    ],
)
def test_recording_tells_of_each_mark_once(percent, warned, tells):
    assert crossed(failing(percent, warned=warned)) == tells


def test_only_a_failure_tells():
    assert not crossed(failing(95), SUCCESS)
    endpoint = failing(95)
    touches = LaneTouches()
    touches[endpoint.id].unleased = 0
    assert touch_lanes(touches) == []


def test_an_endpoint_that_only_failed_for_the_whole_span_is_disabled_and_its_owner_told():
    endpoint = failing(101, warned=90)
    other = make_endpoint()
    since = lane_row(endpoint).failing_since
    record(2)
    fan_out()
    assert crossed(endpoint)
    disabled = disable_endpoints(failing=[endpoint.id])
    assert [(one.endpoint_id, one.reason) for one in disabled] == [(endpoint.id, "failing")]
    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.status_reason) == ("disabled", "failing")
    kind, data = told()[-1]
    assert kind == "endpoint.disabled"
    assert data == {
        "id": endpoint.public_id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "status": "disabled",
        "reason": "failing",
        "disabled_at": int(endpoint.status_since.timestamp()),
        "failing_since": int(since.timestamp()),
    }
    assert lane_of(endpoint)[1]
    assert {one.endpoint.id for one in claim()} == {other.id}
    ends = FinishedDelivery.objects.filter(endpoint=endpoint).values_list("state", "reason")
    assert list(ends) == [("cancelled", "endpoint_disabled")] * 2
    fan_out()
    assert Delivery.objects.filter(endpoint=other, event_id=Event.objects.latest("id").id).exists()


def test_an_owner_is_warned_once_at_each_mark():
    endpoint = failing(40)
    percents, since = [], 0
    for percent in (49, 51, 55, 71, 72, 91, 95):
        query("UPDATE dispatcher_lane SET failing_since = clock_timestamp() - %s", SPAN * percent / 100)
        if crossed(endpoint):
            assert disable_endpoints(failing=[endpoint.id]) == []
            percents.append(told()[-1][1]["percent"])
            since = int(lane_row(endpoint).failing_since.timestamp())
    assert percents == [50, 70, 90]
    assert [kind for kind, _ in told()] == ["endpoint.failing"] * 3
    endpoint.refresh_from_db()
    assert endpoint.status == "enabled"
    assert told()[-1][1] == {
        "id": endpoint.public_id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "status": "enabled",
        "percent": 90,
        "failing_since": since,
        "disables_at": since + int(SPAN.total_seconds()),
    }


def test_marks_that_passed_unseen_are_told_as_one():
    endpoint = failing(80)
    disable_endpoints(failing=[endpoint.id])
    assert [data["percent"] for _, data in told()] == [70]
    assert lane_row(endpoint).warned_percent == 70


def test_a_new_span_is_warned_of_anew():
    endpoint = failing(60, warned=50)
    assert not crossed(endpoint)
    crossed(endpoint, SUCCESS)
    query("UPDATE dispatcher_lane SET failing_since = clock_timestamp() - %s", SPAN * 0.6)
    assert crossed(endpoint)


def test_a_success_in_between_keeps_the_endpoint():
    endpoint = failing(101)
    assert crossed(endpoint)
    crossed(endpoint, SUCCESS)
    assert disable_endpoints(failing=[endpoint.id]) == []
    endpoint.refresh_from_db()
    assert (endpoint.status, told()) == ("enabled", [])


def test_two_dispatchers_that_saw_the_same_tell_of_it_once():
    endpoint, warned = failing(101), failing(55)
    for _ in range(2):
        disable_endpoints(failing=[endpoint.id, warned.id], gone=[endpoint.id])
    assert sorted(kind for kind, _ in told()) == ["endpoint.disabled", "endpoint.failing"]


def test_failures_after_the_disable_tell_nothing():
    endpoint = failing(101)
    disable_endpoints(failing=[endpoint.id])
    assert not crossed(endpoint)


def test_without_a_span_nothing_is_ever_disabled(settings):
    settings.DISPATCHER = {**settings.DISPATCHER, "DISABLE_AFTER": None}
    endpoint = failing(10_000)
    assert not crossed(endpoint)
    assert disable_endpoints(failing=[endpoint.id]) == []
    assert told() == []


def test_gone_endpoints_are_disabled_once_and_their_owners_told():
    endpoint, other = make_endpoint(), make_endpoint(status="disabled")
    disable_endpoints(gone=[endpoint.id, other.id, new_uuid()])
    reasons = dict(Endpoint.objects.values_list("id", "status_reason"))
    assert reasons == {endpoint.id: "http_410_gone", other.id: None}
    ((kind, data),) = told()
    assert (kind, data["reason"], data["id"], data["failing_since"]) == (
        "endpoint.disabled",
        "http_410_gone",
        endpoint.public_id,
        None,
    )


def test_a_deleted_endpoint_is_left_alone():
    endpoint = failing(101)
    query("UPDATE dispatcher_endpoint SET deleted_at = now()")
    assert disable_endpoints(gone=[endpoint.id], failing=[endpoint.id]) == []
    assert told() == []


@pytest.mark.django_db(transaction=True)
def test_the_disable_and_its_event_commit_together_or_not_at_all(monkeypatch):
    endpoint = failing(101)

    def refuse(**_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(disabling, "record_event", refuse)
        with pytest.raises(RuntimeError):
            disable_endpoints(failing=[endpoint.id])
    endpoint.refresh_from_db()
    assert (endpoint.status, lane_row(endpoint).warned_percent) == ("enabled", 0)
    disable_endpoints(failing=[endpoint.id])
    assert (PendingEvent.objects.count(), Event.objects.get().owner) == (1, OWNER)


def test_enabling_begins_a_new_span():
    endpoint = failing(101)
    disable_endpoints(failing=[endpoint.id])
    update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "enabled"})
    lane = lane_row(endpoint)
    assert (lane.failing_since, lane.warned_percent, lane.failure_streak) == (None, 0, 0)
    assert not crossed(endpoint)


def test_a_410_counts_as_a_failure():
    endpoint = make_endpoint()
    record(1)
    fan_out()
    finish(claim(), GONE)
    assert lane_row(endpoint).failing_since is not None

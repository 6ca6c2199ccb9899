"""A tail shows every delivery and every attempt once, in whatever order they are committed."""

import uuid
from datetime import timedelta

import pytest

import dispatcher.tailing
from dispatcher.deliveries import database_now
from dispatcher.tailing import Tail
from outbox.identifiers import floor_uuid
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import REFUSED, claim, fan_out, finish, make_endpoint, query, record

pytestmark = pytest.mark.django_db


def attempt(endpoint, moment, *, outcome="succeeded", place=1) -> uuid.UUID:
    """A row as a record writes it, of a claim at that moment."""
    made = uuid.UUID(int=floor_uuid(moment).int + place)
    query(
        "INSERT INTO dispatcher_attempt "
        "(id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, truncated, superseded) "
        "VALUES (%s, %s, %s, %s, 1, 1, %s, %s, false, false)",
        made, uuid.uuid4(), endpoint.id, uuid.uuid4(), moment, outcome,
    )  # fmt: skip
    return made


def test_deliveries_and_attempts_are_shown_once():
    endpoint = make_endpoint()
    tail = Tail(since=database_now())
    (event,) = record(type="customer.created")
    fan_out()
    deliveries, attempts = tail.look()
    assert [(one.event_id, one.type, one.url, one.state) for one in deliveries] == [
        (event.id, "customer.created", endpoint.url, "pending")
    ]
    assert attempts == []
    finish(claim(), REFUSED)
    deliveries, attempts = tail.look()
    assert deliveries == []
    assert [(one.status, one.number, one.attempts, one.state) for one in attempts] == [(500, 1, 1, "pending")]
    assert attempts[0].next_attempt_at is not None
    assert tail.look() == ([], [])


def test_a_row_that_appears_behind_others_is_not_missed():
    endpoint = make_endpoint()
    now = database_now()
    tail = Tail(since=now - timedelta(minutes=2))
    newer = attempt(endpoint, now)
    assert [one.id for one in tail.look()[1]] == [newer]
    older = attempt(endpoint, now - timedelta(seconds=20))
    assert [one.id for one in tail.look()[1]] == [older]
    assert tail.look() == ([], [])


def test_a_long_past_is_read_in_parts(monkeypatch):
    monkeypatch.setattr(dispatcher.tailing, "LIMIT", 3)
    endpoint = make_endpoint()
    beginning = database_now() - timedelta(hours=5)
    # More of one moment than a look reads, too.
    made = [attempt(endpoint, beginning + timedelta(minutes=minute)) for minute in range(4)]
    made += [attempt(endpoint, beginning + timedelta(minutes=9), place=place) for place in range(1, 6)]
    tail = Tail(since=beginning)
    seen = [[one.id for one in tail.look()[1]] for _ in range(4)]
    assert [one for part in seen for one in part] == sorted(made)
    assert [len(part) for part in seen] == [3, 3, 3, 0]


def test_a_tail_can_be_of_one_endpoint_or_of_failures_alone():
    one, other = make_endpoint(), make_endpoint()
    now = database_now()
    attempt(one, now)
    bad = attempt(other, now, outcome="failed", place=2)
    record()
    fan_out()
    since = now - timedelta(minutes=1)
    assert [row.id for row in Tail(since=since, endpoint_id=other.id).look()[1]] == [bad]
    assert {row.endpoint_id for row in Tail(since=since, endpoint_id=one.id).look()[0]} == {one.id}
    deliveries, attempts = Tail(since=since, failed=True).look()
    assert (deliveries, [row.id for row in attempts]) == ([], [bad])


def test_what_was_skipped_is_shown_with_its_reason():
    make_endpoint(status="disabled")
    since = database_now()
    record()
    fan_out()
    ((skipped,), _) = Tail(since=since).look()
    assert (skipped.state, skipped.reason) == ("skipped", "endpoint_disabled")


def test_a_look_reads_no_history():
    endpoint = make_endpoint()
    now = database_now()
    for number in range(300):
        attempt(endpoint, now - timedelta(hours=1, seconds=number))
    fresh = [attempt(endpoint, now, place=place) for place in range(1, 4)]
    query("ANALYZE dispatcher_attempt")
    with counted_rows() as count:
        assert len(Tail(since=now - timedelta(minutes=1)).look()[1]) == len(fresh)
    assert count.largest() <= 50, count.worst()

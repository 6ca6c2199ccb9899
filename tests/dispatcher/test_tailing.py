"""A tail shows every delivery and every attempt once, in whatever order they are committed."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest

import dispatcher.tailing
from dispatcher.deliveries import database_now
from dispatcher.tailing import Tail, TailedAttempt
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
    assert not tail.behind


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


def test_a_few_of_many_are_found_in_windows_and_each_look_says_whether_more_is_to_be_read(monkeypatch):
    monkeypatch.setattr(dispatcher.tailing, "WINDOW", 4)
    busy, quiet = make_endpoint(), make_endpoint()
    beginning = database_now() - timedelta(hours=5)
    for minute in range(10):
        attempt(busy, beginning + timedelta(minutes=minute))
    rare = attempt(quiet, beginning + timedelta(minutes=20))
    tail = Tail(since=beginning, endpoint_id=quiet.id)
    looks = [([one.id for one in tail.look()[1]], tail.behind) for _ in range(4)]
    assert looks == [([], True), ([], True), ([rare], False), ([], False)]


def test_what_appears_behind_a_pass_that_is_under_way_is_shown_by_the_next_one(monkeypatch):
    """However much there is to read: a pass ends, and the next begins where nothing appears any more."""
    monkeypatch.setattr(dispatcher.tailing, "WINDOW", 2)
    endpoint = make_endpoint()
    now = database_now()
    shown = [attempt(endpoint, now - timedelta(seconds=10 - place)) for place in range(5)]
    tail = Tail(since=now - timedelta(minutes=1))
    found = tail.look()[1]
    late = attempt(endpoint, now - timedelta(seconds=30))
    assert [one.id for one in [*found, *rest_of_the_pass(tail)]] == shown
    assert [one.id for one in [*tail.look()[1], *rest_of_the_pass(tail)]] == [late]


def rest_of_the_pass(tail: Tail) -> Iterator[TailedAttempt]:
    while tail.behind:
        yield from tail.look()[1]


@pytest.mark.postgres_versions
def test_a_look_for_one_endpoint_reads_a_window_however_long_the_others_history(monkeypatch):
    monkeypatch.setattr(dispatcher.tailing, "WINDOW", 200)
    busy, quiet = make_endpoint(), make_endpoint()
    query(
        "INSERT INTO dispatcher_attempt "
        "(id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, truncated, superseded) "
        "SELECT outbox_uuid7(), outbox_uuid7(), %s, outbox_uuid7(), 1, 1, now(), 'succeeded', false, false "
        "FROM generate_series(1, 20000)",
        busy.id,
    )
    query(
        "INSERT INTO dispatcher_finished_delivery "
        "(id, owner, endpoint_id, event_id, state, attempts, resend_no, finished_at) "
        "SELECT outbox_uuid7(), owner, id, outbox_uuid7(), 'succeeded', 1, 0, now() "
        "FROM dispatcher_endpoint CROSS JOIN generate_series(1, 20000) WHERE id = %s",
        busy.id,
    )
    query("SET LOCAL lock_timeout = '30s'")  # autovacuum may be at it, and gives way
    query("ANALYZE dispatcher_attempt, dispatcher_finished_delivery")
    for failed in (False, True):
        tail = Tail(since=database_now() - timedelta(hours=1), endpoint_id=quiet.id, failed=failed)
        with counted_rows() as count:
            assert tail.look() == ([], [])
        assert tail.behind
        assert count.largest() <= 2 * 200 + 20, count.worst()

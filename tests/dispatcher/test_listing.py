"""Lists of deliveries for operators: what they hold, page by page, and what they read for it."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from dispatcher import listing
from dispatcher.deliveries import database_now
from dispatcher.endpoints import update_endpoint
from dispatcher.errors import SearchRefused
from dispatcher.failures import FailureCode
from dispatcher.listing import FoundDeliveries, ListedDelivery, find_deliveries
from dispatcher.models import Attempt, DeliveryRecord, Endpoint
from dispatcher.outcomes import Outcome
from outbox.identifiers import moment_of
from outbox.models import Event
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import (
    GONE,
    OWNER,
    REFUSED,
    SUCCESS,
    claim,
    fan_out,
    finish_each,
    make_due,
    make_endpoint,
    query,
    record,
)
from tests.processes import until

pytestmark = pytest.mark.django_db

TIMEOUT = Outcome(succeeded=False, failure_code=FailureCode.TIMEOUT_TOTAL, detail="no answer")
TYPES = ("parcel.sent", "parcel.lost")
OWNERS = (OWNER, "acct_other")


@pytest.fixture
def story() -> list[Endpoint]:
    """Deliveries of two owners in every state, with failures of three kinds."""
    endpoints = [make_endpoint(owner=owner, max_in_flight=1000) for owner in OWNERS for _ in range(2)]
    for number in range(5):
        for owner in OWNERS:
            record(2, owner=owner, type=TYPES[number % 2])
    fan_out()
    outcomes = [SUCCESS, REFUSED, TIMEOUT, GONE]
    finish_each([(one, outcomes[number % 4]) for number, one in enumerate(claim(24))])
    make_due()
    finish_each([(one, outcomes[number % 3]) for number, one in enumerate(claim(6))])
    make_due()
    claim(3)
    update_endpoint(owner=OWNER, endpoint_id=endpoints[0].id, changes={"status": "disabled"})
    record(3)
    fan_out()
    return endpoints


def expected(**filters: Any) -> list[uuid.UUID]:
    """The same by brute force: every delivery there is, each filter on its own."""
    types = dict(Event.objects.values_list("id", "type"))
    failed: dict[uuid.UUID, uuid.UUID] = {}
    if code := filters.get("failure_code"):
        for attempt in Attempt.objects.filter(failure_code=code).order_by("id"):
            failed[attempt.delivery_id] = attempt.id
    kept = [
        row
        for row in DeliveryRecord.objects.all()
        if filters.get("owner") in (None, row.owner)
        and filters.get("endpoint_id") in (None, row.endpoint_id)
        and filters.get("event_id") in (None, row.event_id)
        and filters.get("state") in (None, row.state)
        and filters.get("event_type") in (None, types[row.event_id])
        and (code is None or row.id in failed)
    ]
    if code and "owner" not in filters:
        kept.sort(key=lambda row: failed[row.id], reverse=True)
    elif "owner" in filters or "endpoint_id" in filters:
        kept.sort(key=lambda row: (row.event_id, row.id), reverse=True)
    else:
        kept.sort(key=lambda row: row.id, reverse=True)
    return [row.id for row in kept]


def pages(limit: int, **filters: Any) -> Iterator[FoundDeliveries]:
    cursor = None
    while True:
        found = find_deliveries(limit=limit, cursor=cursor, **filters)
        yield found
        cursor = found.next_cursor
        if cursor is None:
            return


def rows(limit: int, **filters: Any) -> list[ListedDelivery]:
    return [row for found in pages(limit, **filters) for row in found.rows]


FILTERS: list[dict[str, Any]] = [
    {},
    {"owner": OWNER},
    {"owner": "acct_nobody"},
    *(
        {"state": state}
        for state in ("pending", "sending", "succeeded", "dead_lettered", "cancelled", "skipped")
    ),
    {"owner": OWNER, "state": "dead_lettered"},
    {"owner": "acct_other", "state": "sending"},
    {"event_type": "parcel.lost"},
    {"event_type": "parcel.lost", "state": "succeeded"},
    {"event_type": "parcel.lost", "owner": OWNER, "state": "pending"},
    {"event_type": "parcel.unknown"},
    {"failure_code": "http_5xx"},
    {"failure_code": "http_5xx", "owner": "acct_other"},
    {"failure_code": "timeout_total", "owner": OWNER, "state": "succeeded"},
    {"failure_code": "timeout_total", "owner": OWNER, "event_type": "parcel.lost"},
    {"failure_code": "timeout_total", "state": "pending", "event_type": "parcel.sent"},
    {"failure_code": "http_410_gone", "state": "dead_lettered"},
    {"failure_code": "tls_untrusted"},
]


@pytest.mark.parametrize(
    "filters", FILTERS, ids=lambda filters: ",".join(map(str, filters.values())) or "all"
)
def test_a_list_holds_what_matches_newest_first_however_it_is_cut(story, filters):
    wanted = expected(**filters)
    for limit in (1, 3, 200):
        assert [row.id for row in rows(limit, **filters)] == wanted, limit
    if filters.get("owner") == OWNER or not filters:
        of_endpoint = {**filters, "endpoint_id": story[1].id}
        assert [row.id for row in rows(2, **of_endpoint)] == expected(**of_endpoint)
    if filters.get("owner") == OWNER and wanted:
        of_event = {**filters, "event_id": DeliveryRecord.objects.get(id=wanted[-1]).event_id}
        for limit in (1, 200):
            assert [row.id for row in rows(limit, **of_event)] == expected(**of_event)


@pytest.mark.parametrize("filters", [each for each in FILTERS if each], ids=str)
def test_a_window_that_ends_early_says_so_and_goes_on(story, filters, monkeypatch):
    monkeypatch.setattr(listing, "WINDOW", 4)
    found = list(pages(2, **filters))
    assert [row.id for page in found for row in page.rows] == expected(**filters)
    for page in found:
        if page.searched_until is not None:
            assert len(page.rows) <= 2
            assert all(row.created_at >= page.searched_until - timedelta(seconds=1) for row in page.rows)
    assert found[-1].searched_until is None


def test_a_line_tells_of_its_event_its_endpoint_and_its_last_attempt(story):
    for row in rows(200):
        record_of_it = DeliveryRecord.objects.get(id=row.id)
        assert (row.state, row.reason, row.attempts) == (
            record_of_it.state,
            record_of_it.reason,
            record_of_it.attempts,
        )
        assert row.event_type == Event.objects.get(id=row.event_id).type
        assert row.endpoint_url == "https://shop.test/hook"
        last = Attempt.objects.filter(delivery_id=row.id).order_by("number").last()
        assert (row.last_code, row.last_outcome) == (
            (None, None) if last is None else (last.failure_code, last.outcome)
        )
        assert row.created_at == moment_of(row.id)
        assert (row.next_attempt_at is not None) == (row.state == "pending")


def test_a_range_bounds_the_list(story):
    newest = rows(1)[0].created_at
    until(lambda: database_now() > newest + timedelta(milliseconds=2), what="a later moment")
    record(2)
    fan_out()
    everything = rows(200)
    middle = everything[0].created_at
    later = rows(200, created_from=middle)
    earlier = rows(200, created_to=middle)
    assert {row.id for row in later} == {row.id for row in everything if row.created_at >= middle}
    assert {row.id for row in earlier} | {row.id for row in later} == {row.id for row in everything}
    event = moment_of(min(row.event_id for row in everything))
    assert rows(200, owner=OWNER, created_to=event) == []
    for filters in ({}, {"owner": OWNER}):
        wanted = rows(200, created_to=middle, **filters)
        assert wanted
        assert rows(1, created_to=middle, **filters) == wanted
    assert rows(200, failure_code="http_5xx", created_from=datetime(2100, 1, 1).astimezone()) == []


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"state": "lost"}, "state", "must be one of pending, sending"),
        ({"failure_code": "http_999"}, "failure_code", "'http_999' is no failure code"),
        ({"cursor": "nonsense"}, "cursor", "begin with the first page"),
        ({"cursor": f"event-{uuid.uuid4().hex}-{uuid.uuid4().hex}"}, "cursor", "other filters"),
        ({"limit": 0}, "limit", "between 1 and 200"),
        ({"event_id": uuid.uuid4()}, "event_id", "needs the owner"),
        (
            {
                "created_from": datetime(2026, 2, 1).astimezone(),
                "created_to": datetime(2026, 1, 1).astimezone(),
            },
            "created_to",
            "later than created_from",
        ),
    ],
)
def test_what_is_no_filter_is_refused_with_its_field(given, field, sentence):
    with pytest.raises(SearchRefused, match=sentence) as refused:
        find_deliveries(**given)
    assert refused.value.field == field


# What a page reads of 30,000 finished and 3,000 live deliveries with an attempt each.
COUNT = 30_000


@pytest.fixture(scope="module")
def filled(django_db_setup, django_db_blocker) -> Iterator[list[Endpoint]]:
    with django_db_blocker.unblock():
        made = [make_endpoint(owner=owner) for owner in OWNERS for _ in range(5)]
        _fill([endpoint.id for endpoint in made])
        yield made
        query(
            "TRUNCATE dispatcher_endpoint, dispatcher_lane, dispatcher_delivery, dispatcher_finished_delivery, "
            "dispatcher_attempt, outbox_event, outbox_pending CASCADE"
        )


def _fill(ids: list[uuid.UUID]) -> None:
    endpoint, owner = (
        "(%s::uuid[])[1 + n %% 10]",
        f"CASE WHEN n %% 10 < 5 THEN '{OWNERS[0]}' ELSE '{OWNERS[1]}' END",
    )
    with transaction.atomic():
        query(
            "CREATE TEMPORARY TABLE filled AS SELECT n, outbox_uuid7() AS id FROM generate_series(1, %s) n",
            COUNT + 3_000,
        )
        query(
            f"INSERT INTO outbox_event (id, owner, type, object_id, data) SELECT id, {owner}, "
            "CASE WHEN n %% 100 = 0 THEN 'parcel.lost' ELSE 'parcel.sent' END, 'par', '{}' FROM filled"
        )
        query(
            "INSERT INTO dispatcher_finished_delivery "
            "(id, owner, endpoint_id, event_id, state, reason, attempts, resend_no, finished_at) "
            f"SELECT id, {owner}, {endpoint}, id, CASE WHEN n %% 50 = 0 THEN 'dead_lettered' ELSE 'succeeded' END, "
            "NULL, 1, 0, now() FROM filled WHERE n <= %s",
            ids, COUNT,
        )  # fmt: skip
        query(
            "INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at, lease_owner) "
            f"SELECT id, {owner}, {endpoint}, id, now(), "
            "CASE WHEN n %% 100 = 0 THEN id END FROM filled WHERE n > %s",
            ids, COUNT,
        )  # fmt: skip
        query(
            "INSERT INTO dispatcher_attempt "
            "(id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome, failure_code) "
            f"SELECT id, id, {endpoint}, id, 1, 1, now(), "
            "CASE WHEN n %% 10 = 0 THEN 'failed' ELSE 'succeeded' END, "
            "CASE WHEN n %% 10 = 0 THEN 'http_5xx' END FROM filled",
            ids,
        )  # fmt: skip
        query("DROP TABLE filled")
    query("ANALYZE outbox_event, dispatcher_delivery, dispatcher_finished_delivery, dispatcher_attempt")


@pytest.mark.parametrize(
    ("filters", "bound"),
    [
        ({}, 8 * 51),
        ({"state": "dead_lettered"}, 4 * 51),
        ({"state": "succeeded"}, 4 * 51),
        ({"state": "pending"}, 2 * 2_000 + 200),
        ({"state": "sending"}, 2 * 300),
        ({"owner": OWNER}, 12 * 51),
        ({"owner": OWNER, "state": "dead_lettered"}, 4 * 51),
        ({"failure_code": "http_5xx"}, 2 * 2_000 + 5_000),
        ({"failure_code": "http_5xx", "owner": OWNER}, 8 * 2_000),
        ({"failure_code": "tls_untrusted", "owner": OWNER}, 8 * 2_000),
        ({"event_type": "parcel.lost"}, 5 * 2_000),
        ({"event_type": "parcel.lost", "owner": OWNER}, 8 * 2_000),
        ({"event_type": "parcel.unknown"}, 5 * 2_000),
    ],
    ids=str,
)
def test_a_page_reads_a_window_at_most_wherever_it_begins(filled, filters, bound):
    cursor = None
    for _ in range(3):
        with counted_rows() as count:
            found = find_deliveries(limit=50, cursor=cursor, **filters)
        assert len(count.statements) == (3 if found.rows else 1)
        assert count.largest() <= bound, count.worst()
        cursor = found.next_cursor
        if cursor is None:
            break


def test_an_endpoints_page_reads_as_much(filled):
    with counted_rows() as count:
        assert len(find_deliveries(limit=50, endpoint_id=filled[3].id).rows) == 50
    assert count.largest() <= 12 * 51, count.worst()

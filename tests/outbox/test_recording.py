"""record_event: in the caller's transaction or not at all, and byte for byte."""

import json
import math

import pytest
from django.db import Error, OperationalError, connection, transaction
from django.test import override_settings

from outbox.database import fetch_all
from outbox.errors import EventRefused, OutboxError, TransactionRequired
from outbox.models import Event, PendingEvent
from outbox.recording import record_event
from outbox.sql import prepared

pytestmark = pytest.mark.postgres_versions


def record(**changes):
    given = {"owner": "acct_1", "type": "parcel.sent", "object_id": "par_1", "data": {"id": "par_1"}}
    return record_event(**{**given, **changes})


@pytest.mark.django_db(transaction=True)
def test_refuses_to_run_outside_a_transaction():
    with pytest.raises(TransactionRequired, match="must run inside transaction"):
        record()
    assert not Event.objects.exists()
    assert issubclass(TransactionRequired, OutboxError)


@pytest.mark.django_db(transaction=True)
def test_event_and_pointer_commit_together_or_not_at_all():
    with transaction.atomic():
        record()
        transaction.set_rollback(True)
    assert (Event.objects.count(), PendingEvent.objects.count()) == (0, 0)
    with transaction.atomic():
        event = record()
    assert [row.id for row in Event.objects.all()] == [event.id]
    assert [row.event_id for row in PendingEvent.objects.all()] == [event.id]


@pytest.mark.django_db
def test_the_body_is_frozen_compact_and_exact():
    data = {"b": 1, "a": ["é", "\u2028", "\x00", None, True], "big": 2**62}
    event = record(data=data)
    stored = Event.objects.get()
    assert (
        stored.data
        == event.data
        == '{"b":1,"a":["é","\u2028","\\u0000",null,true],"big":4611686018427387904}'
    )
    assert json.loads(stored.data) == data == stored.decoded_data()


@pytest.mark.django_db
def test_it_takes_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        record(request_id="req_1", idempotency_key="key")
    assert Event.objects.values_list("request_id", "idempotency_key").get() == ("req_1", "key")


@pytest.mark.django_db
def test_without_fan_out_there_is_no_pointer():
    record(fan_out=False)
    assert (Event.objects.count(), PendingEvent.objects.count()) == (1, 0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"x": math.nan}, "not JSON"),
        ({"x": object()}, "not JSON"),
        ({"x": "\ud800"}, "not JSON"),
        ({"x": "y" * 300_000}, "the limit is 262144"),
    ],
)
def test_data_that_cannot_be_kept_is_refused(data, reason):
    with pytest.raises(EventRefused, match=reason) as refused:
        record(data=data)
    assert refused.value.type == "parcel.sent"
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_the_limit_is_a_setting(settings):
    settings.OUTBOX = {"MAX_EVENT_BYTES": 10}
    with pytest.raises(EventRefused, match="has 14 bytes, the limit is 10"):
        record(data={"id": "par_1"})


@pytest.mark.django_db
def test_ids_of_the_database_and_of_python_have_one_layout():
    with connection.cursor() as cursor:
        cursor.execute("SELECT outbox_uuid7(), outbox_uuid7(), extract(epoch FROM clock_timestamp()) * 1000")
        first, second, milliseconds = cursor.fetchone()
    for made in (first, second, record().id):
        assert (made.version, made.variant) == (7, "specified in RFC 4122")
        assert abs((made.int >> 80) - float(milliseconds)) < 60_000
    assert first != second


@pytest.mark.django_db
def test_the_pointer_carries_the_order_key_and_a_place_that_only_grows():
    record(object_id="par_1")
    record(object_id="par_2", order_key="truck")
    record(object_id="par_3", fan_out=False)
    pointers = list(PendingEvent.objects.order_by("sequence").values_list("order_key", flat=True))
    assert pointers == ["par_1", "truck"]
    assert PendingEvent.objects.filter(sequence=None).count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "length"),
    [
        ({"order_key": ""}, 0),
        ({"order_key": "k" * 501}, 501),
        ({"object_id": "o" * 501}, 501),
        ({"order_key": "a\0"}, 2),
    ],
)
def test_an_order_key_that_cannot_be_kept_is_refused(changes, length):
    with pytest.raises(
        EventRefused, match=f"order_key .* must have 1 to 500 characters .* this one has {length}"
    ):
        record(**changes)
    assert not Event.objects.exists()


def prepared_here() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_recording_is_prepared_once_a_session_unless_a_pooler_forbids_it():
    connection.close()
    with override_settings(OUTBOX={"PREPARE": False}), transaction.atomic():
        record()
        assert not prepared_here()
    for _ in range(2):
        with transaction.atomic():
            record()
    assert prepared_here() == {"outbox_record_event"}
    assert Event.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_lost_while_a_statement_is_prepared_is_djangos_error():
    connection.close()
    with connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    # Not within transaction.atomic(), which would find the loss before the statement is prepared.
    with pytest.raises(Error):
        fetch_all(prepared("outbox.sql", "record_event"), {})
    connection.close()


@pytest.mark.django_db
def test_what_was_before_is_kept_beside_what_is(settings):
    record(data={"id": "par_1", "weight": 2}, previous={"weight": 1, "note": "é"})
    stored = Event.objects.get()
    assert (stored.data, stored.previous) == ('{"id":"par_1","weight":2}', '{"weight":1,"note":"é"}')
    with pytest.raises(EventRefused, match="not JSON"):
        record(previous={"weight": math.nan})
    settings.OUTBOX = {"MAX_EVENT_BYTES": 100}
    with pytest.raises(EventRefused, match="the limit is 100"):
        record(previous={"note": "x" * 100})
    record()
    assert Event.objects.filter(previous=None).count() == 1

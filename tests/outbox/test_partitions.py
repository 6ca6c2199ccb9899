"""Partitions: made ahead, dropped whole when they are over, never while live work needs them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command

from dispatcher.models import Attempt, Delivery
from outbox.identifiers import floor_uuid, new_uuid
from outbox.models import Event
from outbox.partitions import (
    PartitionedTable,
    Period,
    maintain_partitions,
    partitioned_tables,
    partitions_of,
)
from tests.dispatcher.scenes import claim, fan_out, finish, held_elsewhere, make_endpoint, query, record

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]

TODAY = datetime.now(tz=UTC).date()


def table(name: str) -> PartitionedTable:
    return next(one for one in partitioned_tables() if one.name == name)


def where(row_id: object, name: str) -> str:
    return str(query(f"SELECT tableoid::regclass::text FROM {name} WHERE id = %s", row_id)[0][0])


@pytest.mark.parametrize(
    ("period", "day", "beginning", "following"),
    [
        (Period.DAY, date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1)),
        (Period.MONTH, date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
        (Period.MONTH, date(2026, 2, 3), date(2026, 2, 1), date(2026, 3, 1)),
    ],
)
def test_periods(period, day, beginning, following):
    assert period.beginning(day) == beginning
    assert period.after(beginning) == following


def test_a_migrated_database_has_partitions_for_the_days_to_come():
    names = {one.name for one in partitioned_tables()}
    assert names == {
        "outbox_event",
        "dispatcher_attempt",
        "dispatcher_finished_delivery",
        "api_request_log",
    }
    assert len(partitions_of(table("dispatcher_attempt"))) == 8
    assert len(partitions_of(table("outbox_event"))) == 2
    make_endpoint()
    event = record(1)[0]
    fan_out()
    claims = claim()
    finish(claims)
    assert where(event.id, "outbox_event") == f"outbox_event_{TODAY:%Y%m}"
    assert where(claims[0].attempt_id, "dispatcher_attempt") == f"dispatcher_attempt_{TODAY:%Y%m%d}"
    assert where(claims[0].delivery_id, "dispatcher_finished_delivery").endswith(f"_{TODAY:%Y%m}")


def test_maintenance_repeated_does_nothing():
    maintain_partitions()
    again = maintain_partitions()
    assert (again.made, again.dropped, again.failed) == ([], [], [])


def test_what_is_over_is_dropped_and_what_is_not_stays():
    later = TODAY + timedelta(days=31)
    done = maintain_partitions(today=later)
    assert f"dispatcher_attempt_{TODAY:%Y%m%d}" in done.dropped
    assert f"dispatcher_attempt_{TODAY + timedelta(days=1):%Y%m%d}" not in done.dropped
    assert not [name for name in done.dropped if name.startswith("outbox_event")]
    assert (
        partitions_of(table("dispatcher_attempt"))[-1]
        == f"dispatcher_attempt_{later + timedelta(days=7):%Y%m%d}"
    )


def test_a_partition_that_live_work_refers_to_is_kept():
    make_endpoint()
    record(1)
    fan_out()
    far = TODAY + timedelta(days=500)
    done = maintain_partitions(today=far)
    event_partition = f"outbox_event_{TODAY:%Y%m}"
    assert event_partition in done.kept
    assert f"dispatcher_attempt_{TODAY:%Y%m%d}" in done.kept
    assert Event.objects.count() == 1
    finish(claim())
    assert not Delivery.objects.exists()
    assert event_partition in maintain_partitions(today=far).dropped
    assert (Event.objects.count(), Attempt.objects.count()) == (0, 0)


def test_a_pointer_keeps_its_event():
    record(1)
    assert f"outbox_event_{TODAY:%Y%m}" in maintain_partitions(today=TODAY + timedelta(days=500)).kept


def test_rows_that_strayed_into_the_default_partition_move_over():
    long_ahead = TODAY + timedelta(days=90)
    moment = datetime(long_ahead.year, long_ahead.month, long_ahead.day, 12, tzinfo=UTC)
    stray = floor_uuid(moment)
    query(
        "INSERT INTO dispatcher_attempt "
        "(id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome) "
        "VALUES (%s, %s, %s, %s, 1, 1, now(), 'unknown')",
        stray, new_uuid(), new_uuid(), new_uuid(),
    )  # fmt: skip
    assert where(stray, "dispatcher_attempt") == "dispatcher_attempt_default"
    maintain_partitions(today=long_ahead)
    assert where(stray, "dispatcher_attempt") == f"dispatcher_attempt_{long_ahead:%Y%m%d}"


def test_the_command_says_what_it_did(capsys):
    call_command("maintain_partitions")
    query(f"DROP TABLE dispatcher_attempt_{TODAY + timedelta(days=7):%Y%m%d}")
    call_command("maintain_partitions")
    assert capsys.readouterr().out == f"made dispatcher_attempt_{TODAY + timedelta(days=7):%Y%m%d}\n"


@pytest.mark.django_db(transaction=True)
def test_maintenance_gives_way_to_work_that_holds_a_lock():
    name = f"dispatcher_attempt_{TODAY + timedelta(days=7):%Y%m%d}"
    query(f"DROP TABLE {name}")
    with held_elsewhere("LOCK TABLE dispatcher_attempt_default IN ROW EXCLUSIVE MODE"):
        done = maintain_partitions()
    assert [partition for partition, _ in done.failed] == [name]
    assert "lock timeout" in done.failed[0][1]
    assert maintain_partitions().made == [name]


@pytest.mark.django_db(transaction=True)
def test_one_process_maintains_at_a_time():
    name = f"dispatcher_attempt_{TODAY + timedelta(days=7):%Y%m%d}"
    query(f"DROP TABLE {name}")
    with held_elsewhere("SELECT pg_advisory_xact_lock(hashtext('outbox.partitions'))"):
        done = maintain_partitions()
    assert done.elsewhere
    assert done.made == []
    assert maintain_partitions().made == [name]

"""Partitions: made ahead, dropped whole when they are over, never while live work needs them."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from dispatcher.deliveries import resend_delivery
from dispatcher.errors import EventExpired
from dispatcher.models import Attempt, Delivery, FinishedDelivery
from outbox.identifiers import floor_uuid, new_uuid
from outbox.models import Event
from outbox.partitions import (
    PartitionedTable,
    Period,
    maintain_partitions,
    partitioned_tables,
    partitions_of,
)
from tests.dispatcher.scenes import (
    OWNER,
    claim,
    fan_out,
    finish,
    held_elsewhere,
    make_due,
    make_endpoint,
    query,
    record,
    scalar,
)
from tests.processes import until

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_versions]


def today() -> date:
    return datetime.now(tz=UTC).date()


@pytest.fixture(autouse=True)
def made_ahead(db):
    """A run may begin before midnight and come here after it: its database is then of yesterday."""
    maintain_partitions()


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
        "api_audit_entry",
    }
    assert len(partitions_of(table("dispatcher_attempt"))) == 8
    assert len(partitions_of(table("outbox_event"))) == 2
    make_endpoint()
    event = record(1)[0]
    fan_out()
    claims = claim()
    finish(claims)
    assert where(event.id, "outbox_event") == f"outbox_event_{today():%Y%m}"
    assert where(claims[0].attempt_id, "dispatcher_attempt") == f"dispatcher_attempt_{today():%Y%m%d}"
    assert where(claims[0].delivery_id, "dispatcher_finished_delivery").endswith(f"_{today():%Y%m}")


def test_maintenance_repeated_does_nothing():
    maintain_partitions()
    again = maintain_partitions()
    assert (again.made, again.dropped, again.failed) == ([], [], [])


def test_what_is_over_is_dropped_and_what_is_not_stays():
    later = today() + timedelta(days=31)
    done = maintain_partitions(today=later)
    assert f"dispatcher_attempt_{today():%Y%m%d}" in done.dropped
    assert f"dispatcher_attempt_{today() + timedelta(days=1):%Y%m%d}" not in done.dropped
    assert not [name for name in done.dropped if name.startswith("outbox_event")]
    assert (
        partitions_of(table("dispatcher_attempt"))[-1]
        == f"dispatcher_attempt_{later + timedelta(days=7):%Y%m%d}"
    )


# Each table with the days after which its partition of today, or of this month, is over.
TABLES = {
    "dispatcher_attempt": 31,
    "api_request_log": 31,
    "api_audit_entry": 730 + 31,
    "outbox_event": 396 + 31,
    "dispatcher_finished_delivery": 396 + 31,
}


def partition_of_today(name: str) -> str:
    return table(name).partition(table(name).period.beginning(today()))


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_partitions_made_and_dropped(name):
    partition = partition_of_today(name)
    ahead = partitions_of(table(name))[-1]
    query(f"DROP TABLE {ahead}")
    assert maintain_partitions().made == [ahead]
    still = maintain_partitions(today=today() + timedelta(days=TABLES[name] - 31))
    assert partition not in still.dropped
    assert partition in maintain_partitions(today=today() + timedelta(days=TABLES[name])).dropped
    assert partition not in partitions_of(table(name))


def test_what_tells_of_ended_work_is_dropped_although_its_event_is_sent_again():
    """A resend needs its event alone: how earlier deliveries of it ended may be forgotten."""
    make_endpoint()
    record(1)
    fan_out()
    finish(claim())
    resend_delivery(owner=OWNER, delivery_id=FinishedDelivery.objects.get().id)
    done = maintain_partitions(today=today() + timedelta(days=500))
    assert partition_of_today("dispatcher_finished_delivery") in done.dropped
    assert partition_of_today("outbox_event") in done.kept
    assert claim()[0].event is not None


def test_a_partition_that_live_work_refers_to_is_kept():
    make_endpoint()
    record(1)
    fan_out()
    far = today() + timedelta(days=500)
    done = maintain_partitions(today=far)
    event_partition = f"outbox_event_{today():%Y%m}"
    assert event_partition in done.kept
    assert f"dispatcher_attempt_{today():%Y%m%d}" in done.kept
    assert Event.objects.count() == 1
    finish(claim())
    assert not Delivery.objects.exists()
    assert event_partition in maintain_partitions(today=far).dropped
    assert (Event.objects.count(), Attempt.objects.count()) == (0, 0)


def test_a_pointer_keeps_its_event():
    record(1)
    assert f"outbox_event_{today():%Y%m}" in maintain_partitions(today=today() + timedelta(days=500)).kept


def stray_attempt(day: date) -> uuid.UUID:
    """An attempt of that day's noon."""
    attempt_id = floor_uuid(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    query(
        "INSERT INTO dispatcher_attempt "
        "(id, delivery_id, endpoint_id, event_id, number, claim_no, started_at, outcome) "
        "VALUES (%s, %s, %s, %s, 1, 1, now(), 'unknown')",
        attempt_id, new_uuid(), new_uuid(), new_uuid(),
    )  # fmt: skip
    assert where(attempt_id, "dispatcher_attempt") == "dispatcher_attempt_default"
    return attempt_id


def test_rows_that_strayed_into_the_default_partition_move_over():
    long_ahead = today() + timedelta(days=90)
    stray = stray_attempt(long_ahead)
    assert maintain_partitions(today=long_ahead).strays == []
    assert where(stray, "dispatcher_attempt") == f"dispatcher_attempt_{long_ahead:%Y%m%d}"


def test_rows_of_days_for_which_nobody_made_a_partition_in_time_move_over():
    """No maintenance for three weeks: the last days of them had no partition."""
    days = [today() - timedelta(days=9), today() - timedelta(days=3)]
    strays = [stray_attempt(day) for day in days]
    done = maintain_partitions()
    assert done.made == [f"dispatcher_attempt_{day:%Y%m%d}" for day in days]
    assert done.strays == []
    assert [where(stray, "dispatcher_attempt") for stray in strays] == done.made
    assert scalar("SELECT held FROM outbox_strays('dispatcher_attempt', %s, 10)", uuid.UUID(int=0)) == 0


def test_strays_that_are_past_their_retention_are_dropped_with_the_rest():
    stray_attempt(today() - timedelta(days=40))
    done = maintain_partitions()
    assert done.made == done.dropped == [f"dispatcher_attempt_{today() - timedelta(days=40):%Y%m%d}"]
    assert not Attempt.objects.exists()


def test_rows_of_a_clock_that_is_wrong_stay_in_the_default_partition_and_are_told_of():
    ahead = today() + timedelta(days=5000)
    stray = stray_attempt(ahead)
    done = maintain_partitions()
    assert done.made == []
    ((told),) = done.strays
    assert (told.table, told.held, told.oldest) == ("dispatcher_attempt", 1, stray)
    assert where(stray, "dispatcher_attempt") == "dispatcher_attempt_default"


def test_the_command_exits_4_where_a_default_partition_holds_rows(capsys):
    stray_attempt(today() + timedelta(days=5000))
    with pytest.raises(CommandError, match=r"^dispatcher_attempt_default holds 1 row\(s\)") as told:
        call_command("maintain_partitions")
    assert told.value.returncode == 4
    assert "set the clock" in str(told.value)


def test_the_command_says_what_it_did(capsys):
    call_command("maintain_partitions")
    query(f"DROP TABLE dispatcher_attempt_{today() + timedelta(days=7):%Y%m%d}")
    call_command("maintain_partitions")
    assert capsys.readouterr().out == f"made dispatcher_attempt_{today() + timedelta(days=7):%Y%m%d}\n"


@pytest.mark.django_db(transaction=True)
def test_maintenance_gives_way_to_work_that_holds_a_lock():
    name = f"dispatcher_attempt_{today() + timedelta(days=7):%Y%m%d}"
    query(f"DROP TABLE {name}")
    with held_elsewhere("LOCK TABLE dispatcher_attempt_default IN ROW EXCLUSIVE MODE"):
        done = maintain_partitions()
    assert [partition for partition, _ in done.failed] == [name]
    assert "lock timeout" in done.failed[0][1]
    assert maintain_partitions().made == [name]


@pytest.mark.django_db(transaction=True)
def test_one_process_maintains_at_a_time():
    name = f"dispatcher_attempt_{today() + timedelta(days=7):%Y%m%d}"
    query(f"DROP TABLE {name}")
    with held_elsewhere("SELECT pg_advisory_xact_lock(hashtext('outbox.partitions'))"):
        done = maintain_partitions()
    assert done.elsewhere
    assert done.made == []
    assert maintain_partitions().made == [name]


@pytest.mark.django_db(transaction=True)
def test_a_resend_waits_for_the_drop_of_its_event_and_is_refused():
    """The event's partition goes while somebody sends the event again: no delivery of nothing is made."""
    make_endpoint()
    event = record(1)[0]
    fan_out()
    ended = finish(claim())[0].attempted.claim.delivery_id
    drop = (
        "LOCK TABLE dispatcher_delivery IN SHARE MODE; "
        f"DELETE FROM outbox_event WHERE id = '{event.id}'"  # to the resend, what a dropped partition is
    )
    refusals: list[BaseException] = []
    with held_elsewhere(drop):
        resending = in_thread(
            lambda: resend_delivery(owner=OWNER, delivery_id=ended), into=refusals, until_blocked=True
        )
    resending.join()
    assert [type(refusal) for refusal in refusals] == [EventExpired]
    assert "is no longer kept" in str(refusals[0])
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_maintenance_sees_a_resend_that_was_first():
    make_endpoint()
    event = record(1)[0]
    fan_out()
    finish(claim())
    far = today() + timedelta(days=500)
    resend = (
        "INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at, resend_no) "
        "SELECT outbox_uuid7(), owner, id, %s, now(), 1 FROM dispatcher_endpoint"
    )
    with held_elsewhere(resend, event.id):
        done = maintain_partitions(today=far)
        assert partition_of_today("outbox_event") in [partition for partition, _ in done.failed]
    assert partition_of_today("outbox_event") in maintain_partitions(today=far).kept
    make_due()
    assert claim()[0].event is not None


def in_thread(
    work: Callable[[], Any], *, into: list[BaseException], until_blocked: bool = False
) -> threading.Thread:
    """Run `work` on a connection of its own; what it raises is collected. Back once it waits for a lock."""
    pids: list[int] = []

    def run() -> None:
        try:
            pids.append(scalar("SELECT pg_backend_pid()"))
            work()
        except Exception as error:
            into.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    if until_blocked:
        until(
            lambda: pids and scalar("SELECT cardinality(pg_blocking_pids(%s))", pids[0]),
            what="waits for a lock",
        )
    return thread

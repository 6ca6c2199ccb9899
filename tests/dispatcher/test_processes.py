"""What processes tell of themselves: that they live, what they hold, and what they counted."""

import os
import signal
import socket
import time
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import DataError

from dispatcher.models import Process, Rollup
from dispatcher.processes import (
    GONE_AFTER,
    KEPT,
    LATE_AFTER,
    Liveness,
    ProcessFacts,
    beat,
    known_processes,
    tell_of_the_end,
)
from dispatcher.pulse import Pulse
from dispatcher.rollups import activity
from dispatcher.tallies import Tallies
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import make_endpoint, query, record
from tests.hostile.receivers import Gate, Receiver, answer_all
from tests.processes import Command, until

SECOND = timedelta(seconds=1)


def facts() -> ProcessFacts:
    return ProcessFacts.of_this_process(id=uuid.uuid4(), kind="dispatcher", executor="local", concurrency=8)


@pytest.mark.django_db
class TestReading:
    def test_a_process_is_what_it_told_of_itself(self):
        one = facts()
        beat(one, in_flight=3, leases=5, last_error=None)
        failed_at = datetime.now(tz=UTC)
        beat(one, in_flight=4, leases=6, last_error=(failed_at, "cannot record"))
        (found,) = known_processes()
        assert (found.id, found.kind, found.executor, found.concurrency) == (one.id, "dispatcher", "local", 8)
        assert (found.host, found.pid, found.version) == (socket.gethostname(), os.getpid(), one.version)
        assert (found.in_flight, found.leases) == (4, 6)
        assert (found.last_error, found.last_error_at) == ("cannot record", failed_at)
        assert found.liveness is Liveness.ALIVE

    @pytest.mark.parametrize(
        ("silent_for", "liveness"),
        [
            (timedelta(), Liveness.ALIVE),
            (LATE_AFTER - SECOND, Liveness.ALIVE),
            (LATE_AFTER + SECOND, Liveness.LATE),
            (GONE_AFTER - SECOND, Liveness.LATE),
            (GONE_AFTER + SECOND, Liveness.GONE),
        ],
    )
    def test_who_is_silent_is_late_then_gone_by_the_databases_clock(self, silent_for, liveness):
        beat(facts(), in_flight=0, leases=0, last_error=None)
        query("UPDATE dispatcher_process SET seen_at = statement_timestamp() - %s", silent_for)
        (found,) = known_processes()
        assert found.liveness is liveness

    def test_who_was_asked_to_stop_is_stopping_while_it_tells_of_itself(self):
        one = facts()
        beat(one, in_flight=1, leases=1, stopping=True)
        assert known_processes()[0].liveness is Liveness.STOPPING
        query("UPDATE dispatcher_process SET seen_at = seen_at - %s", LATE_AFTER + SECOND)
        assert known_processes()[0].liveness is Liveness.LATE
        tell_of_the_end(one)
        assert known_processes()[0].liveness is Liveness.STOPPED

    def test_who_ended_well_is_stopped_and_holds_nothing(self):
        one = facts()
        beat(one, in_flight=3, leases=5, last_error=None)
        tell_of_the_end(one)
        query("UPDATE dispatcher_process SET seen_at = seen_at - interval '1 hour'")
        (found,) = known_processes()
        assert (found.liveness, found.in_flight, found.leases) == (Liveness.STOPPED, 0, 0)
        assert found.stopped_at is not None

    def test_those_of_long_ago_are_forgotten(self):
        old, last = facts(), facts()
        for one in (old, last):
            beat(one, in_flight=0, leases=0, last_error=None)
        query("UPDATE dispatcher_process SET seen_at = seen_at - %s WHERE id = %s", KEPT, old.id)
        tell_of_the_end(last)
        assert list(Process.objects.values_list("id", flat=True)) == [last.id]

    def test_a_crowd_is_read_no_further_than_asked(self):
        query(
            "INSERT INTO dispatcher_process (id, kind, host, pid, version, executor, concurrency, seen_at) "
            "SELECT gen_random_uuid(), 'dispatcher', 'h', n, '1', 'local', 1, now() - n * interval '1 s' "
            "FROM generate_series(1, 5000) n"
        )
        query("ANALYZE dispatcher_process")
        with counted_rows() as count:
            found = known_processes(limit=20)
        assert [one.pid for one in found] == list(range(1, 21))
        assert count.largest() <= 20, count.worst()


class Log:
    def __init__(self) -> None:
        self.last_error: tuple[datetime, str] | None = None
        self.told: list[str] = []

    def poisoned(self, part: str, error: Exception, subject: str) -> None:
        self.told.append(f"{part} {subject}")


def skip_one(tallies: Tallies, *, minute: int) -> None:
    tallies._tally(tallies._minutes.setdefault(minute, {}), None).skipped = 1


@pytest.mark.django_db(transaction=True)
class TestPulse:
    def test_what_cannot_be_written_is_told_of_and_dropped(self, monkeypatch):
        """Sums that PostgreSQL refuses would be refused for ever: a dispatcher does not stop for a chart."""
        log, tallies = Log(), Tallies()
        pulse = Pulse(facts=facts(), tallies=tallies, log=log, in_flight=lambda: 1, leases=lambda: 2)
        skip_one(tallies, minute=2**62)  # that no timestamp holds
        pulse.write()
        assert log.told == ["add to the rollups"]
        assert [(one.in_flight, one.leases) for one in known_processes()] == [(1, 2)]
        assert not pulse.due
        pulse.end()
        assert log.told == ["add to the rollups"]
        assert not Rollup.objects.exists()

    def test_the_refusal_above_is_postgresqls(self):
        tallies = Tallies()
        skip_one(tallies, minute=2**62)
        with pytest.raises(DataError):
            tallies.write()

    def test_the_more_there_is_to_write_the_rarer_it_is_written(self, monkeypatch):
        now = time.monotonic()
        monkeypatch.setattr("dispatcher.tallies.time", SimpleNamespace(monotonic=lambda: now, time=time.time))
        few, many = Tallies(), Tallies()
        for tallies, count in ((few, 3), (many, 1_000)):
            tallies.write()  # expiry is due at first
            for minute in range(count):
                skip_one(tallies, minute=minute)
        assert (few.due, many.due) == (False, False)
        now += 2
        assert (few.due, many.due) == (True, False)
        now += 13
        assert many.due
        many.write()
        assert not many.due


@pytest.mark.django_db(transaction=True)
class TestRunning:
    def test_a_dispatcher_tells_of_itself_while_it_runs_and_when_it_ends(self):
        gate = Gate()
        with Receiver(gate) as receiver:
            make_endpoint(url=receiver.url())
            record(2)
            with Command("run_dispatcher", "--concurrency", "3") as dispatcher:
                until(
                    lambda: [one.in_flight for one in known_processes()] == [2],
                    what="a beat that tells of two sends",
                )
                (found,) = known_processes()
                assert (found.kind, found.liveness, found.concurrency) == ("dispatcher", Liveness.ALIVE, 3)
                assert found.pid == dispatcher.process.pid
                gate.opened.set()
                dispatcher.signal(signal.SIGTERM)
                assert dispatcher.wait() == 0, dispatcher.output()
        (found,) = known_processes()
        assert (found.liveness, found.in_flight, found.last_error) == (Liveness.STOPPED, 0, None)

    def test_a_dispatcher_tells_that_it_is_stopping_for_as_long_as_a_send_lasts(self):
        gate = Gate()
        with Receiver(gate) as receiver:
            make_endpoint(url=receiver.url())
            record(1)
            with Command("run_dispatcher") as dispatcher:
                until(lambda: receiver.requests, what="the request")
                dispatcher.signal(signal.SIGTERM)

                def stopping() -> bool:
                    (found,) = known_processes()
                    return (found.liveness, found.in_flight) == (Liveness.STOPPING, 1)

                until(stopping, what="a beat that tells of the stop")
                query("UPDATE dispatcher_process SET seen_at = seen_at - %s", GONE_AFTER)
                until(stopping, what="the next beat")
                gate.opened.set()
                assert dispatcher.wait() == 0, dispatcher.output()
        (found,) = known_processes()
        assert (found.liveness, found.in_flight) == (Liveness.STOPPED, 0)

    def test_what_a_dispatcher_counted_is_written_before_it_ends(self):
        with Receiver(answer_all()) as receiver:
            make_endpoint(url=receiver.url())
            make_endpoint(owner="acct_other", status="disabled")
            record(30)
            record(4, owner="acct_other")
            with Command("run_dispatcher", "--drain") as dispatcher:
                assert dispatcher.wait() == 0, dispatcher.output()
        now = datetime.now(tz=UTC)
        parts = activity(since=now - timedelta(hours=1), until=now + timedelta(minutes=1))
        assert sum(part.ok for part in parts) == 30
        assert sum(part.delivered for part in parts) == 30
        assert sum(part.skipped for part in parts) == 4
        assert all(part.wait_p50_ms for part in parts if part.ok)

    def test_a_role_that_may_not_keep_books_delivers_all_the_same(self):
        """As where the code is new and `make_roles` has not run yet: charts and replays wait, deliveries do not."""
        with Receiver(answer_all()) as receiver:
            make_endpoint(url=receiver.url())
            record(3)
            query("ALTER TABLE dispatcher_rollup RENAME TO hidden_rollup")
            query("ALTER TABLE dispatcher_process RENAME TO hidden_process")
            query("ALTER TABLE dispatcher_replay RENAME TO hidden_replay")
            try:
                with Command("run_dispatcher", "--drain") as dispatcher:
                    assert dispatcher.wait() == 0, dispatcher.output()
            finally:
                query("ALTER TABLE hidden_rollup RENAME TO dispatcher_rollup")
                query("ALTER TABLE hidden_process RENAME TO dispatcher_process")
                query("ALTER TABLE hidden_replay RENAME TO dispatcher_replay")
        assert len(receiver.requests) == 3
        for what in ("cannot tell of this process", "cannot add to the rollups", "cannot look for replays"):
            assert what in dispatcher.output()

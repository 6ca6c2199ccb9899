"""Replays as rows: what dispatchers make of them, step by step, and how people steer them."""

import signal
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from dispatcher import replay_runs, replay_search, replay_steps
from dispatcher.connection import connect
from dispatcher.endpoints import update_endpoint
from dispatcher.errors import EndpointNotFound, ReplayNotFound, ReplayRefused, ReplayStateRefused
from dispatcher.models import Delivery, Endpoint, FinishedDelivery, Replay
from dispatcher.replay_runs import (
    Counted,
    ReplayRun,
    cancel_replay,
    count_missed,
    count_replay,
    get_replay,
    list_replays,
    pause_replay,
    resume_replay,
    start_replay,
)
from dispatcher.replay_steps import carry_a_replay
from dispatcher.replays import Replayed, replay_deliveries
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import (
    GONE,
    OWNER,
    assert_no_lane_sleeps_past_its_work,
    claim,
    fan_out,
    finish,
    held_elsewhere,
    make_endpoint,
    query,
    record,
)
from tests.hostile.receivers import Receiver, answer_all
from tests.processes import Command, until

HOUR = timedelta(hours=1)


class Log:
    def __init__(self) -> None:
        self.told: list[str] = []

    def poisoned(self, part: str, error: Exception, subject: str) -> None:
        self.told.append(f"{part} {subject}: {error}")


def carry(times: int = 1000) -> int:
    """So many steps, or as many as are due; how many there were."""
    log = Log()
    steps = 0
    while steps < times and carry_a_replay(log):
        steps += 1
    assert log.told == []
    return steps


def fail(count: int) -> None:
    """So many events whose deliveries are dead-lettered."""
    record(count)
    fan_out()
    finish([one for one in claim(1000) if not one.by_hand], GONE)


def start(endpoint: Endpoint, **changes: Any) -> ReplayRun:
    given: dict[str, Any] = {
        "owner": OWNER, "endpoint_id": endpoint.id, "since": datetime.now(tz=UTC) - HOUR, "rate": 10_000.0,
        "created_by": "nell",
    }  # fmt: skip
    return start_replay(**{**given, **changes})


def made() -> list[Delivery]:
    return list(Delivery.objects.filter(resend_no__gt=0).order_by("due_at"))


@pytest.mark.django_db
class TestCarrying:
    def test_a_replay_is_made_step_by_step_to_its_end(self, monkeypatch):
        monkeypatch.setattr(replay_steps, "CHUNK", 3)
        endpoint = make_endpoint()
        fail(8)
        run = start(endpoint)
        assert (run.state, run.counted, run.made, run.created_by) == (
            "running",
            Counted(found=8, more=False),
            0,
            "nell",
        )
        assert carry(1) == 1
        run = get_replay(replay_id=run.id)
        assert (run.made, run.percent) == (3, 37.5)
        carry()
        run = get_replay(replay_id=run.id)
        assert (run.state, run.made, run.percent) == ("finished", 8, 100.0)
        assert run.finished_at is not None
        assert [row.due_at for row in made()] == sorted(row.due_at for row in made())
        assert (run.first_due_at, run.last_due_at) == (made()[0].due_at, made()[-1].due_at)
        assert_no_lane_sleeps_past_its_work()
        assert carry() == 0

    def test_deliveries_are_made_seconds_before_they_are_due_and_not_earlier(self):
        endpoint = make_endpoint()
        fail(50)
        run = start(endpoint, rate=1.0)
        assert carry() == 1
        assert len(made()) == 10  # ten seconds' worth
        query("UPDATE dispatcher_replay SET next_step_at = now()")
        assert carry() == 1
        second = made()[10:]
        assert len(second) == 10
        assert second[0].due_at - made()[9].due_at == timedelta(seconds=1)
        assert get_replay(replay_id=run.id).percent == 40.0

    def test_after_a_pause_the_rest_is_due_from_then_on(self):
        endpoint = make_endpoint()
        fail(30)
        run = start(endpoint, rate=1.0)
        carry()
        pause_replay(replay_id=run.id)
        query("UPDATE dispatcher_replay SET last_due_at = now() - interval '1 hour'")
        assert carry() == 0
        before = datetime.now(tz=UTC)
        resume_replay(replay_id=run.id)
        carry()
        assert len(made()) == 20
        assert sum(row.due_at >= before for row in made()) >= 19

    def test_a_step_that_fails_leaves_nothing_behind(self, monkeypatch):
        endpoint = make_endpoint()
        fail(4)
        run = start(endpoint)

        def die(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Replay, "save", die)
            with pytest.raises(KeyboardInterrupt):
                carry_a_replay(Log())
        assert (made(), get_replay(replay_id=run.id).made) == ([], 0)
        carry()
        assert len(made()) == 4

    def test_a_disabled_endpoint_fails_it_and_it_goes_on_when_that_is_mended(self, monkeypatch):
        monkeypatch.setattr(replay_steps, "CHUNK", 2)
        endpoint = make_endpoint()
        fail(5)
        run = start(endpoint)
        carry(1)
        update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "disabled"})
        carry()
        failed = get_replay(replay_id=run.id)
        assert (failed.state, failed.over) == ("failed", True)
        assert "is disabled since" in (failed.reason or "")
        update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "enabled"})
        resume_replay(replay_id=run.id)
        carry()
        mended = get_replay(replay_id=run.id)
        assert (mended.state, mended.reason, mended.made) == ("finished", None, 5)

    def test_what_postgresql_refuses_fails_it_and_nothing_else(self, monkeypatch):
        bad, good = make_endpoint(), make_endpoint()
        fail(3)
        broken, sound = start(bad), start(good)
        make_chunk = replay_search.make_chunk

        def refuse(endpoint: Endpoint, *args: Any, **options: Any) -> Any:
            if endpoint.id == bad.id:
                query("SELECT 1 / 0")
            return make_chunk(endpoint, *args, **options)

        monkeypatch.setattr(replay_steps, "make_chunk", refuse)
        log = Log()
        while carry_a_replay(log):
            pass
        assert get_replay(replay_id=broken.id).reason == "division by zero"
        assert get_replay(replay_id=sound.id).state == "finished"
        assert len(log.told) == 1
        assert {row.endpoint_id for row in made()} == {good.id}

    def test_what_its_command_left_dispatchers_finish(self, monkeypatch):
        monkeypatch.setattr("dispatcher.replays.CHUNK", 2)
        endpoint = make_endpoint()
        fail(5)

        def die(_: object) -> None:
            raise SystemExit

        with pytest.raises(SystemExit):
            replay_deliveries(
                owner=OWNER,
                endpoint_id=endpoint.id,
                since=datetime.now(tz=UTC) - HOUR,
                progress=die,
                created_by="cli",
            )
        assert carry() == 0  # for half a minute the command may be there still
        query("UPDATE dispatcher_replay SET next_step_at = next_step_at - interval '31 seconds'")
        carry()
        (run,) = list_replays()
        assert (run.state, run.made, run.created_by, run.counted) == ("finished", 5, "cli", None)
        assert len({row.event_id for row in made()}) == 5

    def test_who_interrupts_a_command_wants_no_more_of_it(self, monkeypatch):
        monkeypatch.setattr("dispatcher.replays.CHUNK", 2)
        endpoint = make_endpoint()
        fail(5)

        def interrupt(_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            replay_deliveries(
                owner=OWNER, endpoint_id=endpoint.id, since=datetime.now(tz=UTC) - HOUR, progress=interrupt
            )
        assert [(run.state, run.made) for run in list_replays()] == [("cancelled", 2)]
        query("UPDATE dispatcher_replay SET next_step_at = now()")
        assert carry() == 0

    def test_a_command_ends_where_its_replay_is_cancelled(self, monkeypatch):
        monkeypatch.setattr("dispatcher.replays.CHUNK", 2)
        endpoint = make_endpoint()
        fail(5)

        def cancel(_: Replayed) -> None:
            cancel_replay(replay_id=list_replays()[0].id)

        with pytest.raises(ReplayRefused, match="was cancelled"):
            replay_deliveries(
                owner=OWNER,
                endpoint_id=endpoint.id,
                since=datetime.now(tz=UTC) - HOUR,
                progress=cancel,
            )
        assert len(made()) == 2


@pytest.mark.django_db
class TestCounting:
    def test_what_is_counted_is_what_is_made(self):
        endpoint = make_endpoint()
        fail(7)
        since = datetime.now(tz=UTC) - HOUR
        counted = count_replay(owner=OWNER, endpoint_id=endpoint.id, since=since)
        assert counted == Counted(found=7, more=False)
        start(endpoint)
        carry()
        assert len(made()) == 7

    @pytest.mark.parametrize("only", ["failed", "missing"])
    def test_a_replay_may_begin_before_there_was_anything(self, only):
        endpoint = make_endpoint()
        fail(2)
        since = datetime.min.replace(tzinfo=UTC)
        found = {"failed": 2, "missing": 0}[only]
        assert count_replay(owner=OWNER, endpoint_id=endpoint.id, since=since, only=only).found == found

    def test_counting_stops_at_its_cap(self, monkeypatch):
        endpoint = make_endpoint()
        fail(7)
        since = datetime.now(tz=UTC) - HOUR
        for cap, expected in ((7, Counted(found=7, more=False)), (6, Counted(found=6, more=True))):
            assert count_replay(owner=OWNER, endpoint_id=endpoint.id, since=since, cap=cap) == expected
        assert str(Counted(found=1_000_000, more=True)) == "1,000,000 or more"
        assert str(Counted(found=1_204, more=False)) == "1,204"

    def test_counting_looks_at_so_many_events_and_says_that_there_may_be_more(self, monkeypatch):
        monkeypatch.setattr(replay_runs, "_COUNTED_AT_ONCE", (2, 3))
        endpoint = make_endpoint()
        since = datetime.now(tz=UTC) - HOUR
        for failed, expected in ((5, Counted(found=5, more=False)), (1, Counted(found=5, more=True))):
            fail(failed)
            assert count_replay(owner=OWNER, endpoint_id=endpoint.id, since=since) == expected
        none_yet = count_replay(owner=OWNER, endpoint_id=endpoint.id, since=since, only="missing")
        assert (str(none_yet), none_yet.nothing) == ("0 or more", False)

    def test_what_was_not_counted_to_the_end_has_to_be_confirmed_and_its_progress_is_that_of_its_time(
        self, monkeypatch
    ):
        monkeypatch.setattr(replay_runs, "_COUNTED_AT_ONCE", (2, 3))
        endpoint = make_endpoint()
        fail(8)
        with pytest.raises(ReplayRefused, match="5 or more are more than the limit"):
            start(endpoint)
        run = start(endpoint, confirmed_count=5)
        assert run.percent == 0.0
        monkeypatch.setattr(replay_steps, "CHUNK", 4)
        assert carry(1) == 1
        run = get_replay(replay_id=run.id)
        # All were recorded in the last moment of its hour.
        assert (run.made, run.percent) == (4, 99.0)

    def test_what_a_disabled_endpoint_missed_is_counted_while_it_is_disabled(self):
        endpoint = make_endpoint(status="disabled")
        since = datetime.now(tz=UTC) - HOUR
        record(4)
        fan_out()
        assert count_missed(owner=OWNER, endpoint_id=endpoint.id, since=since) == Counted(found=4, more=False)
        with pytest.raises(ReplayRefused, match="is disabled since"):
            count_replay(owner=OWNER, endpoint_id=endpoint.id, since=since, only="missing")
        with pytest.raises(EndpointNotFound):
            count_missed(owner="acct_other", endpoint_id=endpoint.id, since=since)

    def test_more_than_the_limit_has_to_be_confirmed(self, settings):
        settings.DISPATCHER = {**settings.DISPATCHER, "REPLAY_LIMIT": 20}
        endpoint = make_endpoint()
        fail(40)
        with pytest.raises(
            ReplayRefused, match="40 are more than the limit of 20; confirm the count"
        ) as refused:
            start(endpoint)
        assert refused.value.field == "confirmed_count"
        for wrong in (29, 51, 10_000_000):
            with pytest.raises(ReplayRefused, match="were confirmed, and now there are 40"):
                start(endpoint, confirmed_count=wrong)
        assert not Replay.objects.exists()
        assert start(endpoint, confirmed_count=35).counted == Counted(found=40, more=False)

    def test_a_count_that_was_confirmed_below_the_limit_has_to_hold_too(self):
        endpoint = make_endpoint()
        fail(40)
        with pytest.raises(ReplayRefused, match="1 were confirmed"):
            start(endpoint, confirmed_count=1)

    def test_a_replay_of_ten_million_is_refused_by_what_was_counted(self, monkeypatch):
        monkeypatch.setattr(replay_runs, "COUNT_CAP", 30)
        monkeypatch.setattr(replay_runs, "_COUNTED_AT_ONCE", (10, 10, 10, 10))
        endpoint = make_endpoint()
        fail(40)
        monkeypatch.setattr(
            replay_runs, "dispatcher_settings", lambda: type("Settings", (), {"replay_limit": 25})
        )
        with pytest.raises(ReplayRefused, match="30 or more are more than the limit of 25"):
            start(endpoint)

    def test_nothing_to_replay_makes_no_row(self):
        with pytest.raises(ReplayRefused, match="nothing failed was found"):
            start(make_endpoint())
        assert not Replay.objects.exists()


@pytest.mark.django_db
class TestSteering:
    def test_an_endpoint_has_one_replay_at_a_time(self):
        endpoint = make_endpoint()
        fail(2)
        first = start(endpoint)
        with pytest.raises(ReplayRefused, match=rf"has a replay that is running \({first.public_id}\)"):
            start(endpoint)
        pause_replay(replay_id=first.id)
        with pytest.raises(ReplayRefused, match="has a replay that is paused"):
            start(endpoint)
        cancel_replay(replay_id=first.id)
        assert start(endpoint).made == 0

    def test_each_change_is_allowed_from_where_it_makes_sense_and_once(self):
        endpoint = make_endpoint()
        fail(2)
        run = start(endpoint)
        assert pause_replay(replay_id=run.id).state == "paused"
        assert pause_replay(replay_id=run.id).state == "paused"  # a second click
        assert resume_replay(replay_id=run.id).state == "running"
        assert resume_replay(replay_id=run.id).state == "running"
        assert cancel_replay(replay_id=run.id).finished_at is not None
        assert cancel_replay(replay_id=run.id).state == "cancelled"
        for change in (pause_replay, resume_replay):
            with pytest.raises(ReplayStateRefused, match="is cancelled; that cannot be changed"):
                change(replay_id=run.id)
        assert carry() == 0
        assert made() == []

    def test_a_replay_that_failed_does_not_go_on_beside_another(self):
        endpoint = make_endpoint()
        fail(2)
        first = start(endpoint)
        query("UPDATE dispatcher_replay SET state = 'failed', next_step_at = NULL")
        start(endpoint)
        with pytest.raises(ReplayRefused, match="has a replay that is running"):
            resume_replay(replay_id=first.id)

    def test_another_owners_replay_is_none(self):
        endpoint = make_endpoint()
        fail(1)
        run = start(endpoint)
        for change in (get_replay, pause_replay, resume_replay, cancel_replay):
            with pytest.raises(ReplayNotFound, match="No such replay: 'rpl_"):
                change(replay_id=run.id, owner="acct_other")
            with pytest.raises(ReplayNotFound):
                change(replay_id=uuid.uuid4(), owner=OWNER)
        assert list_replays(owner="acct_other") == []
        assert [one.id for one in list_replays(owner=OWNER, endpoint_id=endpoint.id, state="running")] == [
            run.id
        ]

    def test_lists_go_on_behind_the_last_id_and_read_no_more(self):
        endpoint = make_endpoint()
        query(
            "INSERT INTO dispatcher_replay (id, owner, endpoint_id, kind, since, until, rate, state) "
            "SELECT outbox_uuid7(), %s, %s, 'failed', now(), now(), 1, 'finished' FROM generate_series(1, 2000)",
            OWNER, endpoint.id,
        )  # fmt: skip
        query("ANALYZE dispatcher_replay")
        with counted_rows() as count:
            first = list_replays(limit=20)
            second = list_replays(owner=OWNER, limit=20, before=first[-1].id)
        assert len({run.id for run in [*first, *second]}) == 40
        assert count.largest() <= 25, count.worst()


@pytest.mark.django_db(transaction=True)
class TestTogether:
    def test_a_step_under_way_is_nobody_elses(self):
        endpoint = make_endpoint()
        fail(3)
        run = start(endpoint)
        with held_elsewhere("SELECT FROM dispatcher_replay WHERE id = %s FOR UPDATE", run.id):
            assert carry() == 0
        carry()
        assert len(made()) == 3

    def test_a_locked_endpoint_puts_a_step_off(self):
        endpoint = make_endpoint()
        fail(3)
        run = start(endpoint)
        connect()
        query("SET lock_timeout = '100ms'")
        log = Log()
        with held_elsewhere("SELECT FROM dispatcher_endpoint WHERE id = %s FOR UPDATE", endpoint.id):
            assert carry_a_replay(log)
            assert not carry_a_replay(log)
        assert len(log.told) == 1
        assert get_replay(replay_id=run.id).state == "running"
        connection.close()

    def test_one_that_failed_goes_on_only_when_no_other_can_begin_meanwhile(self):
        endpoint = make_endpoint()
        fail(3)
        run = start(endpoint)
        query("UPDATE dispatcher_replay SET state = 'failed', next_step_at = NULL")
        connect()
        query("SET lock_timeout = '100ms'")
        beginning = "SELECT FROM dispatcher_endpoint WHERE id = %s FOR NO KEY UPDATE"
        with held_elsewhere(beginning, endpoint.id), pytest.raises(OperationalError):
            resume_replay(replay_id=run.id)
        assert get_replay(replay_id=run.id).state == "failed"
        assert resume_replay(replay_id=run.id).state == "running"
        connection.close()

    def test_two_dispatchers_make_each_delivery_once(self, monkeypatch):
        monkeypatch.setattr(replay_steps, "CHUNK", 7)
        endpoints = [make_endpoint() for _ in range(4)]
        fail(60)
        runs = [start(endpoint) for endpoint in endpoints]
        errors: list[BaseException] = []

        def work() -> None:
            try:
                connect()
                while any(not get_replay(replay_id=run.id).over for run in runs):
                    carry_a_replay(Log())
            except BaseException as error:
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert [get_replay(replay_id=run.id).made for run in runs] == [60] * 4
        assert len({(row.endpoint_id, row.event_id) for row in made()}) == len(made()) == 240

    def test_a_killed_dispatchers_replay_goes_on_with_the_next(self):
        with Receiver(answer_all()) as receiver:
            endpoint = make_endpoint(url=receiver.url())
            fail(60)
            run = start(endpoint, rate=4.0)
            with Command("run_dispatcher") as first:
                until(lambda: get_replay(replay_id=run.id).made >= 40, what="the first steps")
                first.kill()
            query("UPDATE dispatcher_replay SET next_step_at = now()")
            with Command("run_dispatcher") as second:
                until(lambda: get_replay(replay_id=run.id).made == 60, what="the rest")
                query(
                    "UPDATE dispatcher_delivery SET due_at = now() WHERE lease_owner IS NULL OR due_at > now()"
                )
                query("UPDATE dispatcher_lane SET ready_at = now()")
                until(
                    lambda: FinishedDelivery.objects.filter(state="succeeded").count() == 60,
                    what="every delivery",
                )
                second.signal(signal.SIGTERM)
                assert second.wait() == 0, second.output()
        assert len(set(FinishedDelivery.objects.filter(state="succeeded").values_list("event_id"))) == 60

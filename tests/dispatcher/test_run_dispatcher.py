"""`manage.py run_dispatcher` as a process against a receiver on a real socket."""

import json
import os
import signal
import threading
from typing import Any

import pytest
from django.test import override_settings

from dispatcher.models import Attempt, Delivery, FinishedDelivery
from tests.dispatcher.scenes import (
    assert_lanes_count_their_leases,
    lane_row,
    make_endpoint,
    query,
    record,
)
from tests.hostile.receivers import OK, Conversation, Gate, Receiver, answer_all
from tests.processes import Command, until

pytestmark = [pytest.mark.django_db(transaction=True)]

# The shortest lease that an attempt of a second allows for.
SHORT: dict[str, Any] = {"WEBHOOK_ATTEMPT_TIMEOUT_SECONDS": "1", "WEBHOOK_CONNECT_TIMEOUT_SECONDS": "1"}
SHORT_LEASE = ("--lease", "2.1")


FAILURE = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
QUICK_RETRIES: dict[str, Any] = {"WEBHOOK_RETRY_SCHEDULE_SECONDS": ",".join(["0.01"] * 99)}


def test_drain_delivers_what_is_due_and_ends():
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url("/hook?token=geheim"))
        record(20)
        with Command("run_dispatcher", "--drain", "--log", "attempts") as dispatcher:
            assert dispatcher.wait() == 0, dispatcher.output()
        assert len(receiver.requests) == 20, dispatcher.output()
    lines = [json.loads(line) for line in dispatcher.stdout]
    assert len(lines) == 20
    assert {(line["event"], line["outcome"], line["status"], line["attempt"]) for line in lines} == {
        ("delivery.attempted", "succeeded", 200, 1)
    }
    assert FinishedDelivery.objects.filter(state="succeeded").count() == 20
    assert "geheim" not in dispatcher.output()


def test_successes_are_counted_and_failures_told_where_nobody_watches():
    refusal = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    with Receiver(answer_all()) as receiver, Receiver(answer_all(refusal)) as failing:
        make_endpoint(url=receiver.url())
        make_endpoint(url=failing.url())
        record(20)
        with Command("run_dispatcher", "--drain", WEBHOOK_RETRY_SCHEDULE_SECONDS="3600") as dispatcher:
            assert dispatcher.wait() == 0, dispatcher.output()
    lines = [json.loads(line) for line in dispatcher.stdout]
    counts = [line["count"] for line in lines if line["event"] == "deliveries.succeeded"]
    failures = [line for line in lines if line["event"] == "delivery.attempted"]
    assert sum(counts) == 20
    assert [line["code"] for line in failures] == ["http_5xx"] * 20


def test_events_are_delivered_although_no_notification_comes():
    """Notifications are a hint; polling alone delivers everything."""
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url())
        with Command("run_dispatcher") as dispatcher, override_settings(OUTBOX={"NOTIFY": False}):
            dispatcher.says("ready")
            for number in range(1, 21):
                record(1)
                until(lambda: len(receiver.requests) == number, what=f"delivery {number}")  # noqa: B023
            dispatcher.signal(signal.SIGTERM)
            assert dispatcher.wait() == 0


def test_drain_leaves_what_is_scheduled_for_later():
    with Receiver(answer_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")) as receiver:
        make_endpoint(url=receiver.url())
        record(1)
        with Command("run_dispatcher", "--drain", WEBHOOK_RETRY_SCHEDULE_SECONDS="3600") as dispatcher:
            assert dispatcher.wait() == 0
    line = json.loads(dispatcher.stdout[0])
    assert (line["code"], line["next_attempt_at"] is not None) == ("http_5xx", True)
    assert Delivery.objects.get().attempts == 1


def test_once_is_one_cycle_and_its_sends():
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url())
        record(9)
        with Command("run_dispatcher", "--once", "--batch", "4") as dispatcher:
            assert dispatcher.wait() == 0
        assert len(receiver.requests) == 4
    assert FinishedDelivery.objects.count() == 4
    assert_lanes_count_their_leases()


def test_first_signal_drains():
    gate = Gate()
    with Receiver(gate) as receiver:
        make_endpoint(url=receiver.url(), max_in_flight=2)
        record(5)
        with Command("run_dispatcher") as dispatcher:
            until(lambda: len(receiver.requests) == 2, what="two requests in flight")
            dispatcher.signal(signal.SIGTERM)
            dispatcher.says("draining: 2 in flight")
            gate.opened.set()
            assert dispatcher.wait() == 0
        assert len(receiver.requests) == 2
    assert FinishedDelivery.objects.count() == 2
    assert not Delivery.objects.exclude(lease_owner=None).exists()
    assert_lanes_count_their_leases()


def test_second_signal_stops_at_once():
    gate = Gate()
    with Receiver(gate) as receiver:
        make_endpoint(url=receiver.url())
        record(1)
        with Command("run_dispatcher") as dispatcher:
            until(lambda: len(receiver.requests) == 1, what="a request in flight")
            dispatcher.signal(signal.SIGINT)
            dispatcher.says("draining")
            dispatcher.signal(signal.SIGINT)
            assert dispatcher.wait() == 1
            assert "claimed again when its lease ends" in dispatcher.output()
            assert "Traceback" not in dispatcher.output()
        gate.opened.set()
    assert Delivery.objects.exclude(lease_owner=None).count() == 1


@pytest.mark.parametrize(
    "point", ["after_claim", "during_send", "after_send", "before_record", "during_record"]
)
def test_what_a_killed_dispatcher_held_is_delivered_by_the_next(point):
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url())
        record(10)
        with Command("run_dispatcher", *SHORT_LEASE, CRASH_AT=point, **SHORT) as doomed:
            assert doomed.wait() == -signal.SIGKILL
        leased = Delivery.objects.exclude(lease_owner=None).count()
        assert leased > 0
        with Command("run_dispatcher", "--drain", *SHORT_LEASE, **SHORT) as dispatcher:
            assert dispatcher.wait() == 0, dispatcher.output()
        assert FinishedDelivery.objects.filter(state="succeeded").count() == 10
        assert Attempt.objects.filter(outcome="unknown").count() == leased
        assert len(receiver.requests) <= Attempt.objects.count()
        assert len(receiver.requests) <= 10 + leased
    assert_lanes_count_their_leases()


def test_a_dispatcher_that_slept_past_its_lease_changes_nothing():
    gate = Gate()
    with Receiver(gate) as receiver:
        make_endpoint(url=receiver.url())
        record(1)
        with Command("run_dispatcher", *SHORT_LEASE, **SHORT) as sleeper:
            until(lambda: len(receiver.requests) == 1, what="a request in flight")
            sleeper.signal(signal.SIGSTOP)
            gate.opened.set()
            with Command("run_dispatcher", "--drain", *SHORT_LEASE, **SHORT) as dispatcher:
                assert dispatcher.wait() == 0, dispatcher.output()
            sleeper.signal(signal.SIGCONT)
            sleeper.says('"superseded": true')
    assert FinishedDelivery.objects.get().attempts == 2
    first, second = Attempt.objects.order_by("number")
    assert (first.superseded, second.superseded, second.outcome) == (True, False, "succeeded")
    assert first.outcome != "unknown"


def test_a_dispatcher_that_stands_still_in_a_transaction_keeps_nobody_out():
    """Its session is ended before leases are over: others claim what it held, and it goes on when it may."""
    short = {**SHORT, "WEBHOOK_LEASE_SECONDS": "2.1"}
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url())
        record(1)
        with Command("run_dispatcher", FREEZE_AT="during_record", **short) as sleeper:
            os.waitid(os.P_PID, sleeper.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            with Command("run_dispatcher", "--drain", **short) as dispatcher:
                assert dispatcher.wait() == 0, dispatcher.output()
            sleeper.signal(signal.SIGCONT)
            sleeper.says('"superseded": true')
            sleeper.signal(signal.SIGTERM)
            assert sleeper.wait() == 0, sleeper.output()
        assert "database out of reach" in sleeper.output()
        assert len(receiver.requests) == 2
    assert FinishedDelivery.objects.get().attempts == 2
    assert_lanes_count_their_leases()


def test_dispatcher_outlives_the_loss_of_its_connection():
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url())
        record(1)
        with Command("run_dispatcher") as dispatcher:
            until(lambda: FinishedDelivery.objects.count() == 1, what="the first delivery")
            query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            dispatcher.says("database out of reach")
            record(1)
            until(lambda: FinishedDelivery.objects.count() == 2, what="a delivery after the outage")
            dispatcher.signal(signal.SIGTERM)
            assert dispatcher.wait() == 0


def test_endpoint_that_is_gone_is_disabled_and_its_backlog_cancelled():
    with Receiver(answer_all(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")) as receiver:
        endpoint = make_endpoint(url=receiver.url(), max_in_flight=1)
        record(3)
        with Command("run_dispatcher", "--drain") as dispatcher:
            assert dispatcher.wait() == 0, dispatcher.output()
    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.status_reason) == ("disabled", "http_410_gone")
    ends = FinishedDelivery.objects.values_list("state", "reason")
    assert ("dead_lettered", "endpoint_gone") in ends
    assert ("cancelled", "endpoint_disabled") in ends


def test_endpoint_that_only_failed_for_the_whole_span_is_disabled_and_its_owner_told():
    with Receiver(answer_all(FAILURE)) as broken, Receiver(answer_all()) as watching:
        failing = make_endpoint(url=broken.url(), enabled_events=["parcel.sent"])
        make_endpoint(url=watching.url(), enabled_events=["endpoint.disabled"])
        query("UPDATE dispatcher_lane SET failing_since = now() - interval '6 days', warned_percent = 90")
        record(1)
        with Command("run_dispatcher") as dispatcher:
            dispatcher.says(f"endpoint {failing.public_id} is disabled: failing")
            until(lambda: len(watching.requests) == 1, what="the event that tells of it")
            dispatcher.signal(signal.SIGTERM)
            assert dispatcher.wait() == 0
    failing.refresh_from_db()
    assert (failing.status, failing.status_reason) == ("disabled", "failing")


def test_endpoint_that_comes_back_gets_everything_after_one_probe():
    """Until ten have failed up to nineteen are begun; from then on it is asked by one at a time."""
    broken = threading.Event()
    broken.set()

    def answer(conversation: Conversation) -> None:
        while True:
            conversation.read_request()
            conversation.send(FAILURE if broken.is_set() else OK)

    with Receiver(answer) as receiver:
        endpoint = make_endpoint(url=receiver.url(), max_in_flight=10)
        record(50)
        with Command("run_dispatcher", WEBHOOK_CIRCUIT_PAUSE_SECONDS="0.1", **QUICK_RETRIES) as dispatcher:
            until(lambda: lane_row(endpoint).circuit_openings >= 3, what="two probes that failed")
            assert Delivery.objects.filter(attempts=0).count() >= 20
            assert len(receiver.requests) < 30
            broken.clear()
            until(lambda: FinishedDelivery.objects.count() == 50, what="all of them")
            dispatcher.signal(signal.SIGTERM)
            assert dispatcher.wait() == 0
    assert FinishedDelivery.objects.filter(state="succeeded").count() == 50
    assert lane_row(endpoint).circuit_openings == 0
    assert_lanes_count_their_leases()


def test_a_body_that_cannot_be_read_dead_letters_its_delivery_alone():
    with Receiver(answer_all()) as receiver:
        endpoint = make_endpoint(url=receiver.url())
        query("UPDATE dispatcher_endpoint SET api_version = '2026-11-22.plain'")
        events = record(12, type="payment_intent.canceled")
        query("UPDATE outbox_event SET data = 'no JSON' WHERE id <> %s", events[5].id)
        query(
            "UPDATE outbox_event SET data = %s WHERE id = %s",
            '{"object":"payment_intent","status":"canceled"}',
            events[5].id,
        )
        with Command("run_dispatcher", "--drain") as dispatcher:
            assert dispatcher.wait() == 0, dispatcher.output()
        assert len(receiver.requests) == 1
    ended = {row.event_id: (row.state, row.reason) for row in FinishedDelivery.objects.all()}
    assert ended.pop(events[5].id) == ("succeeded", None)
    assert set(ended.values()) == {("dead_lettered", "unrenderable")}
    # Eleven faults of ours in a row are none of the endpoint's.
    assert (lane_row(endpoint).circuit_openings, lane_row(endpoint).failing_since) == (0, None)


def test_a_secret_that_cannot_be_read_dead_letters_its_delivery_alone():
    with Receiver(answer_all()) as receiver:
        broken = make_endpoint(url=receiver.url())
        make_endpoint(url=receiver.url())
        query("UPDATE dispatcher_endpoint SET secret = 'nonsense' WHERE id = %s", broken.id)
        record(1)
        with Command("run_dispatcher", "--drain") as dispatcher:
            assert dispatcher.wait() == 0, dispatcher.output()
        assert len(receiver.requests) == 1
    ended = {row.endpoint_id: (row.state, row.reason) for row in FinishedDelivery.objects.all()}
    assert ended.pop(broken.id) == ("dead_lettered", "secret_undecryptable")
    assert list(ended.values()) == [("succeeded", None)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--concurrency", "0"], "--concurrency must be between 1 and 10000, not 0"),
        (["--batch", "0"], "--batch must be between 1 and 10000, not 0"),
        (
            ["--lease", "20"],
            "--lease must be at least 30 s (twice the attempt timeout of 15 s, and 1 s more than it), not 20 s",
        ),
        (["--poll-interval", "0"], "--poll-interval must be between 0.001 and 60 seconds, not 0"),
        (["--concurrency", "many"], "argument --concurrency: invalid int value: 'many'"),
        (["--executor-of-dreams"], "unrecognized arguments: --executor-of-dreams"),
    ],
)
def test_bad_option_exits_2_with_one_sentence(arguments, sentence):
    with Command("run_dispatcher", *arguments) as dispatcher:
        assert dispatcher.wait() == 2
    assert sentence in dispatcher.output()
    assert "Traceback" not in dispatcher.output()


def test_unreachable_database_exits_3_with_one_sentence():
    with Command("run_dispatcher", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing") as dispatcher:
        assert dispatcher.wait() == 3
    assert "cannot reach PostgreSQL" in dispatcher.output()
    assert "Traceback" not in dispatcher.output()


def test_contradicting_settings_exit_2_and_are_all_named():
    with Command(
        "run_dispatcher",
        WEBHOOK_CONCURRENCY="0",
        WEBHOOK_CONNECT_TIMEOUT_SECONDS="60",
        WEBHOOK_CIRCUIT_THRESHOLD="0",
        WEBHOOK_CIRCUIT_PAUSE_CAP_SECONDS="1",
        WEBHOOK_RETRY_SCHEDULE_SECONDS="5,1",
    ) as dispatcher:
        assert dispatcher.wait() == 2
    assert "CONCURRENCY must be between 1 and 10000, not 0" in dispatcher.output()
    assert "CONNECT_TIMEOUT must not exceed ATTEMPT_TIMEOUT" in dispatcher.output()
    assert "CIRCUIT_THRESHOLD must be between 1 and 10000, not 0" in dispatcher.output()
    assert "CIRCUIT_PAUSE_CAP must be between CIRCUIT_PAUSE (5 s) and 86400 s, not 1 s" in dispatcher.output()
    assert "the waits of the schedule must never decrease" in dispatcher.output()

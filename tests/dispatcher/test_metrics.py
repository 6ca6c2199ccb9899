"""`run_dispatcher --metrics-port`: every metric is there, says what happened, and is asked for at a bounded cost."""

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.db import connection, transaction

from dispatcher.connection import connect
from dispatcher.cycles import Cycle
from dispatcher.metrics import CATALOGUE, WAIT_BOUNDS, Metrics
from dispatcher.models import Delivery, FinishedDelivery
from dispatcher.pause import pause_deliveries
from dispatcher.standing import COUNTED, Standing, lookout, read_standing
from outbox import lookout as lookout_module
from outbox.identifiers import new_uuid
from outbox.measures import Histogram
from outbox.partitions import STRAYS_COUNTED
from tests.dispatcher.plans import counted_rows
from tests.dispatcher.scenes import (
    GONE,
    REFUSED,
    claim,
    expire_leases,
    fan_out,
    finish,
    held_elsewhere,
    make_endpoint,
    query,
    record,
)
from tests.hostile.receivers import Conversation, Receiver, answer_all
from tests.processes import Command, until, worker_database_url
from tests.scrapes import Scrape, moves, scrape
from tools.demo.ports import HOST, reserved_port

pytestmark = [pytest.mark.django_db(transaction=True)]

REFUSAL = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
DESCRIBED = {one.name: one for one in CATALOGUE}


@contextmanager
def dispatching(**environment: Any) -> Iterator[tuple[Command, int]]:
    with (
        reserved_port(0) as port,
        Command("run_dispatcher", "--metrics-port", str(port), **environment) as dispatcher,
    ):
        dispatcher.says("dispatcher ready")
        yield dispatcher, port


# --- A real process ---


def test_every_metric_is_there_before_anything_happened():
    with dispatching() as (_, port):
        shown = scrape(port)
    assert shown.described() == {one.name: (one.type, one.help) for one in CATALOGUE}
    assert shown["dispatcher_database_up"] == 1
    assert shown["dispatcher_attempts_total", "", "succeeded"] == 0
    assert shown["dispatcher_deliveries_ended_total", "skipped"] == 0
    assert shown["dispatcher_default_partition_rows", "outbox_event"] == 0
    assert shown["process_resident_memory_bytes"] > 0


def test_counters_tell_of_successes_and_failures():
    with (
        Receiver(answer_all()) as healthy,
        Receiver(answer_all(REFUSAL)) as broken,
        dispatching(WEBHOOK_RETRY_SCHEDULE_SECONDS="3600") as (_, port),
    ):
        recorded_before = scrape(port)["dispatcher_events_recorded_total"]
        make_endpoint(url=healthy.url())
        make_endpoint(url=broken.url())
        make_endpoint(status="disabled")
        record(7)
        until(lambda: FinishedDelivery.objects.filter(state="succeeded").count() == 7, what="deliveries")
        until(lambda: Delivery.objects.filter(attempts=1, lease_owner=None).count() == 7, what="failures")
        shown = moves(port, ("dispatcher_attempts_total", "http_5xx", "failed"), 7)
        assert shown["dispatcher_attempts_total", "", "succeeded"] == 7
        assert shown["dispatcher_events_fanned_out_total"] == 7
        assert shown["dispatcher_deliveries_created_total"] == 14
        assert shown["dispatcher_deliveries_claimed_total"] == 14
        assert shown["dispatcher_deliveries_ended_total", "succeeded"] == 7
        assert shown["dispatcher_deliveries_ended_total", "skipped"] == 7
        assert shown["dispatcher_deliveries_ended_total", "dead_lettered"] == 0
        assert shown["dispatcher_event_to_first_attempt_seconds_count"] == 14
        for name in ("claim", "record", "cycle"):
            assert shown[f"dispatcher_{name}_seconds_count"] > 0
            assert shown[f"dispatcher_{name}_seconds_sum"] > 0
        moves(port, ("dispatcher_backlog", "scheduled"), 7)
        assert scrape(port)["dispatcher_events_recorded_total"] == recorded_before + 7
        # The second attempt is the last of this schedule.
        query("UPDATE dispatcher_delivery SET due_at = now()")
        query(
            "UPDATE dispatcher_lane SET ready_at = now(), hold_until = '-infinity', circuit_until = '-infinity'"
        )
        shown = moves(port, ("dispatcher_deliveries_ended_total", "dead_lettered"), 7)
        assert shown["dispatcher_attempts_total", "http_5xx", "failed"] == 14
        assert shown["dispatcher_event_to_first_attempt_seconds_count"] == 14


def test_gauges_tell_of_sends_leases_and_backlog():
    opened: list[Conversation] = []

    def silent(conversation: Conversation) -> None:
        conversation.read_request()
        opened.append(conversation)
        conversation.hold()

    with Receiver(silent) as receiver, dispatching() as (dispatcher, port):
        make_endpoint(url=receiver.url(), max_in_flight=2)
        record(5)
        until(lambda: len(opened) == 2, what="two requests in flight")
        shown = moves(port, ("dispatcher_backlog", "due"), 3)
        assert shown["dispatcher_sends_in_flight"] == 2
        assert shown["dispatcher_leases"] == shown["dispatcher_backlog", "leased"] == 2
        # They wait for room at their endpoint: no dispatcher is late.
        assert shown["dispatcher_oldest_due_age_seconds", "any"] > 0
        assert shown["dispatcher_oldest_due_age_seconds", "permitted"] == 0
        dispatcher.kill()


def test_metrics_of_the_process_are_answered_while_the_database_is_away():
    connection.close()  # this test's own, or it would be ended with the others
    with dispatching() as (dispatcher, port):
        allow_connections("false")
        try:
            shown = moves(port, "dispatcher_database_up", 0)
            assert shown["dispatcher_events_fanned_out_total"] == 0
            assert ("dispatcher_backlog", "due") not in shown.values
            dispatcher.says("database out of reach")
        finally:
            allow_connections("true")
        assert moves(port, "dispatcher_database_up", 1)["dispatcher_backlog", "due"] == 0


def allow_connections(allowed: str) -> None:
    """To this test's database, said from another one: nobody may close the one that he is in. Ends those there are."""
    name = connection.settings_dict["NAME"]
    elsewhere = psycopg2.connect(urlsplit(worker_database_url())._replace(path="/postgres").geturl())
    elsewhere.autocommit = True
    try:
        with elsewhere.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {allowed}')
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
    finally:
        elsewhere.close()


def test_who_asks_is_not_held_up_by_a_statement_that_waits(monkeypatch):
    monkeypatch.setattr(lookout_module, "PATIENCE", timedelta(seconds=0.2))
    monkeypatch.setattr(lookout_module, "FRESH_AT_MOST", timedelta(seconds=0.1))
    watch = lookout()
    watch.start()
    try:
        with held_elsewhere("LOCK TABLE dispatcher_lane IN ACCESS EXCLUSIVE MODE"):
            assert watch.reading() is None
        until(lambda: watch.reading() is not None, what="a reading after the lock")
    finally:
        watch.stop()
        watch.join()


def test_it_is_served_on_loopback_only():
    with dispatching() as (_, port), socket.socket() as elsewhere:
        # Linux routes all of 127/8 to this machine: a server on every address would answer here.
        assert elsewhere.connect_ex(("127.0.0.2", port)) != 0


def test_a_dispatcher_that_serves_metrics_drains_and_ends():
    with dispatching() as (dispatcher, port):
        scrape(port)
        dispatcher.signal(signal.SIGTERM)
        assert dispatcher.wait() == 0
    assert dispatcher.stderr[-1].startswith(("dispatcher ready", "draining")), dispatcher.output()


def test_a_port_that_is_busy_exits_2_with_one_sentence():
    with socket.socket() as busy:
        busy.bind((HOST, 0))
        busy.listen()
        port = busy.getsockname()[1]
        with Command("run_dispatcher", "--metrics-port", str(port)) as dispatcher:
            assert dispatcher.wait() == 2
    assert f"--metrics-port {port}: cannot listen on {HOST}: Address already in use" in dispatcher.output()
    assert "Traceback" not in dispatcher.output()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--metrics-port", "0"], "--metrics-port must be between 1 and 65535, not 0"),
        (["--metrics-port", "65536"], "--metrics-port must be between 1 and 65535, not 65536"),
        (["--metrics-port", "http"], "argument --metrics-port: invalid int value: 'http'"),
        (["--metrics-host", "0.0.0.0"], "--metrics-host needs --metrics-port"),
        (["--metrics-port", "9464", "--metrics-host", "no host"], "cannot listen on no host"),
    ],
)
def test_a_flag_that_cannot_be_used_exits_2_with_one_sentence(arguments, sentence):
    with Command("run_dispatcher", *arguments) as dispatcher:
        assert dispatcher.wait() == 2
    assert sentence in dispatcher.output()
    assert "Traceback" not in dispatcher.output()


WITHOUT = (
    "import sys; sys.modules['prometheus_client'] = None\n"
    "import importlib.util as util; found = util.find_spec\n"
    "util.find_spec = lambda name, *a: None if name == 'prometheus_client' else found(name, *a)\n"
    "from django.core.management import execute_from_command_line\n"
    "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'core.settings'\n"
    "execute_from_command_line(['manage.py', 'run_dispatcher', *sys.argv[1:]])\n"
)


def test_without_prometheus_client_a_dispatcher_runs_and_serves_no_metrics():
    with Command(program=[sys.executable, "-c", WITHOUT, "--drain"]) as dispatcher:
        assert dispatcher.wait() == 0, dispatcher.output()
    with Command(program=[sys.executable, "-c", WITHOUT, "--metrics-port", "9464"]) as dispatcher:
        assert dispatcher.wait() == 2
    assert "pip install 'ministripe-outbox[metrics]'" in dispatcher.output()


# --- What stands in the database ---


def test_circuits_pause_strays_and_expired_leases_are_told():
    opened, half_open, closed = (make_endpoint() for _ in range(3))
    query(
        "UPDATE dispatcher_lane SET circuit_openings = 2, circuit_until = now() + interval '1 hour' "
        "WHERE endpoint_id = %s",
        opened.id,
    )
    query(
        "UPDATE dispatcher_lane SET circuit_openings = 1, circuit_until = now() WHERE endpoint_id = %s",
        half_open.id,
    )
    pause_deliveries()
    query("INSERT INTO outbox_event (id, owner, type, object_id, data) VALUES (%s, '', '', '', '')", "f" * 32)
    standing = read_standing()
    assert (standing.circuits_open, standing.circuits_half_open) == (1, 1)
    assert standing.paused
    assert standing.strays == {
        "outbox_event": 1,
        "dispatcher_attempt": 0,
        "dispatcher_finished_delivery": 0,
        "api_request_log": 0,
        "api_audit_entry": 0,
    }
    assert closed.id


def test_what_waits_for_a_hold_makes_no_dispatcher_late_and_a_resend_does():
    endpoint = make_endpoint()
    record(3)
    fan_out()
    query(
        "UPDATE dispatcher_delivery SET due_at = now() - interval '1 hour'",
    )
    query("UPDATE dispatcher_lane SET hold_until = now() + interval '1 hour', ready_at = now()")
    held = read_standing()
    assert (held.due, held.oldest_permitted) == (3, 0)
    assert held.oldest_due > 3599
    query(
        "INSERT INTO dispatcher_delivery (id, owner, endpoint_id, event_id, due_at, resend_no) "
        "VALUES (%s, 'acct_test', %s, %s, now() - interval '1 minute', 1)",
        new_uuid(), endpoint.id, new_uuid(),
    )  # fmt: skip
    resent = read_standing()
    assert resent.due == 4
    assert 59 < resent.oldest_permitted < 3599


def test_counts_stop_at_their_bound_and_reading_them_does_too():
    """Whatever waits: at most the bound for each state, and a few rows a lane."""
    endpoints = [make_endpoint() for _ in range(5)]
    record(1000)
    while fan_out():
        pass
    query(
        "UPDATE dispatcher_delivery SET due_at = now() + interval '1 day' WHERE endpoint_id = %s",
        endpoints[0].id,
    )
    query(
        "UPDATE dispatcher_delivery SET lease_owner = %s WHERE endpoint_id = %s", new_uuid(), endpoints[1].id
    )
    record(1000)
    query("ANALYZE")
    connect()
    bound = 50
    with transaction.atomic(), counted_rows() as count:
        standing = read_standing(counted=bound)
    assert (standing.due, standing.scheduled, standing.leased, standing.pending_fan_out) == (bound,) * 4
    assert count.largest() <= 5 * bound + 20 * len(endpoints), count.worst()
    whole = read_standing()
    assert (whole.due, whole.scheduled, whole.leased, whole.pending_fan_out) == (3000, 1000, 1000, 1000)


# --- Counting ---


def shown_by(metrics: Metrics) -> Scrape:
    from prometheus_client import generate_latest

    return Scrape(generate_latest(metrics.registry).decode())


def test_a_superseded_attempt_ends_no_delivery_and_an_expired_lease_is_counted():
    make_endpoint()
    record(3)
    fan_out()
    stale = claim()
    expire_leases()
    again = claim()
    metrics = Metrics(standing=lambda: None)
    metrics.cycled(Cycle(claims=stale, room=100))
    metrics.cycled(
        Cycle(claims=again, room=100, recorded=[*finish(stale, REFUSED), *finish(again[:1], GONE)])
    )
    shown = shown_by(metrics)
    assert shown["dispatcher_leases_expired_total"] == 3
    assert shown["dispatcher_deliveries_claimed_total"] == 6
    assert shown["dispatcher_attempts_superseded_total"] == 3
    assert shown["dispatcher_attempts_total", "http_5xx", "failed"] == 3
    assert shown["dispatcher_attempts_total", "http_410_gone", "failed"] == 1
    assert shown["dispatcher_deliveries_ended_total", "dead_lettered"] == 1
    # Only first attempts: those of the second claim are not.
    assert shown["dispatcher_event_to_first_attempt_seconds_count"] == 3


def test_a_value_on_a_bound_belongs_to_its_bucket():
    histogram = Histogram((0.1, 1))
    histogram.observe_all([0.1, 0.10001, 1, 5, -3])
    assert histogram.buckets() == [("0.1", 2.0), ("1.0", 4.0), ("+Inf", 5.0)]
    assert histogram.total == pytest.approx(6.20001)
    assert list(WAIT_BOUNDS) == sorted(WAIT_BOUNDS)


# --- promtool's rules, and the bounds that help texts name ---


def test_no_metric_is_described_twice_and_bounds_are_those_in_force():
    assert len(DESCRIBED) == len(CATALOGUE)
    assert len({one.help for one in CATALOGUE}) == len(CATALOGUE)
    assert str(COUNTED) in DESCRIBED["dispatcher_backlog"].help
    assert str(STRAYS_COUNTED) in DESCRIBED["dispatcher_default_partition_rows"].help


def test_the_metrics_of_the_database_are_those_of_a_standing():
    standing = Standing(
        events_recorded=1, pending_fan_out=2, due=3, scheduled=4, leased=5, leases=6, oldest_permitted=7.5,
        oldest_due=8.5, circuits_open=9, circuits_half_open=10, paused=True, strays={"outbox_event": 11},
    )  # fmt: skip
    shown = shown_by(Metrics(standing=lambda: standing))
    assert [
        shown["dispatcher_events_recorded_total"],
        *(shown["dispatcher_backlog", state] for state in ("pending_fan_out", "due", "scheduled", "leased")),
        shown["dispatcher_leases"],
        *(shown["dispatcher_oldest_due_age_seconds", which] for which in ("permitted", "any")),
        *(shown["dispatcher_circuits", state] for state in ("open", "half_open")),
        shown["dispatcher_paused"],
        shown["dispatcher_default_partition_rows", "outbox_event"],
        shown["dispatcher_database_up"],
    ] == [1, 2, 3, 4, 5, 6, 7.5, 8.5, 9, 10, 1, 11, 1]

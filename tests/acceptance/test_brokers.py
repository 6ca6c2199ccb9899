"""Dispatchers and workers around real brokers: everything arrives, and what a broker loses is not lost."""

import contextlib
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.claims import Hint
from dispatcher.hints import HintPost
from dispatcher.models import Attempt, Delivery, FinishedDelivery
from outbox.identifiers import encode_id
from tests.acceptance.kernel import connections_of, needs_proc
from tests.acceptance.shop import Received, Shop
from tests.brokers import flush, purge, waiting_messages
from tests.dispatcher.scenes import (
    assert_lanes_count_their_leases,
    claim,
    expire_leases,
    fan_out,
    hints_of,
    make_endpoint,
    query,
    record,
)
from tests.hostile.receivers import Gate, Receiver, answer_all
from tests.processes import Command, command_environment, until
from tools.private_brokers import PrivateBroker

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

# What a broker loses is claimed again within seconds; a second more than the rules ask for, for a busy processor.
IMPATIENT = {
    "WEBHOOK_ATTEMPT_TIMEOUT_SECONDS": "1",
    "WEBHOOK_CONNECT_TIMEOUT_SECONDS": "1",
    "WEBHOOK_LEASE_SECONDS": "3",
    "WEBHOOK_RETRY_SCHEDULE_SECONDS": ",".join(["0.2"] * 50),
}
MESSAGE_ID = re.compile(rb"(?i)^webhook-id: (\S+)", re.MULTILINE)


# Behaviour of processes in which brokers do not differ.
with_one_broker = pytest.mark.parametrize("broker", ["redis"], indirect=True)


class Fleet:
    """Starts dispatchers and workers on one broker; all are killed when the block ends."""

    def __init__(self, broker: PrivateBroker) -> None:
        self._broker = broker
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def dispatcher(self, *arguments: str, **environment: Any) -> Command:
        hand_out = ("--executor", "dramatiq", "--broker", self._broker.url)
        return self._start("dispatcher ready", "run_dispatcher", *hand_out, *arguments, **environment)

    def worker(self, *arguments: str, **environment: Any) -> Command:
        return self._start(
            "worker ready", "run_worker", "--broker", self._broker.url, *arguments, **environment
        )

    def _start(self, ready: str, *arguments: str, **environment: Any) -> Command:
        command = self._stack.enter_context(Command(*arguments, **environment))
        command.says(ready)
        return command


@pytest.fixture
def fleet(broker: PrivateBroker) -> Iterator[Fleet]:
    with Fleet(broker) as started:
        yield started


def stop(*commands: Command) -> None:
    """SIGTERM; each ends by itself, and well."""
    for command in commands:
        command.signal(signal.SIGTERM)
    for command in commands:
        assert command.wait() == 0, command.output()
        assert "Traceback" not in command.output(), command.output()


def deliveries_ended() -> bool:
    return query(
        "SELECT (SELECT count(*) FROM outbox_pending), (SELECT count(*) FROM dispatcher_delivery)"
    ) == [(0, 0)]


def requests_by_event(receiver: Receiver) -> Counter[str]:
    found: Counter[str] = Counter()
    for request in receiver.requests:
        match = MESSAGE_ID.search(request)
        assert match is not None
        found[match[1].decode()] += 1
    return found


def told_of(worker: Command) -> int:
    """How many successes it counted on stdout."""
    return sum(json.loads(line)["count"] for line in worker.stdout)


@pytest.fixture
def hint(broker: PrivateBroker) -> Iterator[Callable[[list[Hint]], None]]:
    """Sends a message of these hints."""
    post = HintPost(broker.url)
    yield post.send
    post.close()


def test_workers_deliver_what_a_dispatcher_hands_out(fleet: Fleet) -> None:
    with Receiver(answer_all()) as receiver:
        for _ in range(4):
            make_endpoint(url=receiver.url(), max_in_flight=500)
        events = record(250)
        workers = [fleet.worker(), fleet.worker("--concurrency", "16", "--threads", "2")]
        dispatcher = fleet.dispatcher("--drain")
        assert dispatcher.wait() == 0, dispatcher.output()
        stop(*workers)
        assert requests_by_event(receiver) == {event.public_id: 4 for event in events}
    assert dispatcher.stdout == []
    assert sum(told_of(worker) for worker in workers) == 1000
    assert FinishedDelivery.objects.filter(state="succeeded", attempts=1).count() == 1000
    assert_lanes_count_their_leases()


def test_redelivered_and_late_hints_send_nothing_twice(
    fleet: Fleet, hint: Callable[[list[Hint]], None]
) -> None:
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url())
        record(3)
        fan_out()
        late = hints_of(claim(begun=False))
        expire_leases()
        current = hints_of(claim(begun=False))
        # One thread: what is sent last is followed last.
        worker = fleet.worker("--threads", "1")
        for hints in (late, current, current, late):
            hint(hints)
        until(lambda: FinishedDelivery.objects.count() == 3, what="the three deliveries")
        hint(current)
        hint(late)
        record(1)
        fan_out()
        hint(hints_of(claim(begun=False)))
        until(lambda: FinishedDelivery.objects.count() == 4, what="the delivery after the late hints")
        stop(worker)
        assert len(receiver.requests) == 4
    assert set(Attempt.objects.values_list("number", "outcome", "superseded")) == {(1, "succeeded", False)}
    assert_lanes_count_their_leases()


def test_hints_that_were_lost_before_a_worker_came_cost_one_lease(
    fleet: Fleet, broker: PrivateBroker
) -> None:
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url(), max_in_flight=500)
        record(200)
        dispatcher = fleet.dispatcher(**IMPATIENT)
        until(lambda: Delivery.objects.exclude(lease_owner=None).count() == 200, what="200 leases")
        until(lambda: waiting_messages(broker) >= 4, what="their messages")
        assert purge(broker) >= 4
        worker = fleet.worker(**IMPATIENT)
        until(deliveries_ended, what="all deliveries, after their leases")
        stop(dispatcher, worker)
        assert len(requests_by_event(receiver)) == 200
    # What was lost was no attempt.
    assert FinishedDelivery.objects.filter(state="succeeded", attempts=1).count() == 200
    assert set(Attempt.objects.values_list("claim_no", flat=True)) <= {2, 3}
    assert_lanes_count_their_leases()


def test_a_broker_that_is_flushed_mid_run_loses_nothing(fleet: Fleet, broker: PrivateBroker) -> None:
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url(), max_in_flight=1000)
        events = record(2000)
        worker = fleet.worker("--concurrency", "8", **IMPATIENT)
        dispatcher = fleet.dispatcher("--outstanding", "400", **IMPATIENT)
        until(lambda: FinishedDelivery.objects.count() >= 100, what="the first deliveries")
        flush(broker)
        assert not deliveries_ended()
        until(deliveries_ended, what="all deliveries")
        stop(dispatcher, worker)
        arrived = requests_by_event(receiver)
    assert set(arrived) == {event.public_id for event in events}
    assert arrived.total() <= Attempt.objects.count()
    assert FinishedDelivery.objects.filter(state="succeeded").count() == 2000
    assert_lanes_count_their_leases()


def test_a_broker_that_stops_is_waited_for(fleet: Fleet, broker: PrivateBroker) -> None:
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url(), max_in_flight=1000)
        worker = fleet.worker(**IMPATIENT)
        dispatcher = fleet.dispatcher(**IMPATIENT)
        events = record(50)
        until(lambda: FinishedDelivery.objects.count() == 50, what="deliveries before the outage")
        broker.stop()
        try:
            events += record(50)
            dispatcher.says("out of reach")
            # What could not be handed out is given back at once: nobody has to wait for its lease.
            until(lambda: not Delivery.objects.exclude(lease_owner=None).exists(), what="leases given back")
        finally:
            broker.start()
        dispatcher.says("is back")
        until(deliveries_ended, what="deliveries after the outage")
        stop(dispatcher, worker)
        assert set(requests_by_event(receiver)) == {event.public_id for event in events}
    assert FinishedDelivery.objects.filter(state="succeeded", attempts=1).count() == 100
    assert_lanes_count_their_leases()


@needs_proc
def test_nothing_is_lost_with_a_worker_that_is_killed(fleet: Fleet, shop: Shop) -> None:
    make_endpoint(url=shop.url("/hook"), max_in_flight=1000)
    # On a busy machine answers are held past their deadline: that is not to close the endpoint. Nor is a lease to run
    # out while the survivor's claims wait for a slot: theirs would be unknown attempts that the dead one never began.
    settings = {**IMPATIENT, "WEBHOOK_CIRCUIT_THRESHOLD": "10000", "WEBHOOK_LEASE_SECONDS": "8"}
    doomed, survivor = (fleet.worker("--concurrency", "16", **settings) for _ in range(2))
    dispatcher = fleet.dispatcher("--outstanding", "256", **settings)
    events = record(2000)
    until(lambda: len(shop.received) >= 200, what="the first requests")
    in_flight = kill_with_sends_in_flight(doomed, shop)
    until(deliveries_ended, what="all deliveries")
    stop(dispatcher, survivor)
    arrived = Counter(request.event_id for request in shop.received)
    assert set(arrived) == {event.public_id for event in events}
    # The survivor's sends were held too, some past their deadline: those were failed attempts, and their retries.
    retried = {
        encode_id("evt", event_id)
        for event_id in Attempt.objects.filter(outcome="failed").values_list("event_id", flat=True)
    }
    twice = Counter(
        {event: count - 1 for event, count in arrived.items() if count > 1 and event not in retried}
    )
    assert twice.total() <= 16
    vanished = Attempt.objects.filter(outcome="unknown").values_list("event_id", flat=True)
    assert set(twice) <= {encode_id("evt", event_id) for event_id in vanished}
    # What the worker had begun and not recorded runs one slot-count ahead of its sends, about.
    assert in_flight <= len(vanished) <= 3 * 16
    assert FinishedDelivery.objects.filter(state="succeeded").count() == 2000
    assert arrived.total() <= Attempt.objects.count()
    assert_lanes_count_their_leases()


def kill_with_sends_in_flight(worker: Command, shop: Shop) -> int:
    """SIGKILL while the shop holds answers that it waits for, and all others are recorded; gives their number."""

    def in_flight() -> list[Received]:
        connections = connections_of(worker.process.pid)
        return [request for request in shop.held() if (request.peer_port, shop.port) in connections]

    def all_recorded() -> bool:
        recorded = Attempt.objects.exclude(outcome="unknown").values_list("event_id", flat=True)
        answered = {request.event_id for request in list(shop.received) if request.answered}
        return answered <= {encode_id("evt", event_id) for event_id in recorded}

    shop.hold()
    until(lambda: in_flight() and all_recorded(), what="sends of this worker in flight, and no other results")
    worker.signal(signal.SIGSTOP)
    held = len(in_flight())
    worker.kill()
    assert worker.wait() == -signal.SIGKILL
    shop.answer()
    return held


@with_one_broker
def test_first_signal_ends_what_a_worker_has_in_flight_and_passes_the_rest_on(
    fleet: Fleet, hint: Callable[[list[Hint]], None]
) -> None:
    gate = Gate()
    with Receiver(gate) as receiver:
        make_endpoint(url=receiver.url())
        record(10)
        fan_out()
        ending = fleet.worker("--concurrency", "1")
        hint(hints_of(claim(begun=False)))
        until(lambda: len(receiver.requests) == 1, what="the one request in flight")
        ending.signal(signal.SIGTERM)
        ending.says("draining: 1 in flight")
        other = fleet.worker()
        # No dispatcher runs: these come from the message that the first worker sent again. What it had begun
        # ahead of its one slot it gave back.
        until(
            lambda: len(receiver.requests) + Delivery.objects.filter(lease_owner=None).count() == 10,
            what="the hints that were passed on",
        )
        assert len(receiver.requests) >= 5
        gate.opened.set()
        assert ending.wait() == 0, ending.output()
        stop(other)
    ended = FinishedDelivery.objects.filter(state="succeeded", attempts=1).count()
    given_back = list(Delivery.objects.values_list("attempts", "lease_owner"))
    assert given_back == [(0, None)] * (10 - ended)
    assert_lanes_count_their_leases()


@with_one_broker
def test_second_signal_stops_a_worker_at_once(fleet: Fleet, hint: Callable[[list[Hint]], None]) -> None:
    gate = Gate()
    with Receiver(gate) as receiver:
        make_endpoint(url=receiver.url())
        record(1)
        fan_out()
        worker = fleet.worker()
        hint(hints_of(claim(begun=False)))
        until(lambda: len(receiver.requests) == 1, what="a request in flight")
        worker.signal(signal.SIGTERM)
        worker.says("draining: 1 in flight")
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 1, worker.output()
        gate.opened.set()
    assert "Traceback" not in worker.output()
    assert Delivery.objects.get().lease_owner is not None


@with_one_broker
def test_no_more_is_handed_out_than_the_cap_allows(fleet: Fleet, broker: PrivateBroker) -> None:
    make_endpoint(max_in_flight=1000)
    record(500)
    dispatcher = fleet.dispatcher("--outstanding", "100", "--batch", "30", "--poll-interval", "0.001")
    until(lambda: Delivery.objects.exclude(lease_owner=None).count() == 100, what="100 leases")
    until(lambda: not query("SELECT FROM outbox_pending"), what="the fan-out of all")
    stop(dispatcher)
    assert Delivery.objects.exclude(lease_owner=None).count() == 100
    assert_lanes_count_their_leases()


def test_a_worker_outlives_the_loss_of_its_connection(fleet: Fleet) -> None:
    with Receiver(answer_all()) as receiver:
        make_endpoint(url=receiver.url())
        worker, dispatcher = fleet.worker(**IMPATIENT), fleet.dispatcher(**IMPATIENT)
        record(1)
        until(lambda: FinishedDelivery.objects.count() == 1, what="the first delivery")
        query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        dispatcher.says("database out of reach")
        record(1)
        until(lambda: FinishedDelivery.objects.count() == 2, what="a delivery after the outage")
        stop(dispatcher, worker)
    assert_lanes_count_their_leases()


@with_one_broker
def test_dramatiqs_own_command_runs_workers(fleet: Fleet, broker: PrivateBroker) -> None:
    program = [
        str(Path(sys.executable).with_name("dramatiq")),
        *("dispatcher.worker", "--processes", "2", "--threads", "2"),
    ]
    environment = command_environment(
        WEBHOOK_BROKER_URL=broker.url, DJANGO_SETTINGS_MODULE=os.environ["DJANGO_SETTINGS_MODULE"]
    )
    with (
        Receiver(answer_all()) as receiver,
        Command(program=program, whole_environment=environment) as workers,
    ):
        make_endpoint(url=receiver.url())
        record(100)
        dispatcher = fleet.dispatcher("--drain")
        assert dispatcher.wait() == 0, dispatcher.output() + workers.output()
        stop(workers)
        assert len(receiver.requests) == 100
    assert told_of(workers) == 100
    assert FinishedDelivery.objects.filter(state="succeeded", attempts=1).count() == 100
    assert_lanes_count_their_leases()

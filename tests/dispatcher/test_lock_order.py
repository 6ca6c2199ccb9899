"""Two dispatchers on the same lanes: the order of locks keeps them from ever waiting in a circle."""

import random
import threading
import uuid
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection, transaction

from dispatcher.attempts import Attempted
from dispatcher.connection import connect
from dispatcher.cycles import CycleRunner, Work
from dispatcher.deliveries import database_now
from dispatcher.delivery import DeliveryPlan, Sending
from dispatcher.disabling import disable_endpoints
from dispatcher.endpoints import update_endpoint
from dispatcher.errors import ReplayRefused, ReplayStateRefused
from dispatcher.lanes import wake_lanes
from dispatcher.models import Attempt, Delivery, Endpoint, FinishedDelivery, Replay
from dispatcher.rendering import render_event
from dispatcher.replay_runs import cancel_replay, list_replays, start_replay
from dispatcher.replay_steps import carry_a_replay
from dispatcher.retry import RetryPolicy
from dispatcher.tallies import Tallies
from tests.dispatcher.scenes import (
    LEASE,
    OWNER,
    REFUSED,
    SUCCESS,
    assert_lanes_count_their_leases,
    assert_no_lane_sleeps_past_its_work,
    make_endpoint,
    query,
    record,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres_versions]

CYCLES = 1_000  # of each of the two
PLAN = DeliveryPlan(renderer=render_event, retry_policy=RetryPolicy(), user_agent="test")


class LockStep:
    """One dispatcher's cycles, each begun together with the other's."""

    def __init__(self, number: int, barrier: threading.Barrier, endpoints: list[Endpoint]) -> None:
        self.random = random.Random(number)
        self.number = number
        self.barrier = barrier
        self.endpoints = endpoints
        self.errors: list[BaseException] = []
        self.recorded = 0

    def poisoned(self, part: str, error: Exception, subject: str) -> None:
        self.errors.append(error)

    def run(self) -> None:
        """All of its cycles, in a thread of its own."""
        try:
            connect()
            self._cycles()
        except BaseException as error:
            self.errors.append(error)
            self.barrier.abort()
        finally:
            connection.close()

    def _cycles(self) -> None:
        runner = CycleRunner(lease_owner=uuid.uuid4(), lease=LEASE, log=self)
        attempted: list[Attempted] = []
        tallies = Tallies()
        for cycle_no in range(CYCLES):
            self.barrier.wait(timeout=60)
            if cycle_no % 4 == self.number:
                record(2)
            if cycle_no % 50 == 25 * self.number:
                self._turn_an_endpoint_off_or_on()
            cycle = runner._in_one_transaction(work(attempted, room=20))
            self.recorded += len(cycle.recorded)
            tallies.cycled(cycle)
            if cycle_no % 7 == 0:
                tallies.write()
            if cycle_no % 40 == 20 * self.number:
                self._replay_to_an_endpoint()
            if cycle_no % 5 == 0:
                carry_a_replay(self)
            attempted = [
                PLAN.conclude(Sending(claim, claim.lease.now_epoch()), self.random.choice([SUCCESS, REFUSED]))
                for claim in cycle.claims
            ]
            self.random.shuffle(attempted)
            if cycle_no % 10 == 0:
                make_some_due()
        tallies.cycled(runner._in_one_transaction(work(attempted, room=0)))
        tallies.write()

    def _replay_to_an_endpoint(self) -> None:
        """Begin one, or stop one that is under way: both take locks while the other dispatcher carries replays."""
        endpoint = self.random.choice(self.endpoints)
        with suppress(ReplayRefused, ReplayStateRefused):
            for run in list_replays(state="running"):
                cancel_replay(replay_id=run.id)
            start_replay(
                owner=OWNER,
                endpoint_id=endpoint.id,
                since=database_now() - timedelta(hours=1),
                only=self.random.choice(["missing", "failed"]),
                rate=10_000.0,
                created_by="test",
            )

    def _turn_an_endpoint_off_or_on(self) -> None:
        endpoint = self.random.choice(self.endpoints)
        if self.random.random() < 0.5:
            disable_endpoints(gone=[endpoint.id], failing=[self.random.choice(self.endpoints).id])
        else:
            update_endpoint(owner=OWNER, endpoint_id=endpoint.id, changes={"status": "enabled"})


def work(attempted: list[Attempted], *, room: int) -> Work:
    return Work(attempted=attempted, unsent=(), room=room, fan_out=True, hints=())


def make_some_due() -> None:
    """Bring retries forward, as an operator's reschedule would: deliveries first, then their lanes.

    What waits behind a head is left alone: it changes under its lane's lock only.
    """
    with transaction.atomic():
        moved = query(
            "UPDATE dispatcher_delivery SET due_at = now() WHERE id IN (SELECT id FROM dispatcher_delivery "
            "WHERE lease_owner IS NULL AND due_at < 'infinity' ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED) "
            "RETURNING endpoint_id"
        )
        wake_lanes({endpoint_id for (endpoint_id,) in moved}, database_now())


@pytest.mark.parametrize("protected", [False, True], ids=["free", "protected"])
def test_two_dispatchers_in_lock_step_never_deadlock(protected, settings):
    endpoints = [make_endpoint(max_in_flight=10, ordered=number % 2 == 0) for number in range(6)]
    threshold = 3 if protected else 10_000  # one in eight, or never
    settings.DISPATCHER = {
        **settings.DISPATCHER,
        "CIRCUIT_THRESHOLD": threshold,
        "CIRCUIT_PAUSE": timedelta(milliseconds=2),
        "CIRCUIT_PAUSE_CAP": timedelta(milliseconds=20),
        "DISABLE_AFTER": timedelta(milliseconds=200),
    }
    if protected:
        query("UPDATE dispatcher_lane SET rate_limit = 500, burst = 3, tokens = 3, tokens_at = now()")
    barrier = threading.Barrier(2)
    dispatchers = [LockStep(number, barrier, endpoints) for number in range(2)]
    threads = [threading.Thread(target=dispatcher.run) for dispatcher in dispatchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [dispatcher.errors for dispatcher in dispatchers] == [[], []]
    assert all(dispatcher.recorded > 500 for dispatcher in dispatchers)
    assert_lanes_count_their_leases()
    assert_no_lane_sleeps_past_its_work()
    assert not Delivery.objects.exclude(lease_owner=None).exists()
    assert FinishedDelivery.objects.filter(state="succeeded").exists()
    assert FinishedDelivery.objects.filter(state="cancelled").exists()
    assert not Attempt.objects.filter(outcome="unknown").exists()
    assert Replay.objects.filter(made__gt=0).exists()
    assert_rollups_are_those_of_the_attempts()


def assert_rollups_are_those_of_the_attempts() -> None:
    """However the two wrote over each other, no sum is lost."""
    ((rolled_up, attempts),) = query(
        "SELECT (SELECT sum(succeeded + failed) FROM dispatcher_rollup WHERE scope = 'all' AND seconds = 60), "
        "(SELECT count(*) FROM dispatcher_attempt)"
    )
    assert rolled_up == attempts

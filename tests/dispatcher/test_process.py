"""The loop of a dispatcher's database thread: what it asks while nothing happens, and while much does."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from django.db import connection

from dispatcher import process
from dispatcher.attempt_log import AttemptLog
from dispatcher.cycles import Cycle
from dispatcher.models import Replay
from dispatcher.process import DispatcherProcess, RunOptions
from dispatcher.processes import BEAT_INTERVAL, ProcessFacts
from dispatcher.pulse import Pulse
from dispatcher.replay_runs import start_replay
from dispatcher.stopping import StopRequest
from dispatcher.tallies import Tallies
from outbox.sql import statements
from tests.dispatcher.scenes import GONE, OWNER, claim, fan_out, finish, make_endpoint, query, record

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
LOOK = statements("dispatcher.sql")["work_is_waiting"]
T = TypeVar("T")


class Stage:
    """An executor that sends nothing, and writes down what its process asks the database.

    Args:
        busy: how many cycles leave work behind; the others find nothing.
        polls: waits for the next poll until the process is asked to stop.
        at_poll: what happens before a poll, by its number.
    """

    lease_owner = uuid.UUID(int=1)
    room = 10
    outstanding = 0
    in_flight = 0

    def __init__(
        self, *, polls: int, busy: int = 0, at_poll: dict[int, Callable[[], object]] | None = None
    ) -> None:
        self.stop = StopRequest()
        self.asked: list[str] = []
        self.asked_by_poll: list[list[str]] = []
        self.cycles = 0
        self._polls = polls
        self._busy = busy
        self._at_poll = at_poll or {}

    def start(self) -> None: ...

    def close(self) -> None: ...

    def cycle(self, *, room: int, fan_out: bool) -> Cycle:
        self.cycles += 1
        self.asked.append("cycle")
        return Cycle(more_to_fan_out=self.cycles <= self._busy)

    def wait(self, seconds: float) -> bool:
        return False

    def finish(self, *, meanwhile: Callable[[], None]) -> None: ...

    def reach_database(self, work: Callable[[], T]) -> T:
        return work()

    def polled(self) -> bool:
        """The wait for the next poll; no notification comes."""
        self.asked_by_poll.append(self.asked)
        self.asked = []
        number = len(self.asked_by_poll)
        if event := self._at_poll.get(number):
            event()
            self.asked = []
        self.stop.requested = number >= self._polls
        return False


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Stage], None]:
    def run(stage: Stage) -> None:
        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            stage.asked.append(sql)
            return execute(sql, params, many, context)

        waits = DispatcherProcess._wait

        def wait(self: DispatcherProcess, cycle: Cycle | None) -> bool:
            return waits(self, cycle) or stage.polled()

        monkeypatch.setattr(DispatcherProcess, "_wait", wait)
        # The process of the tests goes on afterwards.
        monkeypatch.setattr(process, "_spare_the_collector", lambda: None)
        monkeypatch.setattr(process, "disconnect", lambda: None)
        log = AttemptLog(max_attempts=1)
        with connection.execute_wrapper(note):
            assert (
                DispatcherProcess(
                    options=RunOptions(
                        concurrency=4,
                        batch=10,
                        lease=timedelta(seconds=60),
                        poll_interval=timedelta(microseconds=1),
                    ),
                    executor=stage,
                    log=log,
                    stop=stage.stop,
                    ready="ready",
                    pulse=pulse(log),
                ).run()
                == 0
            )

    return run


def pulse(log: AttemptLog) -> Pulse:
    return Pulse(
        facts=ProcessFacts.of_this_process(
            id=Stage.lease_owner, kind="dispatcher", executor="local", concurrency=4
        ),
        tallies=Tallies(),
        log=log,
        in_flight=lambda: 0,
        leases=lambda: 0,
    )


@pytest.fixture(autouse=True)
def no_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first one, which every process begins with: they come every few seconds, whatever happens."""
    assert BEAT_INTERVAL < HOUR
    monkeypatch.setattr("dispatcher.pulse.BEAT_INTERVAL", HOUR)


def test_an_idle_dispatcher_asks_one_statement_a_poll(run: Callable[[Stage], None]) -> None:
    stage = Stage(polls=20)
    run(stage)
    assert stage.cycles == 1
    assert stage.asked_by_poll[1:] == [[LOOK]] * 19


def test_a_busy_dispatcher_asks_nothing_beside_its_cycles(
    run: Callable[[Stage], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for replays, a few times a second."""
    monkeypatch.setattr(process, "REPLAYS_INTERVAL", HOUR)
    stage = Stage(polls=1, busy=50)
    run(stage)
    asked = stage.asked_by_poll[0]
    assert stage.cycles == 51
    assert asked[asked.index("cycle") :] == ["cycle"] * 51
    assert asked.count(LOOK) == 1


def test_a_replay_begins_with_the_next_poll_of_an_idle_dispatcher(run: Callable[[Stage], None]) -> None:
    endpoint = make_endpoint()
    record(3)
    fan_out()
    finish(claim(10), GONE)

    def start() -> None:
        start_replay(
            owner=OWNER,
            endpoint_id=endpoint.id,
            since=datetime.now(tz=UTC) - HOUR,
            rate=1000.0,
            created_by="nell",
        )

    stage = Stage(polls=6, at_poll={3: start})
    run(stage)
    assert Replay.objects.values_list("made", flat=True).get() == 3
    assert stage.asked_by_poll[2] == [LOOK]
    assert len(stage.asked_by_poll[3]) > 1


def test_who_may_not_see_replays_looks_for_work_all_the_same(run: Callable[[Stage], None]) -> None:
    """As where the code is new and `make_roles` has not run yet. What it asks instead finds no less."""
    stage = Stage(polls=5)
    query("ALTER TABLE dispatcher_replay RENAME TO hidden_replay")
    try:
        run(stage)
    finally:
        query("ALTER TABLE hidden_replay RENAME TO dispatcher_replay")
    assert stage.asked_by_poll[0].count(LOOK) == 1
    assert stage.asked_by_poll[1:] == [[statements("dispatcher.sql")["backlog"]]] * 4

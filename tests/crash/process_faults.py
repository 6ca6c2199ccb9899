"""Faults of processes: SIGKILL at every crash point and at random moments, SIGSTOP past the lease.

One process of each kind is never struck, so that there is always somebody to take work up.
"""

import itertools
import os
import signal
import threading
from abc import abstractmethod
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from functools import partial
from typing import ClassVar

import psycopg2

from outbox.identifiers import floor_uuid
from tests.acceptance.product import Api
from tests.crash.faults import Fault, Size
from tests.crash.hosting import Process
from tests.crash.load import FULL_RATE
from tests.crash.product import LEASE
from tests.crash.scene import Scene
from tests.processes import until
from tools.test_dependencies import REDIS

# The crash points that each kind of process gets to, with the most times that one may be passed before.
DISPATCHER_POINTS = {
    "during_fan_out": 5,
    "during_claim": 10,
    "after_claim": 10,
    "during_send": 60,
    "after_send": 60,
    "before_record": 10,
    "during_record": 10,
    "after_record": 10,
}
MAINTENANCE_POINTS = {"during_maintenance": 10, "during_drop": 1}
HINTING_POINTS = {"before_hints": 10, "after_hints": 10}
WORKER_POINTS = {
    "during_begin": 5,
    "after_claim": 5,
    "during_send": 30,
    "after_send": 30,
    "before_record": 5,
    "during_record": 5,
    "after_record": 5,
}
RECORDER_POINTS = {"during_record_event": 500}
SETTLEMENT_POINTS = {
    "after_settlement_lease": 2,
    "after_bank_answer": 5,
    "during_settlement": 5,
    "after_settlement": 5,
}
API_POINTS = {
    "after_key": 10,
    "during_record_event": 20,
    "after_confirmation": 3,
    "after_bank_answer": 3,
    "during_settlement": 3,
    "during_finish": 5,
    "after_write": 10,
}
KILLED = -signal.SIGKILL
_DOOMED = 4  # processes that await such a death
_PAST_THE_LEASE = 1.2 * LEASE  # seconds


class _Killed(Fault):
    """A process is started to die: at a crash point in turn, or at a random moment where there are none.

    Those that die at random are a few, and the oldest is next: each has lived long enough to be in the midst of it.
    """

    points: ClassVar[dict[str, int]] = {}
    ready: ClassVar[str] = ""  # what it says when it is
    longest_pause: ClassVar[float] = 0.5  # seconds, before a death at a random moment

    def arrange(self, scene: Scene) -> None:
        self.arrange_those_that_live(scene)
        self._next_points = itertools.cycle(self.points)
        self._doomed = deque(self.start(scene) for _ in range(0 if self.points else _DOOMED))

    def arrange_those_that_live(self, scene: Scene) -> None:
        super().arrange(scene)

    @abstractmethod
    def start(self, scene: Scene, **environment: str) -> Process: ...

    def note(self, scene: Scene, process: Process) -> None:
        scene.killed(process)

    def finish(self, scene: Scene) -> None:
        for process in self._doomed:
            process.kill()
            self.note(scene, process)

    def strike(self, scene: Scene) -> None:
        if not self.points:
            self._doomed.append(self.start(scene))
            process = self._doomed.popleft()
            process.says(self.ready)
            pause(scene.random.uniform(0.0, self.longest_pause))
            process.kill()
            self.note(scene, process)
            return
        point = next(self._next_points)
        process = self.start(scene, CRASH_AT=f"{point}:{scene.random.randint(1, self.points[point])}")
        scene.expect_end(process, KILLED)
        self.note(scene, process)


class DispatcherKilledAtPoint(_Killed):
    name = "dispatcher_killed_at_point"
    row = "kill -9 of a dispatcher after claim / after send / during record"
    quick = Size(strikes=len(DISPATCHER_POINTS), events=2_000)
    long = Size(batches=8, strikes=30, events=8_000)
    points = DISPATCHER_POINTS

    def start(self, scene: Scene, **environment: str) -> Process:
        return scene.product.start_dispatcher(**environment)


class MaintenanceKilled(_Killed):
    name = "maintenance_killed_at_point"
    row = DispatcherKilledAtPoint.row
    quick = Size(strikes=len(MAINTENANCE_POINTS), events=1_000)
    long = Size(batches=2, strikes=10, events=4_000)
    points = MAINTENANCE_POINTS

    def start(self, scene: Scene, **environment: str) -> Process:
        """Maintenance gives way to the load's locks, or to one that died just now: then it is tried again."""
        make_old_partition(scene.postgres.url)
        while True:
            process = scene.product.host.start("maintain_partitions", **environment)
            if process.wait() == KILLED:
                return process

    def note(self, scene: Scene, process: Process) -> None:
        scene.killed_aside()


def make_old_partition(database_url: str) -> None:
    """One past its retention, unless it is there already."""
    old = date(2020, 1, 1)
    low, high = (floor_uuid(datetime(old.year, month, 1, tzinfo=UTC)) for month in (1, 2))
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT outbox_make_partition(%s, %s, %s, %s)",
            ("outbox_event", f"outbox_event_{old:%Y%m}", str(low), str(high)),
        )


class DispatcherKilled(_Killed):
    name = "dispatcher_killed"
    row = DispatcherKilledAtPoint.row
    quick = Size(strikes=6, events=2_000)
    long = Size(batches=10, strikes=30, events=6_000)
    ready = "dispatcher ready"

    def start(self, scene: Scene, **environment: str) -> Process:
        return scene.product.start_dispatcher(**environment)


class RecorderKilled(_Killed):
    name = "writer_killed"
    row = "kill -9 of the API before, during, after COMMIT"
    quick = Size(strikes=4, events=1_000)
    long = Size(batches=5, strikes=20, events=6_000)
    points = RECORDER_POINTS

    def start(self, scene: Scene, **environment: str) -> Process:
        return scene.load.start_recorder(rate=FULL_RATE, **environment)

    def note(self, scene: Scene, process: Process) -> None:
        scene.killed_aside()


class _Handed(_Killed):
    """Workers send what a dispatcher hands out."""

    row = DispatcherKilledAtPoint.row

    def why_not(self) -> str | None:
        return no_redis()

    def arrange_those_that_live(self, scene: Scene) -> None:
        start_handing_out(scene)


def no_redis() -> str | None:
    return f"enable with: {REDIS.install}" if REDIS.is_missing else None


def start_handing_out(scene: Scene) -> None:
    url = scene.broker().url
    for process in (
        scene.product.start_hinting_dispatcher(url),
        scene.product.start_worker(url),
        scene.product.start_worker(url),
    ):
        process.says("ready")
    scene.load.start_recorder()


class WorkerKilledAtPoint(_Handed):
    name = "worker_killed_at_point"
    quick = Size(strikes=len(WORKER_POINTS), events=1_000)
    long = Size(batches=5, strikes=21, events=5_000)
    points = WORKER_POINTS

    def start(self, scene: Scene, **environment: str) -> Process:
        return scene.product.start_worker(scene.broker().url, **environment)


class WorkerKilled(_Handed):
    name = "worker_killed"
    quick = Size(strikes=4, events=1_000)
    long = Size(batches=3, strikes=20, events=5_000)
    ready = "worker ready"
    longest_pause = 2.0

    def start(self, scene: Scene, **environment: str) -> Process:
        return scene.product.start_worker(scene.broker().url, **environment)


class HintingDispatcherKilledAtPoint(_Handed):
    name = "handing_dispatcher_killed_at_point"
    quick = Size(strikes=4, events=1_000)
    long = Size(batches=4, strikes=20, events=5_000)
    points = HINTING_POINTS

    def start(self, scene: Scene, **environment: str) -> Process:
        return scene.product.start_hinting_dispatcher(scene.broker().url, **environment)


class _Paid(_Killed):
    """Clients pay through an API that lives."""

    row = RecorderKilled.row

    def arrange_those_that_live(self, scene: Scene) -> None:
        start_paying(scene)

    def note(self, scene: Scene, process: Process) -> None:
        scene.killed_aside()


class SettlementKilledAtPoint(_Paid):
    name = "settlement_killed_at_point"
    quick = Size(strikes=len(SETTLEMENT_POINTS), payments=50)
    long = Size(batches=2, strikes=28, payments=300)
    points = SETTLEMENT_POINTS

    def start(self, scene: Scene, **environment: str) -> Process:
        return scene.product.start_settlement(**environment)


class SettlementKilled(_Paid):
    name = "settlement_killed"
    quick = Size(strikes=3, payments=50)
    long = Size(batches=2, strikes=30, payments=300)

    def start(self, scene: Scene, **environment: str) -> Process:
        return scene.product.start_settlement(**environment)


class _ApiKilled(Fault):
    """Clients pay, and what they pay through dies."""

    row = RecorderKilled.row

    def arrange(self, scene: Scene) -> None:
        self.api = start_paying(scene)

    def start_again(self, scene: Scene) -> None:
        """Another API on the same port, in the place of this one."""
        self.kill()
        self.api = scene.product.start_api()
        scene.open.callback(self.api.kill)

    def kill(self) -> None:
        """All of it at once."""
        self.api.kill()
        self.api.command.wait()


class ApiKilledAtPoint(_ApiKilled):
    """The first of two workers that gets to the point; then the rest of that API."""

    name = "api_killed_at_point"
    quick = Size(strikes=len(API_POINTS), payments=50)
    long = Size(batches=4, strikes=len(API_POINTS), payments=300)

    def arrange(self, scene: Scene) -> None:
        self._next_points = itertools.cycle(API_POINTS)
        super().arrange(scene)

    def strike(self, scene: Scene) -> None:
        point = next(self._next_points)
        self.kill()
        scene.killed_aside()
        self.api = scene.product.launch_api(CRASH_AT=f"{point}:{scene.random.randint(1, API_POINTS[point])}")
        scene.open.callback(self.api.kill)
        self.api.command.says("Unexpected exit from worker")
        scene.killed_aside()

    def finish(self, scene: Scene) -> None:
        self.start_again(scene)
        scene.killed_aside()


class ApiWorkerKilled(_ApiKilled):
    name = "api_worker_killed"
    quick = Size(strikes=2, payments=50)
    long = Size(batches=4, strikes=10, payments=300)

    def arrange(self, scene: Scene) -> None:
        super().arrange(scene)
        over = threading.Event()
        supervisor = threading.Thread(target=self._supervise, args=(scene, over))
        scene.open.callback(supervisor.join)
        scene.open.callback(over.set)
        supervisor.start()

    def strike(self, scene: Scene) -> None:
        await_payments(scene)
        until(lambda: len(self.api.workers) == 2, what="two workers")
        victim = scene.random.choice(sorted(self.api.workers))
        os.kill(victim, signal.SIGKILL)
        scene.killed_aside()
        until(lambda: len(self.api.workers - {victim}) == 2, what="another worker")

    def _supervise(self, scene: Scene, over: threading.Event) -> None:
        """Starts it again where it gave up: granian does, where a worker that it had just started dies."""
        while not over.wait(0.05):
            if self.api.command.process.poll():
                self.start_again(scene)


class ApiKilled(_ApiKilled):
    name = "api_killed"
    quick = Size(strikes=1, payments=50)
    long = Size(batches=4, strikes=6, payments=300)

    def strike(self, scene: Scene) -> None:
        await_payments(scene)
        self.start_again(scene)
        scene.killed_aside()


def start_paying(scene: Scene) -> Api:
    scene.product.start_settlement()
    for dispatcher in [scene.product.start_dispatcher() for _ in range(2)]:
        dispatcher.says("dispatcher ready")
    api = scene.product.start_api()
    scene.open.callback(api.kill)
    scene.load.start_paying(port=api.port, api_key=scene.api_key)
    return api


def await_payments(scene: Scene) -> None:
    """A few, and then any moment between two."""
    paid = scene.load.paid()
    until(lambda: scene.load.paid() > paid + 5, what="payments between two deaths")
    pause(scene.random.uniform(0.0, 0.2))


class _Frozen(Fault):
    """Several at once stand still past their leases, go on, and end well when they are asked to."""

    row = "SIGSTOP past the lease, then SIGCONT"
    quick = Size(strikes=1, events=1_000)
    long = Size(batches=6, strikes=10, events=8_000)
    struck: ClassVar[int]

    def strike(self, scene: Scene) -> None:
        with ThreadPoolExecutor(self.struck) as threads:
            list(threads.map(partial(self.freeze, scene), range(self.struck)))

    @abstractmethod
    def freeze(self, scene: Scene, place: int) -> None:
        """One of them, all of that."""


class DispatcherFrozenAtPoint(_Frozen):
    name = "dispatcher_frozen_at_point"
    long = Size(batches=7, strikes=10, events=8_000)
    struck = 4
    points: ClassVar = {"after_claim": 5, "during_send": 100, "after_send": 100, "before_record": 5}

    def freeze(self, scene: Scene, place: int) -> None:
        point = [*self.points][place % len(self.points)]
        process = scene.product.start_dispatcher(
            FREEZE_AT=f"{point}:{1 + place * self.points[point] // self.struck}"
        )
        process.await_stop()
        with scene.frozen([process]):
            pause(_PAST_THE_LEASE)
        end_well(scene, process)


class DispatcherFrozen(_Frozen):
    name = "dispatcher_frozen"
    # One that stands in a transaction is ended by the server after a quarter of a lease, and these may follow
    # one upon another: with as many as four others' leases would be over.
    struck = 3

    def freeze(self, scene: Scene, place: int) -> None:
        process = scene.product.start_dispatcher()
        process.says("dispatcher ready")
        pause(1.0 + 0.1 * place)
        process.freeze()
        with scene.frozen([process]):
            pause(_PAST_THE_LEASE)
        end_well(scene, process)


class WorkerFrozen(_Frozen):
    name = "worker_frozen"
    quick = Size(strikes=1, events=1_000)
    long = Size(batches=2, strikes=10, events=5_000)
    struck = 3

    def why_not(self) -> str | None:
        return no_redis()

    def arrange(self, scene: Scene) -> None:
        start_handing_out(scene)

    def freeze(self, scene: Scene, place: int) -> None:
        process = scene.product.start_worker(scene.broker().url)
        process.says("worker ready")
        pause(1.0 + 0.1 * place)
        process.freeze()
        with scene.frozen([process]):
            pause(_PAST_THE_LEASE)
        end_well(scene, process)


def end_well(scene: Scene, process: Process) -> None:
    process.signal(signal.SIGTERM)
    scene.expect_end(process, 0)


def pause(seconds: float) -> None:
    """A length of time that is itself the fault's: how long something lives, or stands still."""
    threading.Event().wait(seconds)


FAULTS: list[Fault] = [
    DispatcherKilledAtPoint(),
    DispatcherKilled(),
    MaintenanceKilled(),
    DispatcherFrozenAtPoint(),
    DispatcherFrozen(),
    RecorderKilled(),
    WorkerKilledAtPoint(),
    WorkerKilled(),
    WorkerFrozen(),
    HintingDispatcherKilledAtPoint(),
    SettlementKilledAtPoint(),
    SettlementKilled(),
    ApiKilledAtPoint(),
    ApiWorkerKilled(),
    ApiKilled(),
]

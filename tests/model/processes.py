"""Real processes that go statement by statement: a thread with a connection of its own, and a gate before each."""

import queue
import re
import threading
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection

from dispatcher.connection import connect
from outbox.sql import statements

PATIENCE = 60.0
STATEMENTS = {text: name for name, text in statements("dispatcher.sql").items()}
_PREPARED = re.compile(r"EXECUTE dispatcher_(\w+)")
GATES = frozenset(
    {
        "lock_in_order", "record_outcomes", "release_leases", "fan_out_events", "touch_lanes", "promote_heads",
        "lock_ready_lanes", "cancel_of_disabled", "give_back_expired", "lease_deliveries", "schedule_lanes",
        "begin_deliveries",
    }
)  # fmt: skip


class Killed(DatabaseError):
    """The process died where it stood. Django rolls back for such an error even where it comes from a commit."""


class RealProcess(threading.Thread):
    """Runs transactions of the product; each stops before every statement that the model has, and its commit.

    `advance` lets it go on to the next such place and gives its name, "" where the transaction has ended.
    """

    def __init__(self, prepare_session: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.result: Any = None
        self.parameters: Any = None  # of the statement that it stands before
        self._prepare_session = prepare_session
        self._jobs: queue.Queue[Callable[[], Any] | None] = queue.Queue()
        self._orders: queue.Queue[Callable[[], Any]] = queue.Queue()
        self._told: queue.Queue[Any] = queue.Queue()

    # --- From the test's thread ---

    def begin(self, job: Callable[[], Any]) -> str:
        self._jobs.put(job)
        return self._wait()

    def advance(self) -> str:
        self._orders.put(lambda: True)
        return self._wait()

    def read(self, reading: Callable[[Any], Any]) -> Any:
        """What the open transaction sees."""
        self._orders.put(lambda: self._told.put(reading(connection.connection.cursor())))
        return self._told.get(timeout=PATIENCE)

    def kill(self) -> None:
        """The open transaction is rolled back, as when its connection breaks."""
        self._orders.put(_die)
        self._wait()

    def close(self) -> None:
        self._jobs.put(None)
        self.join(PATIENCE)

    def _wait(self) -> str:
        told = self._told.get(timeout=PATIENCE)
        if isinstance(told, BaseException):
            raise told
        return str(told)

    # --- In its own ---

    def run(self) -> None:
        connect()
        self._prepare_session()
        commit = connection.commit

        def commit_at_its_gate() -> None:
            self._gate("commit")
            commit()

        connection.commit = commit_at_its_gate  # type: ignore[method-assign]
        try:
            with connection.execute_wrapper(self._statement):
                while (job := self._jobs.get()) is not None:
                    self._do(job)
        finally:
            connection.commit = commit  # type: ignore[method-assign]
            connection.close()

    def _do(self, job: Callable[[], Any]) -> None:
        self.result = None
        try:
            self.result = job()
        except Killed:
            self._told.put("")
        except BaseException as error:
            self._told.put(error)
        else:
            self._told.put("")

    def _statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        prepared = _PREPARED.match(sql)
        name = prepared[1] if prepared else STATEMENTS.get(sql, "")
        name = "touch_lanes" if name == "judge_lanes" else name
        if name in GATES and connection.in_atomic_block:
            self.parameters = params
            self._gate(name)
        return execute(sql, params, many, context)

    def _gate(self, name: str) -> None:
        self._told.put(name)
        while self._orders.get()() is not True:
            pass


def _die() -> None:
    raise Killed

"""A reading of the database for whoever asks, at a bounded cost."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, TypeVar

from django.db import Error

from outbox.database import disconnect, fetch_all
from outbox.sql import statements

# A reading is shown for so long, or for a hundred times as long as it took, up to half a minute: however often
# it is asked for, it takes a hundredth of one connection's time, and a little more only where it takes long.
FRESH_FOR = timedelta(seconds=2)
FRESH_AT_MOST = timedelta(seconds=30)
SHARE = 0.01
# Whoever asks waits no longer for a database that does not answer, and neither does the database try.
PATIENCE = timedelta(seconds=2)
_SQL = statements("outbox.sql")
T = TypeVar("T")


class Lookout(threading.Thread, Generic[T]):
    """Reads when asked, in a thread and on a connection of its own.

    So whoever asks is never held up by a database that hangs, and the process's own connection does nothing
    but its work.

    Args:
        read: gives the reading; runs in the thread.
        connect: prepares the thread's connection before each; may raise django.db.Error as `read` may.
    """

    def __init__(self, read: Callable[[], T], *, connect: Callable[[], object] = lambda: None) -> None:
        super().__init__(name="lookout", daemon=True)
        self._read_now = read
        self._connect = connect
        self._changed = threading.Condition()
        self._asked = False
        self._stopped = False
        self._stale_at = 0.0
        self._latest: T | None = None

    def reading(self) -> T | None:
        """One that is a few seconds old at most; None where the database did not give one."""
        with self._changed:
            if time.monotonic() >= self._stale_at:
                self._asked = True
                self._changed.notify_all()
            answered = self._changed.wait_for(lambda: not self._asked, PATIENCE.total_seconds())
            return self._latest if answered else None

    def stop(self) -> None:
        """End when the reading under way, if there is one, has ended."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def run(self) -> None:
        try:
            while self._wait_until_asked():
                self._read()
        finally:
            disconnect()

    def _wait_until_asked(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._asked or self._stopped)
            return not self._stopped

    def _read(self) -> None:
        begun = time.monotonic()
        reading: T | None = None
        try:
            self._connect()
            fetch_all(_SQL["prepare_lookout"], {"milliseconds": PATIENCE // timedelta(milliseconds=1)})
            reading = self._read_now()
        except Error:
            disconnect()
        ended = time.monotonic()
        with self._changed:
            self._latest = reading
            self._stale_at = ended + min(
                FRESH_AT_MOST.total_seconds(), max(FRESH_FOR.total_seconds(), (ended - begun) / SHARE)
            )
            self._asked = False
            self._changed.notify_all()

"""What wakes the database thread before its next poll: results of the sender, and the database's notifications.

A notification is a hint that something was recorded. It may be throttled, lost or late: polling is what makes
the dispatcher correct, the hint only shortens its idle latency.
"""

import contextlib
import select
import socket

from outbox.database import listening_descriptor, take_notifications

_READ = select.POLLIN | select.POLLERR | select.POLLHUP


class Wakeup:
    """One thread waits, others set it. What was set stays set until `clear`."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._set = False

    @property
    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        """From any thread; many calls wake once."""
        if self._set:
            return
        self._set = True
        # A full buffer means that a wake is under way already; a closed one, that nobody waits any more.
        with contextlib.suppress(OSError):
            self._writer.send(b"\0")

    def clear(self) -> None:
        """Before what it tells of is looked at, or a later `set` would be lost."""
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        self._set = False

    def wait(self, timeout: float) -> bool:
        """Until it is set, a notification comes on this thread's connection, or `timeout` seconds have passed.

        Says which: True where something happened. Requires that no transaction is open.
        """
        if self._set or take_notifications():
            return True
        poll = select.poll()
        poll.register(self._reader, _READ)
        database = listening_descriptor()
        if database is not None:
            poll.register(database, _READ)
        happened = poll.poll(max(0.0, timeout) * 1000)
        if any(descriptor == database for descriptor, _ in happened):
            take_notifications()
        return bool(happened)

    def close(self) -> None:
        self._reader.close()
        self._writer.close()

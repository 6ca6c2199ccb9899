"""A wish to stop, made by SIGTERM or SIGINT, that a loop can wait on."""

import os
import select
import signal
from types import FrameType


class StopSignal:
    """The first signal asks the loop to end, the second ends the process with exit code 1.

    A database query under way is not interrupted: the signal counts when it returns, which the statement
    timeout bounds.

    Waits on a pipe: a handler may write to one at any moment, while a threading.Event taken by the
    interrupted wait would deadlock.
    """

    def __init__(self) -> None:
        self.requested = False
        self._reader, self._writer = os.pipe()

    def listen(self) -> None:
        """Take the process's signals; in the main thread only."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def request(self) -> None:
        """End the wait under way and every later one."""
        self.requested = True
        os.write(self._writer, b"!")

    def wait(self, seconds: float) -> None:
        """Returns after `seconds`, at once where the stop was requested."""
        if not self.requested:
            select.select([self._reader], [], [], seconds)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.requested:
            # Nothing to clean up: leases end by themselves, transactions with their connection.
            os._exit(1)
        self.request()

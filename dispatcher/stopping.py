"""Being asked to stop: the first SIGTERM or SIGINT lets what is under way end, a second one does not wait."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """A second signal asked to stop without waiting.

    No Exception, as KeyboardInterrupt is none: it comes wherever the main thread happens to be, and a library that
    guards its callbacks by `except Exception` (dramatiq does) would swallow it.
    """


class StopRequest:
    """Whether the process was asked to stop."""

    def __init__(self) -> None:
        self.requested = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within, signals are heard; only for the main thread. The second one raises Stopped in it."""
        previous = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # Only notes it: the main thread may hold the very lock that waking it would take.
        if self.requested:
            raise Stopped
        self.requested = True

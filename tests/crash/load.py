"""What goes on while faults strike: events that a process records, and payments that clients make."""

import contextlib
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.acceptance.payers import Payers
from tests.crash.hosting import Process
from tests.crash.logs import Told
from tests.crash.product import Product

_CLIENTS = 8
_PATIENCE = 300.0  # seconds of a client, whose API may die and be started again many times
_ORDERED_AHEAD = 4 * _CLIENTS
_LOOK = 0.02  # seconds
FULL_RATE = 1000.0  # events/s of a recorder, at most


class Load:
    """Of one batch; started and stopped by the runner and the faults."""

    def __init__(self, product: Product, directory: Path, owners: Sequence[str], first_order: int) -> None:
        self._product = product
        self._log = directory / "acknowledged.log"
        self._log.write_text("")
        self._owners = owners
        self._first_order = first_order
        self._paying = contextlib.ExitStack()
        self._payers: Payers | None = None

    def start_recorder(self, *, rate: float = FULL_RATE, **environment: str) -> Process:
        """One more process that records events until `stop()`, `rate` a second at most."""
        return self._product.host.start(
            *("-m", "tests.crash.recorder", "--log", str(self._log)),
            *("--owners", ",".join(self._owners), "--rate", f"{rate:g}"),
            **environment,
        )

    def start_paying(self, *, port: int, api_key: str) -> None:
        """Clients that make payments and try again until they are answered, until `stop()`."""
        self._payers = self._paying.enter_context(
            Payers(port=port, api_key=api_key, count=_CLIENTS, patience=_PATIENCE)
        )
        stop = threading.Event()
        feeder = threading.Thread(target=self._order, args=(self._payers, stop))
        feeder.start()
        self._paying.callback(feeder.join)
        self._paying.callback(stop.set)

    def recorded(self) -> int:
        """Events that were acknowledged so far."""
        with self._log.open("rb") as log:
            return sum(block.count(b"\n") for block in iter(lambda: log.read(1 << 16), b""))

    def paid(self) -> int:
        """Payments that were answered so far."""
        return 0 if self._payers is None else len(self._payers.paid)

    def stop(self) -> None:
        """Record and order nothing more; returns when everything that was begun is answered."""
        recorders = [process for process in self._product.host.living if process.program[0] == "-m"]
        for recorder in recorders:
            recorder.signal(signal.SIGTERM)
        self._paying.close()
        for recorder in recorders:
            recorder.wait()

    def told(self) -> Told:
        payments = {} if self._payers is None else dict(self._payers.paid)
        # A line that its process died over told nobody anything.
        lines = self._log.read_text().splitlines(keepends=True)
        return Told(
            events=frozenset(line.strip() for line in lines if line.endswith("\n")), payments=payments
        )

    def _order(self, payers: Payers, stop: threading.Event) -> None:
        number = self._first_order
        while not stop.wait(_LOOK):
            while number - self._first_order - len(payers.paid) < _ORDERED_AHEAD:
                payers.order([number])
                number += 1

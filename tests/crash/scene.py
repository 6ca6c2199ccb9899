"""Where a batch plays: the product, its database and receiver, the load on it, and what struck it."""

import random
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.server import Server
from tests.crash.hosting import Process
from tests.crash.load import Load
from tests.crash.logs import Lease, Strike, leases
from tests.crash.product import Product
from tests.crash.receiver import RunningReceiver
from tools.private_brokers import PrivateRedis


@dataclass(kw_only=True)
class Scene:
    """One batch's view of the suite.

    Attributes:
        postgres: durable, and the suite's alone: it may be killed and started again.
        receiver: where every endpoint leads.
        random: seeded by the suite's seed and the batch: draw from nothing else.
        open: what a fault enters here is closed when the batch ends.
        broker: starts a Redis of the suite's own when it is first called.
        strikes: what has been noted so far.
        deaths, freezes: processes that were struck dead, and that stood still past their leases.
        complaints: breaches that no log tells of, in sentences.
    """

    product: Product
    postgres: Server
    receiver: RunningReceiver
    load: Load
    random: random.Random
    open: ExitStack
    broker: Callable[[], PrivateRedis]
    api_key: str
    fault: str
    directory: Path  # of this run's files
    strikes: list[Strike] = field(default_factory=list)
    deaths: int = 0
    freezes: int = 0
    complaints: list[str] = field(default_factory=list)
    _noting: threading.Lock = field(default_factory=threading.Lock)

    def killed(self, process: Process) -> None:
        """Note that a process of the dispatcher's side has just died; its leases are read now."""
        at, leased = leases(self.postgres.url)
        self._note(at=at, healed=at, senders=frozenset({process.number}), leased=leased)
        self.deaths += 1

    def killed_aside(self) -> None:
        """Note the death of a process that sends nothing."""
        at, _ = leases(self.postgres.url)
        self._note(at=at, healed=at, senders=frozenset(), leased=())
        self.deaths += 1

    @contextmanager
    def frozen(self, processes: Collection[Process]) -> Iterator[None]:
        """Around the time for which processes stand still: they do so already, and go on when the block ends."""
        at, leased = leases(self.postgres.url)
        yield
        senders = frozenset(process.number for process in processes)
        for process in processes:
            process.thaw()
        with self._noting:
            self.freezes += len(processes)
        self._note(at=at, healed=at, senders=senders, leased=leased)

    @contextmanager
    def outage(self) -> Iterator[Callable[[], None]]:
        """Around a fault of the surroundings, which may strike the sends of every process; ends when it is mended.

        The database must answer before and after. Where it also answers meanwhile, what is given may be called
        to note what is leased then: an outage longer than a lease strikes more than stands at its ends.
        """
        at, before = leases(self.postgres.url)
        struck = set(before)
        yield lambda: struck.update(leases(self.postgres.url)[1])
        healed, after = leases(self.postgres.url)
        self._note(at=at, healed=healed, senders=None, leased=tuple(struck.union(after)))

    def expect_end(self, process: Process, status: int) -> None:
        """Wait for its end; another status than this is a breach."""
        if process.wait() != status:
            self.complaints.append(f"{process} ended with {process.status}: {process.output[-2000:]}")

    def _note(
        self, *, at: float, healed: float, senders: frozenset[int] | None, leased: tuple[Lease, ...]
    ) -> None:
        with self._noting:
            self.strikes.append(
                Strike(fault=self.fault, at=at, healed=healed, senders=senders, leases=leased)
            )

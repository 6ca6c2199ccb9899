"""What a fault is.

A part of the suite is a module whose `FAULTS` lists its faults, in the order in which they are played:
`tests.crash.process_faults` and `tests.crash.environment`. A batch is one fault: `arrange()` starts the
processes and the load, `strike()` is called as often as the plan says while the load goes on, then the load
stops, everything drains, the processes are stopped with SIGTERM, and the three logs are judged.

    class PostgresKilled(Fault):
        name = "postgresql_killed"
        row = "PostgreSQL SIGKILL and restart under load"
        quick = Size(strikes=2, events=2_000)
        long = Size(batches=10, strikes=10, events=2_000)

        def strike(self, scene: Scene) -> None:
            with scene.outage():
                scene.postgres.kill()
                scene.postgres.start_again()

`arrange()` may be overridden: the default starts four dispatchers and one recorder of events. Whatever strikes
has to be noted, by `scene.killed()`, `scene.frozen()` or `scene.outage()`: what is not noted explains no duplicate.
Processes that shall reach PostgreSQL by another way are started on a Product of their own, entered into `scene.open`:
`scene.open.enter_context(Product(proxy_url, directory))`, with `scene.directory`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from tests.crash.scene import Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of a fault a plan has.

    Args:
        strikes: in each batch.
        events: recorded in each batch at least.
        payments: answered in each batch at least, where clients pay.
    """

    batches: int = 1
    strikes: int
    events: int = 0
    payments: int = 0


class Fault(ABC):
    """One kind of fault.

    Attributes:
        name: unique, of words with `_` between; a row of the report.
        row: the words of the fault in the table of docs/reliability.md that it covers.
    """

    name: ClassVar[str]
    row: ClassVar[str]
    quick: ClassVar[Size]
    long: ClassVar[Size]

    def why_not(self) -> str | None:
        """What this machine lacks to play it, in words; None where it can be played."""
        return None

    def arrange(self, scene: Scene) -> None:
        """Start processes and load."""
        for dispatcher in [scene.product.start_dispatcher() for _ in range(4)]:
            dispatcher.says("dispatcher ready")
        scene.load.start_recorder()

    @abstractmethod
    def strike(self, scene: Scene) -> None:
        """One blow under load, or several that are noted one by one; returns when it is over."""

    def finish(self, scene: Scene) -> None:
        """After the last strike: make whole what the load needs to end. Nothing, where that is not overridden."""
        return

"""The links to PostgreSQL and to receivers stall, are cut, lose packets and are slow."""

import itertools
import threading
from typing import ClassVar

from tests.crash.environment.postgres import run_sql
from tests.crash.environment.proxy import Proxy, Way
from tests.crash.environment.under_load import Surroundings, await_load
from tests.crash.faults import Size
from tests.crash.process_faults import pause
from tests.crash.product import LEASE, Product
from tests.crash.scene import Scene
from tests.processes import until

_TIMEOUT_MS = 1_500  # for which PostgreSQL may acknowledge nothing; the product's own setting is 15 s
_LONGEST_DELAY = 0.3  # seconds, each way
_RATE = 250.0  # events/s: what gathers in a partition has to drain after it


class _Partitioned(Surroundings):
    """One kind of partition after the other, on a link of the batch's own."""

    kinds: ClassVar[tuple[str, ...]]
    link: Proxy

    def begin(self, link: Proxy) -> None:
        self.link = link
        self._kinds = itertools.cycle(self.kinds)

    def partition(self, scene: Scene, kind: str) -> threading.Event | None:
        """Gives what is set when it has begun, where that is later."""
        match kind:
            case "stalled":
                self.link.stall()
            case "answers stalled":
                self.link.stall(Way.ANSWERS)
            case "stalled at record":
                return self.link.spring_at(b"EXECUTE dispatcher_record_outcomes", Way.ANSWERS)
            case "stalled at commit":
                return self.link.spring_at(b"COMMIT")
            case "lost":
                self.link.lose()
            case "refused":
                self.link.refuse()
            case "cut":
                self.link.cut()
            case "slow":
                self.link.delay(scene.random.uniform(0.1, _LONGEST_DELAY))
            case _:
                raise ValueError(kind)
        return None

    def blow(self, scene: Scene) -> None:
        await_load(scene)
        with scene.outage() as look:
            begun = self.partition(scene, next(self._kinds))
            if begun is not None:
                until(begun.is_set, what="the moment of a partition")
            look()
            pause(scene.random.uniform(0.2, 1.2) * LEASE / 2)
            if scene.random.random() < 0.5:
                # What was under way is gone; else it arrives late.
                self.link.cut()
            self.link.mend()


class PostgresPartitioned(_Partitioned):
    """Two dispatchers of four reach PostgreSQL by the link."""

    name = "partition_to_postgresql"
    row = "partition to PostgreSQL in mid-record"
    quick = Size(strikes=6, events=500)
    long = Size(batches=4, strikes=15, events=5_000)
    kinds = ("stalled at record", "stalled at commit", "lost", "cut", "refused", "slow")

    def arrange(self, scene: Scene) -> None:
        socket = scene.postgres.home / ".s.PGSQL.5432"
        self.begin(scene.open.enter_context(Proxy(str(socket))))
        url = f"postgresql://postgres@127.0.0.1:{self.link.port}/postgres?tcp_user_timeout={_TIMEOUT_MS}"
        beyond = self.start_beside(scene, Product(url, scene.directory))
        for dispatcher in [product.start_dispatcher() for product in (scene.product, beyond) * 2]:
            dispatcher.says("dispatcher ready")
        scene.load.start_recorder(rate=_RATE)


class ReceiverPartitioned(_Partitioned):
    """All endpoints lead to the link."""

    name = "partition_to_receiver"
    row = PostgresPartitioned.row
    quick = Size(strikes=6, events=500)
    long = Size(batches=3, strikes=15, events=5_000)
    kinds = ("stalled", "answers stalled", "lost", "cut", "refused", "slow")

    def arrange(self, scene: Scene) -> None:
        port = scene.receiver.port
        self.begin(scene.open.enter_context(Proxy(("127.0.0.1", port))))
        scene.open.callback(lead_endpoints, scene, self.link.port, port)
        lead_endpoints(scene, port, self.link.port)
        super().arrange(scene)


def lead_endpoints(scene: Scene, old: int, new: int) -> None:
    """From one port to another."""
    run_sql(
        scene.postgres,
        "UPDATE dispatcher_endpoint SET url = replace(url, %s, %s)",
        *(f":{port}/" for port in (old, new)),
    )

"""`python -m bench.record_events COUNT`: record events through outbox.record_event, one transaction each.

Each connection is a thread of its own; threads are spread over a few processes, as the interpreter's lock
would be the limit else. With a rate, event n is due n / rate seconds after the start, and is recorded late
rather than left out. Needs DATABASE_URL and the project's settings.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TYPE = "payment_intent.succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to record."""

    count: int
    rate: float  # events/s; 0: as fast as it goes
    connections: int
    owners: int  # events go to acct_bench_0 … in turn
    begin: float  # Unix seconds: when the first is due
    burst: int  # after so many events …
    pause: float  # … none for so many seconds

    def due(self, number: int) -> float:
        """When an event is to be recorded, Unix seconds."""
        if not self.rate:
            return self.begin
        return self.begin + number / self.rate + number // self.burst * self.pause


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.record_events",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("count", type=int, help="events to record")
    parser.add_argument("--rate", type=float, default=0, help="events/s (default: as fast as it goes)")
    parser.add_argument("--connections", type=int, default=8, help="to the database (default: %(default)s)")
    parser.add_argument(
        "--endpoints",
        type=int,
        default=1,
        metavar="N",
        help="owners acct_bench_0 to N-1 in turn, each with an endpoint of its own (default: %(default)s)",
    )
    parser.add_argument("--url", help="make those endpoints first, leading here")
    parser.add_argument("--burst", type=int, metavar="N", help="pause after every N events (default: never)")
    parser.add_argument("--pause", type=float, default=0, metavar="SECONDS", help="how long")
    parser.add_argument(
        "--begin", type=float, metavar="EPOCH", help="when the first is due, Unix seconds (default: at once)"
    )
    parser.add_argument(
        "--log", type=Path, help="file for a line an event: its id, Unix seconds after COMMIT"
    )
    options = parser.parse_args()
    for name in ("count", "connections", "endpoints", "burst"):
        if (value := getattr(options, name)) is not None and value < 1:
            parser.error(f"{name} must be 1 or more, not {value}")
    for name in ("rate", "pause"):
        if (value := getattr(options, name)) < 0:
            parser.error(f"--{name} must be 0 or more, not {value:g}")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    import django

    django.setup()
    if options.url:
        _make_endpoints(options.url, options.endpoints)
    processes = max(1, min(os.cpu_count() or 1, options.connections // 2))
    order = Order(
        count=options.count,
        rate=options.rate,
        connections=max(1, options.connections // processes),
        owners=options.endpoints,
        begin=options.begin or time.time() + 0.2,
        burst=options.burst or options.count,
        pause=options.pause,
    )
    # Forked, so that Django is loaded once; no thread runs yet and no connection is open.
    context = multiprocessing.get_context("fork")
    with context.Pool(processes) as pool:
        commits = list(
            itertools.chain(*pool.starmap(_record, [(order, n, processes) for n in range(processes)]))
        )
    if options.log:
        options.log.write_text("".join(f"{id_} {at:.6f}\n" for id_, at in commits))
    last = max(at for _, at in commits)
    rate = len(commits) / (last - order.begin)
    sys.stdout.write(json.dumps({"events": len(commits), "seconds": last - order.begin, "rate": rate}) + "\n")
    return 0


def _record(order: Order, number: int, processes: int) -> list[tuple[str, float]]:
    """The share of one process: every event whose number leaves this rest."""
    numbers = iter(range(number, order.count, processes))
    lock = threading.Lock()
    commits: list[tuple[str, float]] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            _work(order, numbers, lock, commits)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(order.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return commits


def _work(
    order: Order, numbers: Iterator[int], lock: threading.Lock, commits: list[tuple[str, float]]
) -> None:
    from django.db import connections, transaction

    from bench.backlog import payment_intent
    from outbox.recording import record_event

    try:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            if (early := order.due(number) - time.time()) > 0:
                time.sleep(early)
            data = payment_intent(number)
            with transaction.atomic(durable=True):
                event = record_event(
                    owner=f"acct_bench_{number % order.owners}", type=TYPE, object_id=data["id"], data=data
                )
            commits.append((event.public_id, time.time()))
    finally:
        connections.close_all()


def _make_endpoints(url: str, count: int) -> None:
    """The URL goes through the same rules as a merchant's."""
    from django.db import connections

    from dispatcher.endpoints import create_endpoint

    for number in range(count):
        create_endpoint(
            owner=f"acct_bench_{number}", url=url, enabled_events=["*"], api_version="2026-10-28.endive"
        )
    connections.close_all()


if __name__ == "__main__":
    raise SystemExit(main())

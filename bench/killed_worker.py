"""`python -m bench.killed_worker`: workers around a broker, one of them killed in the middle: what it cost.

Records events through outbox.record_event while `run_dispatcher --executor dramatiq` hands them out to two
`run_worker`, kills one of them (SIGKILL) when a quarter is delivered, waits until nothing is left, and counts
at the receiver. What the killed worker had begun and not recorded is claimed again after its lease, and its
attempts are kept as `unknown`: that many events may come twice, and no more.
"""

import argparse
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

from bench import backlog, receiver
from bench.dispatching import DISPATCHER, record, wait_until_drained
from bench.latencies import read_commits
from bench.processes import terminated_as_interrupted
from bench.stage import Stage, stage
from tools.failures import Failure
from tools.private_brokers import PrivateBroker, PrivateRabbitMQ, PrivateRedis

BROKERS: dict[str, type[PrivateBroker]] = {"rabbitmq": PrivateRabbitMQ, "redis": PrivateRedis}
ENDPOINTS = 10
KILLED_AFTER = 0.25  # of the events
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the recorder was told, what the receiver got, what the database says."""

    recorded: int
    delivered_when_killed: int
    lost: int
    duplicates: int  # requests beyond the first of an event
    in_flight: int  # attempts of unknown outcome: begun by the killed worker, and never recorded

    @property
    def is_kept(self) -> bool:
        """Whether the promise is: nothing lost, and nothing twice but what was in flight."""
        return self.lost == 0 and self.duplicates <= self.in_flight

    def __str__(self) -> str:
        return (
            f"{self.recorded:,} events recorded, one of two workers killed after {self.delivered_when_killed:,}: "
            f"{self.lost} lost, {self.duplicates} duplicates, {self.in_flight} sends in flight when it was killed"
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.killed_worker",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=int, default=20_000, help="to record (default: %(default)s)")
    parser.add_argument(
        "--broker", choices=BROKERS, action="append", help="default: both, one after the other"
    )
    options = parser.parse_args()
    if options.events < 100:
        parser.error(f"--events must be 100 or more, not {options.events}")
    kept = True
    try:
        with terminated_as_interrupted(), stage() as ground:
            for name in options.broker or BROKERS:
                account = _deliver(ground, name, options.events)
                print(f"{name}: {account}", flush=True)
                kept = kept and account.is_kept
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    return 0 if kept else 1


def _deliver(ground: Stage, broker_name: str, events: int) -> Account:
    with ExitStack() as stack:
        broker = stack.enter_context(BROKERS[broker_name]())
        there = stack.enter_context(ground.database(f"killed_{broker_name}"))
        received = stack.enter_context(receiver.running(there))
        backlog.make_endpoints(there, ENDPOINTS, url=received.url("/ok"), limits=backlog.DEFAULT)
        at_broker = ("--broker", broker.url)
        workers = [
            there.start(f"worker {number}", "manage.py", "run_worker", *at_broker) for number in (1, 2)
        ]
        dispatcher = there.start("dispatcher", *DISPATCHER, "--executor", "dramatiq", *at_broker)
        for worker in workers:
            worker.wait_until_it_says("worker ready")
        dispatcher.wait_until_it_says("dispatcher ready")
        recorder = record(there, events, rate=0, endpoints=ENDPOINTS)
        delivered = _wait_until_delivered(there, int(events * KILLED_AFTER))
        sys.stderr.write(f"  {broker_name}: {delivered:,} delivered, killing a worker\n")
        workers[0].kill()
        commits = read_commits(recorder.finish())
        wait_until_drained(there)
        arrived = Counter(arrival.webhook_id for arrival in received.taken())
        for program in (dispatcher, workers[1]):
            program.check()
        unknown = there.execute("SELECT count(*) FROM dispatcher_attempt WHERE outcome = 'unknown'")[0][0]
        return Account(
            recorded=len(commits),
            delivered_when_killed=delivered,
            lost=len(commits.keys() - arrived.keys()),
            duplicates=arrived.total() - len(arrived),
            in_flight=unknown,
        )


def _wait_until_delivered(there: Stage, least: int) -> int:
    """Until so many deliveries have ended; how many it were then. Raises Failure where it takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while (ended := there.execute("SELECT count(*) FROM dispatcher_finished_delivery")[0][0]) < least:
        if time.monotonic() > deadline:
            raise Failure(f"Only {ended:,} of {least:,} deliveries had ended after {_PATIENCE:g} s.")
        time.sleep(0.01)
    return int(ended)


if __name__ == "__main__":
    raise SystemExit(main())

"""How fast a backlog is delivered: the product, on one process and two, beside the textbook way.

The contenders take turns in every round, so that what else the machine does meets all of them.
"""

import os
import resource
import statistics
import subprocess
import sys
from dataclasses import dataclass, field

import psycopg2

from bench.stage import ROOT, Stage

PRODUCT = ["manage.py", "run_dispatcher", "--drain"]
BARE = ["-m", "bench.bare", "--drain"]
TEXTBOOK = ["-m", "bench.textbook"]


@dataclass(slots=True)
class Contender:
    """One way of doing the same work."""

    name: str
    program: list[str]
    processes: int
    share: float = 1.0  # of the deliveries: a slow contender need not take all day
    rates: list[float] = field(default_factory=list)  # deliveries/s
    cpu: list[float] = field(default_factory=list)  # seconds of its processes per 1,000 deliveries


def contenders() -> list[Contender]:
    return [
        Contender("product, 1 process", PRODUCT, 1),
        Contender("product, 2 processes", PRODUCT, 2),
        Contender("bare loop, 1 process", BARE, 1),
        Contender("bare loop, 2 processes", BARE, 2),
        Contender("textbook, 16 threads", TEXTBOOK, 1, share=0.2),
    ]


def run(stage: Stage, *, deliveries: int, endpoints: int, rounds: int) -> list[Contender]:
    """Every contender once a round; raises AssertionError where one leaves a delivery behind."""
    running = contenders()
    for number in range(rounds):
        for contender in running:
            count = int(deliveries * contender.share)
            stage.prepare(deliveries=count, endpoints=endpoints)
            rate, cpu = _once(stage, contender, count)
            contender.rates.append(rate)
            contender.cpu.append(cpu)
            sys.stderr.write(f"  round {number + 1}/{rounds}  {contender.name:24} {rate:8.0f} /s\n")
    return running


def _once(stage: Stage, contender: Contender, count: int) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    processes = [
        subprocess.Popen(
            [sys.executable, *contender.program], cwd=ROOT, env=stage.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(contender.processes)
    ]  # fmt: skip
    for process in processes:
        process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with psycopg2.connect(stage.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), extract(epoch FROM max(finished_at) - "
            "(SELECT min(started_at) FROM dispatcher_attempt)) "
            "FROM dispatcher_finished_delivery WHERE state = 'succeeded'"
        )
        done, seconds = cursor.fetchone() or (0, 0)
    assert done == count, f"{contender.name}: {done} of {count} delivered"
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return count / float(seconds), cpu / count * 1_000


def table(running: list[Contender]) -> str:
    """Deliveries/s: least, median, most; the median beside the last contender's; CPU seconds per 1,000."""
    base = statistics.median(running[-1].rates)
    lines = [f"{'':26}{'min':>8}{'median':>8}{'max':>8}{'ratio':>8}{'CPU s/1,000':>13}"]
    for one in running:
        median = statistics.median(one.rates)
        lines.append(
            f"{one.name:26}{min(one.rates):8.0f}{median:8.0f}{max(one.rates):8.0f}"
            f"{median / base:7.1f}x{statistics.median(one.cpu):13.2f}"
        )
    return "\n".join(lines)


def machine() -> dict[str, object]:
    return {"cores": os.cpu_count(), "python": sys.version.split()[0], "system": " ".join(os.uname()[:3:2])}

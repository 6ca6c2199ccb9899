"""h. Every endpoint takes 100 ms: how many deliveries/s so many slots carry."""

import sys
from contextlib import ExitStack

from bench import backlog, receiver
from bench.findings import Findings
from bench.plots import Bars
from bench.profiles import profile_of_run
from bench.scenarios import Scale
from bench.scenarios.drain import DISPATCHER
from bench.stage import Stage
from bench.tables import Table
from tools.failures import Failure

DURABLE = True
MILLISECONDS = 100
PROCESSES = 2
ENDPOINTS = 100
RECEIVERS = 2


def measure(stage: Stage, scale: Scale) -> Findings:
    widths = scale.choose(quick=(1_000,), whole=(500, 1_000))
    count = scale.choose(quick=8_000, whole=30_000)
    rates = Table(title=f"Every endpoint takes {MILLISECONDS} ms", unit="deliveries/s")
    findings = Findings(
        scenario="h",
        name="slow",
        title="Slow receivers",
        about=(
            f"{count:,} deliveries to {ENDPOINTS} endpoints that answer after {MILLISECONDS} ms, {PROCESSES} "
            "dispatcher processes; from the first attempt to the last end. The lanes' caps are out of reach."
        ),
        tables=[rates],
    )
    with stage.database("slow") as ground, ExitStack() as stack:
        received = [stack.enter_context(receiver.running(ground)) for _ in range(RECEIVERS)]
        urls = [one.url(f"/slow/{MILLISECONDS}") for one in received]
        for number in range(scale.rounds):
            for slots in widths:
                rate = _once(ground, urls, count=count, slots=slots)
                for one in received:
                    one.taken()
                rates.add(_row(slots), rate)
                sys.stderr.write(f"  round {number + 1}/{scale.rounds}  {slots} slots {rate:6.0f} /s\n")
        findings.figures = {"delivered": rates.median(_row(1_000))}
        findings.plots = [Bars(rates)]
        if findings.misses:
            _prepare(ground, urls, count)
            flags = ("--concurrency", "1000", "--batch", "1000")
            findings.profile = profile_of_run(ground, "run_dispatcher", *DISPATCHER, *flags)
    return findings


def _once(stage: Stage, urls: list[str], *, count: int, slots: int) -> float:
    _prepare(stage, urls, count)
    flags = ("--concurrency", str(slots), "--batch", str(slots))
    processes = [stage.start(f"dispatcher {number}", *DISPATCHER, *flags) for number in range(PROCESSES)]
    for process in processes:
        process.wait()
    done, seconds = stage.execute("drained")[0]
    if done != count:
        raise Failure(f"{count - done} of {count} deliveries did not succeed.")
    return float(count / seconds)


def _prepare(stage: Stage, urls: list[str], count: int) -> None:
    backlog.clear(stage)
    ids = [
        id_
        for number, url in enumerate(urls)
        for id_ in backlog.make_endpoints(stage, ENDPOINTS // len(urls), url=url, first=number * ENDPOINTS)
    ]
    backlog.make_backlog(stage, count, ids)
    backlog.settle(stage)


def _row(slots: int) -> str:
    return f"product, {PROCESSES} × {slots:,} slots"

"""b. Events recorded at steady rates: what is delivered, what waits, and how long from COMMIT to receipt."""

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench import backlog, receiver
from bench.dispatching import Recorder, backlog_of, dispatching, record, wait_until_drained
from bench.findings import Findings
from bench.latencies import by_window, read_commits, slope, waits
from bench.plots import Bars, Lines
from bench.processes import Program
from bench.profiles import profile_of
from bench.receiver import RunningReceiver
from bench.scenarios import Scale
from bench.series import median, percentile
from bench.stage import Stage
from bench.tables import Table

DURABLE = True
RATES = (500, 2_000, 4_000)
IDLE_RATE = 100
ENDPOINTS = 10
NOTIFIED, POLLED = "product, NOTIFY", "product, polling only"


@dataclass(slots=True)
class Run:
    """What came of one rate."""

    recorded_rate: float
    delivered_rate: float
    waits: list[list[float]]  # ms, by window
    backlog: list[tuple[float, float]] = field(default_factory=list)  # (seconds, waiting)
    cpu: dict[str, float] = field(default_factory=dict)  # seconds per 1,000 events


def measure(stage: Stage, scale: Scale) -> Findings:
    seconds = scale.choose(quick=2.5, whole=15.0)
    findings = Findings(
        scenario="b",
        name="sustained",
        title="Sustained rates and idle latency",
        about=(
            f"Events recorded through record_event, one transaction each, for {seconds:g} s a rate, to {ENDPOINTS} "
            "endpoints with default limits; one dispatcher process. Waits are from the moment after COMMIT, as the "
            "recorder sees it, to the moment the receiver has read the request, on one clock; each rate's rounds "
            f"are {scale.rounds} equal parts of it."
        ),
    )
    runs = {}
    with stage.database("sustained") as ground, receiver.running(ground) as received:
        backlog.make_endpoints(ground, ENDPOINTS, url=received.url("/ok"), limits=backlog.DEFAULT)
        with dispatching(ground) as dispatcher:
            _warm_up(ground, received)
            for rate in RATES:
                runs[rate] = _run(
                    ground, received, dispatcher, rate=rate, seconds=seconds, windows=scale.rounds
                )
                sys.stderr.write(f"  {rate} /s: {runs[rate].delivered_rate:.0f} /s delivered\n")
    idle = _idle(stage, scale)
    delivered, waited, used = _tables(runs)
    findings.tables = [delivered, waited, idle, used]
    findings.figures = {
        "delivered_at_4000": runs[4_000].delivered_rate / 4_000,
        "backlog_growth_at_4000": max(0.0, _growth(runs[4_000])),
        "p50_at_100": idle.median(f"{NOTIFIED}: p50"),
        "p99_at_100": idle.median(f"{NOTIFIED}: p99"),
        "p50_at_500": waited.median("500/s: p50"),
        "p99_at_500": waited.median("500/s: p99"),
    }
    series = {f"{rate:,}/s": run.backlog for rate, run in runs.items()}
    findings.plots = [
        Lines(title="Backlog", x="seconds since recording began", y="events waiting", series=series),
        Bars(waited),
        Bars(idle),
    ]
    if findings.misses:
        findings.profile = _profile(stage)
    return findings


def _warm_up(stage: Stage, received: RunningReceiver) -> None:
    record(stage, 200, rate=400, endpoints=ENDPOINTS).finish()
    wait_until_drained(stage)
    received.taken()


def _run(
    stage: Stage, received: RunningReceiver, dispatcher: Program, *, rate: int, seconds: float, windows: int
) -> Run:
    count = int(rate * seconds)
    begin = time.time() + 1.5  # the recorder must be up by then
    groups = {"dispatcher": dispatcher.pid, "receiver": received.pid, **stage.servers}
    recorder = record(stage, count, rate=rate, endpoints=ENDPOINTS, begin=begin)
    _sleep_until(begin)
    before = stage.cpu_seconds_of(groups)
    sampled = []
    while not recorder.program.has_ended and time.time() < begin + seconds + 0.3:
        sampled.append((time.time() - begin, float(backlog_of(stage))))
        time.sleep(0.1)
    commits = read_commits(recorder.finish())
    wait_until_drained(stage)
    after = stage.cpu_seconds_of(groups)
    arrivals = received.taken()
    found = waits(commits, arrivals)
    end = begin + seconds + 0.05
    recorded = sum(at <= end for at in commits.values())
    delivered = sum(arrival.at <= end for arrival in arrivals)
    used = {name: (after[name] - before[name]) / count * 1000 for name in groups}
    used["recorder"] = recorder.program.cpu_seconds / count * 1000
    return Run(
        recorded_rate=recorded / seconds,
        delivered_rate=delivered / seconds,
        waits=by_window(commits, found, windows=windows),
        backlog=sampled,
        cpu=used,
    )


def _idle(stage: Stage, scale: Scale) -> Table:
    """Two dispatchers, each on a database of its own, take turns: one is told of new events, one finds them."""
    idle = Table(title=f"COMMIT to receipt at {IDLE_RATE}/s", unit="ms")
    seconds = scale.choose(quick=1.0, whole=5.0)
    ways = {NOTIFIED: True, POLLED: False}
    with ExitStack() as stack:
        recorders: dict[str, Recorder] = {}
        receivers: dict[str, RunningReceiver] = {}
        grounds = {way: stack.enter_context(stage.database(f"idle_{n}")) for n, way in enumerate(ways)}
        for way, ground in grounds.items():
            receivers[way] = stack.enter_context(receiver.running(ground))
            backlog.make_endpoints(ground, ENDPOINTS, url=receivers[way].url("/ok"), limits=backlog.DEFAULT)
            stack.enter_context(dispatching(ground, f"dispatcher, {way}"))
            _warm_up(ground, receivers[way])
        burst = int(IDLE_RATE * seconds)
        for number, (way, ground) in enumerate(grounds.items()):
            recorders[way] = record(
                ground,
                burst * scale.rounds,
                rate=IDLE_RATE,
                notify=ways[way],
                endpoints=ENDPOINTS,
                connections=4,
                burst=burst,
                pause=seconds,
                begin=time.time() + 2.0 + number * seconds,
            )
        for way, ground in grounds.items():
            commits = read_commits(recorders[way].finish())
            wait_until_drained(ground)
            found = waits(commits, receivers[way].taken())
            for window in by_window(commits, found, windows=scale.rounds):
                for name, value in _summed_up(window):
                    idle.add(f"{way}: {name}", value)
    return idle


def _tables(runs: dict[int, Run]) -> tuple[Table, Table, Table]:
    delivered = Table(title="Recorded, and delivered meanwhile", unit="events/s")
    waited = Table(title="COMMIT to receipt", unit="ms")
    used = Table(title="CPU", unit="s per 1,000 events")
    for rate, run in runs.items():
        delivered.add(f"{rate:,}/s wanted: recorded", run.recorded_rate)
        delivered.add(f"{rate:,}/s wanted: delivered", run.delivered_rate)
        for window in run.waits:
            for name, value in _summed_up(window):
                waited.add(f"{rate:,}/s: {name}", value)
        for group, seconds in run.cpu.items():
            used.add(f"{rate:,}/s: {group}", seconds)
    return delivered, waited, used


def _summed_up(window: list[float]) -> list[tuple[str, float]]:
    return [("p50", median(window)), ("p99", percentile(window, 99)), ("max", max(window))]


def _growth(run: Run) -> float:
    """Of the backlog, events/s, over the second half."""
    half = run.backlog[-1][0] / 2 if run.backlog else 0.0
    return slope((at, waiting) for at, waiting in run.backlog if at >= half)


def _profile(stage: Stage) -> str:
    with stage.database("profiled") as ground, receiver.running(ground) as received:
        backlog.make_endpoints(ground, ENDPOINTS, url=received.url("/ok"), limits=backlog.DEFAULT)
        with dispatching(ground) as dispatcher:
            recorder = record(ground, 8_000, rate=4_000, endpoints=ENDPOINTS)
            time.sleep(1.5)
            profile = profile_of(ground, dispatcher, seconds=2)
            recorder.finish()
    return profile


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))

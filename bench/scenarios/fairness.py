"""c. What a dead, a failing and a slow endpoint cost the 97 healthy ones beside them."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench import backlog, receiver
from bench.dispatching import Recorder, dispatching, record
from bench.findings import Findings
from bench.latencies import by_window, read_commits, waits
from bench.plots import Bars
from bench.processes import Program
from bench.profiles import profile_of
from bench.receiver import Arrival, RunningReceiver
from bench.scenarios import Scale
from bench.series import median, percentile
from bench.stage import Stage
from bench.tables import Table
from tools.failures import Failure

DURABLE = True
HOSTILE = ("/hang", "/500", "/slow/2000")
HEALTHY = "/ok"
ENDPOINTS = 100
ALONE, BESIDE = "all healthy", "product beside hostile endpoints"
HELD_BACK = 200  # deliveries that wait for each hostile endpoint from the beginning
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs: a database, a dispatcher, a receiver."""

    stage: Stage
    dispatcher: Program
    receiver: RunningReceiver
    hostile: list[str]  # ids of endpoints
    healthy: list[str]


def measure(stage: Stage, scale: Scale) -> Findings:
    rate, seconds = scale.choose(quick=(800, 1.0), whole=(1_000, 5.0))
    burst = scale.choose(quick=2_000, whole=20_000)
    latency = Table(title=f"COMMIT to receipt at {rate:,} events/s, the healthy 97", unit="ms")
    throughput = Table(title=f"A backlog of {burst:,} for the healthy 97", unit="deliveries/s", base=ALONE)
    findings = Findings(
        scenario="c",
        name="fairness",
        title="Fairness",
        about=(
            f"{ENDPOINTS} endpoints with default limits; in one of two runs one of them hangs until the deadline, one "
            f"answers 500 and one takes 2 s, each with {HELD_BACK} deliveries waiting from the beginning. Both runs "
            "have a database and a dispatcher of their own and take turns."
        ),
        tables=[latency, throughput],
    )
    with ExitStack() as stack:
        sides = {
            ALONE: stack.enter_context(_side(stage, "healthy", ())),
            BESIDE: stack.enter_context(_side(stage, "hostile", HOSTILE)),
        }
        for number in range(scale.rounds):
            for name, side in sides.items():
                throughput.add(name, _drain(side, burst))
            sys.stderr.write(
                f"  round {number + 1}/{scale.rounds}  alone {throughput.rows[ALONE][-1]:6.0f} /s, "
                f"beside {throughput.rows[BESIDE][-1]:6.0f} /s\n"
            )
        recorders = _record_in_turns(sides, rate=rate, seconds=seconds, rounds=scale.rounds)
        for name, side in sides.items():
            for window in _waits(side, recorders[name], windows=scale.rounds):
                latency.add(f"{name}: p50", median(window))
                latency.add(f"{name}: p99", percentile(window, 99))
        findings.figures = {
            "p99_to_healthy": latency.ratio(f"{BESIDE}: p99", f"{ALONE}: p99"),
            "throughput_to_healthy": throughput.ratio(BESIDE),
        }
        findings.plots = [Bars(latency), Bars(throughput)]
        if findings.misses:
            side = sides[BESIDE]
            backlog.make_backlog(side.stage, 10 * burst, side.healthy)
            findings.profile = profile_of(side.stage, side.dispatcher, seconds=3)
    return findings


@contextmanager
def _side(stage: Stage, name: str, hostile: tuple[str, ...]) -> Iterator[Side]:
    with stage.database(name) as ground, receiver.running(ground) as received:
        ids = {
            path: backlog.make_endpoints(
                ground, 1, url=received.url(path), limits=backlog.DEFAULT, first=number
            )
            for number, path in enumerate(hostile)
        }
        healthy = backlog.make_endpoints(
            ground,
            ENDPOINTS - len(ids),
            url=received.url(HEALTHY),
            limits=backlog.DEFAULT,
            first=len(ids),
        )
        for endpoint_ids in ids.values():
            backlog.make_backlog(ground, HELD_BACK, endpoint_ids)
        with dispatching(ground, f"dispatcher {name}") as dispatcher:
            yield Side(
                ground, dispatcher, received, [one for some in ids.values() for one in some], healthy[-97:]
            )


def _drain(side: Side, count: int) -> float:
    """Deliveries/s of a backlog of the healthy, from the first receipt to the last."""
    side.receiver.taken()
    backlog.make_backlog(side.stage, count, side.healthy)
    arrivals: list[Arrival] = []
    deadline = time.monotonic() + _PATIENCE
    while len(arrivals) < count:
        if time.monotonic() > deadline:
            raise Failure(f"Only {len(arrivals)} of {count} deliveries arrived.")
        time.sleep(0.05)
        arrivals += [one for one in side.receiver.taken() if one.path == HEALTHY]
    return count / (arrivals[-1].at - arrivals[0].at)


def _record_in_turns(
    sides: dict[str, Side], *, rate: int, seconds: float, rounds: int
) -> dict[str, Recorder]:
    """Each side's events come in bursts, while the other side's rest."""
    burst = int(rate * seconds)
    return {
        name: record(
            side.stage,
            burst * rounds,
            rate=rate,
            endpoints=ENDPOINTS,
            burst=burst,
            pause=seconds,
            begin=time.time() + 2.5 + number * seconds,
        )
        for number, (name, side) in enumerate(sides.items())
    }


def _waits(side: Side, recorder: Recorder, *, windows: int) -> list[list[float]]:
    commits = read_commits(recorder.finish())
    time.sleep(0.5)
    arrivals = [one for one in side.receiver.taken() if one.path == HEALTHY]
    return by_window(commits, waits(commits, arrivals), windows=windows)

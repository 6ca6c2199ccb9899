"""i. What it costs to keep the sums of charts, and the indexes of lists over all owners."""

import sys
from collections.abc import Callable

from bench import backlog
from bench.cpu import tree_seconds
from bench.findings import Findings
from bench.plots import Bars
from bench.scenarios import Scale
from bench.scenarios.drain import DISPATCHER
from bench.series import ratio
from bench.stage import Stage
from bench.tables import Table
from tools.failures import Failure

DURABLE = True
KEPT, NOT_KEPT = "kept", "not kept"
WITH, WITHOUT = "with indexes", "without"
# Attempts that fail are counted, not deliveries: none is retried, and no circuit opens, within the run.
FAILING = {"WEBHOOK_RETRY_SCHEDULE_SECONDS": "86400", "WEBHOOK_CIRCUIT_THRESHOLD": "10000"}
FAILING_ENDPOINTS = 100
# Rollups cost a hundredth or two, and a round differs from the next by ten: it takes more of them to tell.
ROUNDS_MORE = 3
FIGURES = {1: ("rate_1", "cpu_1"), 1_000: ("rate_1000", "cpu_1000")}  # by the number of endpoints
INDEXES = {
    "dispatcher_attempt_failure": "dispatcher_attempt (failure_code, id) WHERE failure_code IS NOT NULL",
    "dispatcher_finished_state": "dispatcher_finished_delivery (state, id) WHERE NOT (state = 'succeeded')",
}


def measure(stage: Stage, scale: Scale) -> Findings:
    deliveries = scale.choose(quick=3_000, whole=60_000)
    findings = Findings(
        scenario="i",
        name="rollups",
        title="Rollups and the indexes of lists",
        about=(
            f"{deliveries:,} deliveries due at once, delivered by one dispatcher that keeps rollups and by one that "
            "does not (WEBHOOK_ROLLUPS=false); the two take turns, and every round begins with the other one. Of a "
            "thousand endpoints each has an owner of its own, so every write adds to four rows for each. Failing: "
            f"as many first attempts at {FAILING_ENDPOINTS} endpoints that answer 500, with the two partial indexes of "
            "lists and without them. Rates are from the first attempt to the last; CPU is that of all processes from "
            "start to end. A quick run shows that all of it works: its rounds are too few and too short to tell."
        ),
    )
    with stage.database("rollups") as ground:
        for endpoints, (of_rates, of_costs) in FIGURES.items():
            rates, costs = _tables(f"{endpoints:,} endpoint{'s' * (endpoints > 1)}", NOT_KEPT)
            _take_turns(
                scale,
                {
                    name: _drains(ground, deliveries, endpoints, kept=name == KEPT)
                    for name in (KEPT, NOT_KEPT)
                },
                rates,
                costs,
            )
            findings.tables += [rates, costs]
            if not scale.quick:
                findings.figures[of_rates] = rates.ratio(KEPT)
                findings.figures[of_costs] = ratio(costs.rows[NOT_KEPT], costs.rows[KEPT])
        rates, costs = _tables("attempts that fail", WITHOUT)
        _take_turns(
            scale,
            {name: _fails(ground, deliveries, indexed=name == WITH) for name in (WITH, WITHOUT)},
            rates,
            costs,
        )
        findings.tables += [rates, costs]
        if not scale.quick:
            findings.figures["cpu_failing"] = ratio(costs.rows[WITHOUT], costs.rows[WITH])
    findings.plots = [Bars(table) for table in findings.tables]
    return findings


def _tables(words: str, base: str) -> tuple[Table, Table]:
    return (
        Table(title=f"Rate, {words}", unit="attempts/s", base=base),
        Table(title=f"CPU, {words}", unit="s per 1,000 attempts", base=base),
    )


def _take_turns(
    scale: Scale, ways: dict[str, Callable[[], tuple[float, float]]], rates: Table, costs: Table
) -> None:
    rounds = scale.rounds * scale.choose(quick=1, whole=ROUNDS_MORE)
    for number in range(rounds):
        names = list(ways)[:: 1 if number % 2 == 0 else -1]
        for name in names:
            rate, cost = ways[name]()
            rates.add(name, rate)
            costs.add(name, cost)
            sys.stderr.write(f"  round {number + 1}/{rounds}  {name:16} {rate:8.0f} /s  {cost:.3f} s\n")


def _drains(
    stage: Stage, deliveries: int, endpoints: int, *, kept: bool
) -> Callable[[], tuple[float, float]]:
    def drain() -> tuple[float, float]:
        backlog.prepare(stage, deliveries=deliveries, endpoints=endpoints)
        found = _run(stage, deliveries, {"WEBHOOK_ROLLUPS": str(kept).lower()})
        ((summed,),) = stage.execute(
            "SELECT coalesce(sum(succeeded), 0)::int FROM dispatcher_rollup WHERE scope = 'all' AND seconds = 60"
        )
        if summed != (deliveries if kept else 0):
            raise Failure(f"The rollups tell of {summed} attempts of {deliveries}.")
        return found

    return drain


def _fails(stage: Stage, deliveries: int, *, indexed: bool) -> Callable[[], tuple[float, float]]:
    def fail() -> tuple[float, float]:
        for name, columns in INDEXES.items():
            stage.execute(f"DROP INDEX IF EXISTS {name}")
            if indexed:
                stage.execute(f"CREATE INDEX {name} ON {columns}")
        url = stage.receiver.rpartition("/")[0] + "/fail"
        backlog.prepare(stage, deliveries=deliveries, endpoints=FAILING_ENDPOINTS, url=url)
        return _run(stage, deliveries, {**FAILING, "WEBHOOK_ROLLUPS": "false"})

    return fail


def _run(stage: Stage, attempts: int, variables: dict[str, str]) -> tuple[float, float]:
    """Attempts/s, and the CPU seconds of 1,000 of them over all processes."""
    before = {name: tree_seconds(pid) for name, pid in stage.servers.items()}
    dispatcher = stage.start("dispatcher", *DISPATCHER, variables=variables)
    dispatcher.wait()
    used = dispatcher.cpu_seconds + sum(
        tree_seconds(pid) - before[name] for name, pid in stage.servers.items()
    )
    ((made, seconds),) = stage.execute(
        "SELECT count(*), extract(epoch FROM max(started_at) - min(started_at))::float8 FROM dispatcher_attempt"
    )
    if made != attempts:
        raise Failure(f"{made} attempts were made of {attempts}.")
    return made / seconds, used / made * 1000

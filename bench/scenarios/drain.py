"""a. How fast a backlog is delivered: the product beside the bare loop, the textbook way, and its own brokers."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench import anchor, backlog
from bench.cpu import tree_seconds
from bench.explained import explanation
from bench.findings import Findings
from bench.plots import Bars, Stacks
from bench.processes import Program
from bench.profiles import profile_of_run
from bench.scenarios import Scale
from bench.stage import Stage
from bench.tables import Table
from tools.demo.ports import reserved_port
from tools.failures import Failure
from tools.private_brokers import PrivateBroker, PrivateRabbitMQ, PrivateRedis

DURABLE = True
DISPATCHER = ("manage.py", "run_dispatcher", "--drain")
BARE = ("-m", "bench.bare", "--drain")
TEXTBOOK = ("-m", "bench.textbook")
BROKERS: dict[str, type[PrivateBroker]] = {"RabbitMQ": PrivateRabbitMQ, "Redis": PrivateRedis}
METRICS = "product with metrics"
PRODUCT, BARE_LOOP = "product, 1 process", "bare loop, 1 process"
ANCHOR = "pgbench, nothing sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way of doing the same work."""

    name: str
    arguments: tuple[str, ...]
    processes: int = 1
    share: float = 1.0  # of the deliveries: a slow one need not take all day
    anchor: bool = False  # pgbench, which is told how many transactions to run
    workers: tuple[str, ...] = ()  # beside it until it ends
    servers: dict[str, int] = field(default_factory=dict)  # whose CPU seconds are its own, too


def measure(stage: Stage, scale: Scale) -> Findings:
    deliveries = scale.choose(quick=3_000, whole=60_000)
    findings = Findings(
        scenario="a",
        name="drain",
        title="Drain of a backlog",
        about=(
            f"{deliveries:,} deliveries due at once; from the first attempt to the last end. One nginx receives. "
            "The lanes' caps are out of reach; contenders take turns in every round. Textbook: SKIP LOCKED "
            "LIMIT 100, requests.Session in 16 threads, a commit a delivery, over a part of the backlog, as "
            "dramatiq in the whole run. pgbench runs the bare loop's claim and record statements on one connection "
            "and sends nothing: what PostgreSQL allows one such loop on this machine, whatever sends for it."
        ),
    )
    with stage.database("drain") as ground, ExitStack() as stack:
        contenders = _contenders(scale, stack, findings)
        # What a process needs to start is no part of a delivery.
        startup = {
            one.name: once(ground, one, count=0, endpoints=1)[1]
            for one in contenders
            if not scale.quick or one.name in (PRODUCT, BARE_LOOP)
        }
        rates, costs = [], []
        for endpoints in (1, 100):
            running = contenders if endpoints == 1 else _with_many_lanes(contenders, scale)
            rate, cost = _rounds(ground, scale, running, startup, endpoints=endpoints, deliveries=deliveries)
            rates.append(rate)
            costs.append(cost)
            findings.notes.append(_cpu_ratio(cost, endpoints))
        findings.tables = [*rates, *costs]
        findings.plots = [*map(Bars, rates), *map(Stacks, costs)]
        findings.figures = _figures(rates)
        if findings.misses:
            backlog.prepare(ground, deliveries=10_000, endpoints=1)
            explained = explanation(ground, limit=500)
            findings.profile = profile_of_run(ground, "run_dispatcher", *DISPATCHER) + "\n\n" + explained
    return findings


def _with_many_lanes(contenders: list[Contender], scale: Scale) -> list[Contender]:
    """A quick run only shows what many lanes cost; what metrics cost has nothing to do with lanes."""
    if scale.quick:
        return [one for one in contenders if one.name in (PRODUCT, BARE_LOOP)]
    return [one for one in contenders if one.name != METRICS]


def _cpu_ratio(costs: Table, endpoints: int) -> str:
    """The figure that other work on the machine disturbs least."""
    groups = ("dispatcher", "PostgreSQL", "nginx")
    product, bare = (
        sum(costs.median(f"{name}: {group}") for group in groups) for name in (PRODUCT, BARE_LOOP)
    )
    return (
        f"CPU of a delivery to {endpoints} endpoint{'s' * (endpoints > 1)}, all processes together: the product uses "
        f"{product / bare:.2f} times what the bare loop does."
    )


def _contenders(scale: Scale, stack: ExitStack, findings: Findings) -> list[Contender]:
    found = [
        Contender(name=PRODUCT, arguments=DISPATCHER),
        Contender(name=BARE_LOOP, arguments=BARE),
        Contender(
            name="textbook, 16 threads", arguments=TEXTBOOK, share=scale.choose(quick=0.1, whole=0.025)
        ),
    ]
    if not scale.quick:
        found.insert(1, Contender(name="product, 2 processes", arguments=DISPATCHER, processes=2))
        found.insert(3, Contender(name="bare loop, 2 processes", arguments=BARE, processes=2))
    if anchor.find():
        found.append(Contender(name=ANCHOR, arguments=(), anchor=True))
    else:
        findings.notes.append("pgbench is not on this machine: the bare loop was not anchored.")
    port = stack.enter_context(reserved_port(0))
    found.insert(1, Contender(name=METRICS, arguments=(*DISPATCHER, "--metrics-port", str(port))))
    for name, broker in BROKERS.items():
        try:
            running = stack.enter_context(broker())
        except Failure as failure:
            findings.notes.append(f"{name} was not measured: {failure}")
            continue
        found.append(
            Contender(
                name=f"dramatiq on {name}",
                share=scale.choose(quick=1.0, whole=1 / 6),
                arguments=(*DISPATCHER, "--executor", "dramatiq", "--broker", running.url),
                workers=("manage.py", "run_worker", "--broker", running.url),
                servers={"broker": running.pid} if running.pid else {},
            )
        )
    return found


def _rounds(
    stage: Stage,
    scale: Scale,
    contenders: list[Contender],
    startup: Mapping[str, Mapping[str, float]],
    *,
    endpoints: int,
    deliveries: int,
) -> tuple[Table, Table]:
    words = f"{endpoints} endpoint{'s' if endpoints > 1 else ''}"
    rates = Table(title=f"Drain, {words}", unit="deliveries/s", base=BARE_LOOP)
    costs = Table(title=f"CPU of the drain, {words}", unit="s per 1,000 deliveries")
    for number in range(scale.rounds):
        for contender in contenders:
            count = int(deliveries * contender.share)
            rate, used = once(stage, contender, count=count, endpoints=endpoints)
            rates.add(contender.name, rate)
            for group, at_start in startup.get(contender.name, {}).items():
                of_work = max(0.0, used[group] - at_start)
                costs.add(f"{contender.name}: {group}", of_work / count * 1000)
            sys.stderr.write(f"  round {number + 1}/{scale.rounds}  {contender.name:24} {rate:8.0f} /s\n")
    return rates, costs


def once(stage: Stage, contender: Contender, *, count: int, endpoints: int) -> tuple[float, dict[str, float]]:
    """Deliveries/s, and the CPU seconds of each group of processes."""
    backlog.prepare(stage, deliveries=count, endpoints=endpoints)
    servers = {**stage.servers, **contender.servers}
    before = {name: tree_seconds(pid) for name, pid in servers.items()}
    with _workers(stage, contender) as workers:
        processes = _start(stage, contender, count=count, endpoints=endpoints)
        for process in processes:
            process.wait()
    used = {name: tree_seconds(pid) - before[name] for name, pid in servers.items()}
    used = {"dispatcher": sum(process.cpu_seconds for process in [*processes, *workers]), **used}
    done, seconds = stage.execute("drained")[0]
    if done != count and not contender.anchor:
        raise Failure(f"{contender.name} left deliveries behind: {done} of {count} succeeded.")
    return (done / seconds if done else 0.0), used


def _start(stage: Stage, contender: Contender, *, count: int, endpoints: int) -> list[Program]:
    if not contender.anchor:
        numbers = range(contender.processes)
        return [stage.start(f"{contender.name} {number}", *contender.arguments) for number in numbers]
    script = stage.place / "anchor.sql"
    anchor.write_script(script)
    arguments = anchor.arguments(script, clients=contender.processes, deliveries=count, endpoints=endpoints)
    variables = anchor.variables(stage.database_url)
    return [stage.start("pgbench", *arguments, program=anchor.find() or "pgbench", variables=variables)]


@contextmanager
def _workers(stage: Stage, contender: Contender) -> Iterator[list[Program]]:
    workers = [stage.start(f"{contender.name} worker", *contender.workers)] if contender.workers else []
    try:
        for worker in workers:
            worker.wait_until_it_says("worker ready")
        yield workers
    finally:
        for worker in workers:
            worker.stop()


def _figures(rates: list[Table]) -> dict[str, float]:
    figures: dict[str, float] = {}
    one = rates[0]
    pairs = [
        table.ratio(f"product, {processes}", f"bare loop, {processes}")
        for table in rates
        for processes in ("1 process", "2 processes")
        if table.has(f"product, {processes}", f"bare loop, {processes}")
    ]
    figures["product_to_bare"] = min(pairs)
    figures["product_to_textbook"] = one.ratio(PRODUCT, "textbook, 16 threads")
    for figure, row in (
        ("rabbitmq_to_local", "dramatiq on RabbitMQ"),
        ("redis_to_local", "dramatiq on Redis"),
        ("metrics_on_to_off", METRICS),
    ):
        if one.has(row):
            figures[figure] = one.ratio(row, PRODUCT)
    return figures

"""d. What a claim costs as history, backlog and the number of endpoints grow: it should cost what its batch does."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from bench import backlog
from bench.backlog import UNLIMITED
from bench.explained import explained_claims
from bench.findings import Findings
from bench.plots import Lines
from bench.scenarios import Scale
from bench.series import median
from bench.stage import Stage
from bench.tables import Table

DURABLE = False
BATCH = 500
LIVE = 20_000  # deliveries that are due, so that every claim finds a full batch
ENDPOINTS = 100
TRIES = 4  # claims a round
_STEP = 500_000  # rows written by one statement
_PARTITION = 1_000_000  # rows of history in each


@dataclass(slots=True)
class Growth:
    """The cost of claims as one thing grows."""

    name: str
    milliseconds: Table
    buffers: Table
    statements: dict[int, list[str]] = field(default_factory=dict)

    def figures(self) -> dict[str, float]:
        return {f"{self.name}_ms": _spread(self.milliseconds), f"{self.name}_buffers": _spread(self.buffers)}


def measure(ground: Stage, scale: Scale) -> Findings:
    findings = Findings(
        scenario="d",
        name="claim-cost",
        title="Cost of a claim",
        about=(
            f"Claims of {BATCH} deliveries from {LIVE:,} that are due, explained with ANALYZE and BUFFERS and rolled "
            f"back; a round is the cheapest of {TRIES}. The server does without fsync, as rows by the million must be "
            "written first; what a claim reads is the same. History: finished deliveries, each with its event and "
            "attempt, in partitions of a million. Pending: waiting behind an "
            "endpoint whose lane is at its cap and has its turn in every claim."
        ),
    )
    grown = [
        _grow(ground, scale, "history", "finished deliveries", _history, (0, 100_000), 10_000_000),
        _grow(ground, scale, "pending", "pending behind one endpoint", _pending, (0, 100_000), 1_000_000),
        _grow(ground, scale, "endpoints", "endpoints", _endpoints, (1, 100, 1_000), 10_000),
    ]
    for one in grown:
        findings.tables += [one.milliseconds, one.buffers]
        findings.figures |= one.figures()
    findings.plots += [_lines(one.name, one.milliseconds, "ms") for one in grown]
    findings.plots += [_lines(one.name, one.buffers, "buffers") for one in grown]
    if findings.misses:
        findings.profile = "\n\n".join(_explanation(one) for one in grown)
    return findings


def _grow(
    ground: Stage,
    scale: Scale,
    name: str,
    words: str,
    fill: Callable[[Stage, int, int], None],
    quick: tuple[int, ...],
    most: int,
) -> Growth:
    levels = scale.choose(quick=quick, whole=(*quick[:-1], *_tenfold(quick[-1], most)))
    grown = Growth(
        name,
        Table(title=f"A claim by {words}: time", unit="ms", base=f"{levels[0]:,}"),
        Table(title=f"A claim by {words}: reading", unit="buffers", base=f"{levels[0]:,}"),
    )
    with ground.database(name) as there:
        before = 0
        for level in levels:
            fill(there, before, level)
            before = level
            # What ended is not read by a claim: only what lives needs a vacuum, after claims that were rolled back.
            there.execute("VACUUM dispatcher_delivery, dispatcher_lane, dispatcher_endpoint, outbox_pending")
            there.execute("ANALYZE")
            found = explained_claims(there, claims=scale.rounds * TRIES, limit=BATCH)
            costs = (_cheapest(found["milliseconds"]), _cheapest(found["buffers"]))
            for milliseconds, buffers in zip(*costs, strict=True):
                grown.milliseconds.add(f"{level:,}", milliseconds)
                grown.buffers.add(f"{level:,}", buffers)
            grown.statements[level] = found["statements"]
            sys.stderr.write(f"  {level:,} {words}: {median(found['milliseconds']):.2f} ms\n")
    return grown


def _history(there: Stage, before: int, level: int) -> None:
    if before == 0 and level == 0:
        backlog.make_backlog(there, LIVE, backlog.make_endpoints(there, ENDPOINTS))
    ids = [id_ for (id_,) in there.execute("SELECT id::text FROM dispatcher_endpoint ORDER BY id")]
    for first in range(before + 1, level + 1, _PARTITION):
        backlog.make_history(there, first, min(first + _PARTITION - 1, level), ids)


def _pending(there: Stage, before: int, level: int) -> None:
    if before == 0 and level == 0:
        backlog.make_backlog(there, LIVE, backlog.make_endpoints(there, ENDPOINTS))
        backlog.make_endpoints(there, 1, first=ENDPOINTS, limits=backlog.DEFAULT)
    dead = there.execute("SELECT id::text FROM dispatcher_endpoint ORDER BY id DESC LIMIT 1")[0][0]
    for first in range(before, level, _STEP):
        backlog.make_backlog(there, min(_STEP, level - first), [dead], data="{}")
    there.execute("kill_endpoint", endpoint_id=dead)


def _endpoints(there: Stage, _before: int, level: int) -> None:
    backlog.clear(there)
    ids = backlog.make_endpoints(there, level, limits=UNLIMITED)
    backlog.make_backlog(there, max(LIVE, 20 * level), ids, data="{}")


def _cheapest(costs: list[float]) -> list[float]:
    """Of each round: what else the machine does only ever adds."""
    return [min(costs[start : start + TRIES]) for start in range(0, len(costs), TRIES)]


def _tenfold(first: int, last: int) -> tuple[int, ...]:
    """`first`, ten times as much, … up to `last`, which is always there."""
    found = [first]
    while found[-1] * 10 < last:
        found.append(found[-1] * 10)
    return (*found, last)


def _spread(table: Table) -> float:
    """The largest median / the smallest."""
    middles = [median(values) for values in table.rows.values()]
    return max(middles) / min(middles)


def _lines(name: str, table: Table, unit: str) -> Lines:
    points = [(float(row.replace(",", "")), median(values)) for row, values in table.rows.items()]
    return Lines(title=table.title, x=name, y=unit, series={name: points}, logarithmic_x=True, height=1.9)


def _explanation(grown: Growth) -> str:
    lines = []
    for level in (min(grown.statements), max(grown.statements)):
        lines += [
            f"EXPLAIN of a claim at {level:,} ({grown.name}):",
            *(f"  {one}" for one in grown.statements[level]),
        ]
    return "\n".join(lines)

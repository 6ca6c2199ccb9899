"""f. The memory of a dispatcher with nothing, many and very many deliveries pending."""

import re
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench import backlog
from bench.dispatching import dispatching
from bench.findings import Findings
from bench.plots import Bars
from bench.scenarios import Scale
from bench.stage import Stage
from bench.tables import Table
from tools.failures import Failure

DURABLE = False
WORK = 2_000  # deliveries for each dispatcher before it is measured
_PATIENCE = 60.0


def measure(stage: Stage, scale: Scale) -> Findings:
    levels = scale.choose(quick=(0, 100_000), whole=(0, 100_000, 1_000_000))
    resident = Table(title="Memory of a dispatcher (resident)", unit="MiB", base=_row(0))
    proportional = Table(title="Memory of a dispatcher (its share of shared pages)", unit="MiB", base=_row(0))
    findings = Findings(
        scenario="f",
        name="memory",
        title="Memory",
        about=(
            f"{scale.rounds} dispatchers started while so many deliveries wait behind an endpoint that is at its cap; "
            f"measured after {WORK:,} deliveries for each to another endpoint and a second of looking for more."
        ),
        tables=[resident, proportional],
    )
    with stage.database("memory") as there:
        live = backlog.make_endpoints(there, 1)
        dead = backlog.make_endpoints(there, 1, first=1, limits=backlog.DEFAULT)
        before = 0
        for level in levels:
            if level > before:
                backlog.make_backlog(there, level - before, dead, data="{}")
            there.execute("kill_endpoint", endpoint_id=dead[0])
            there.execute("VACUUM ANALYZE dispatcher_delivery, dispatcher_lane")
            before = level
            with ExitStack() as stack:
                names = [f"dispatcher {number}" for number in range(scale.rounds)]
                programs = [stack.enter_context(dispatching(there, name)) for name in names]
                backlog.make_backlog(there, WORK * scale.rounds, live)
                _wait_until_done(there, live[0])
                time.sleep(1.0)
                for program in programs:
                    resident.add(_row(level), _mebibytes(program.pid, "Rss"))
                    proportional.add(_row(level), _mebibytes(program.pid, "Pss"))
            sys.stderr.write(f"  {level:,} pending: {resident.median(_row(level)):.1f} MiB\n")
    findings.figures = {"memory_to_empty": max(table.ratio(_row(levels[-1])) for table in findings.tables)}
    findings.plots = [Bars(resident)]
    return findings


def _wait_until_done(there: Stage, endpoint_id: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while there.execute(
        "SELECT EXISTS (SELECT FROM dispatcher_delivery WHERE endpoint_id = %(id)s)", id=endpoint_id
    )[0][0]:
        if time.monotonic() > deadline:
            raise Failure("The dispatcher did not deliver what was due.")
        time.sleep(0.05)


def _mebibytes(pid: int, kind: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(rf"^{kind}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _row(level: int) -> str:
    return f"{level:,} pending"

"""Run the product for a long time with failures of every kind, then with three times what it can deliver, and judge it.

python -m bench.soak                ten minutes at 10 payments/s
python -m bench.soak --minutes 60
python -m bench.soak --quick        about two minutes

Prints what was watched and every bound; exits 1 where one is missed. Writes bench/results/soak/, a quick one
bench/results/quick/soak/.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import findings, report
from bench.machine import circumstances
from bench.plots import Lines, draw
from bench.processes import terminated_as_interrupted
from bench.soak.plan import DISPATCHERS, OVERLOADED, Plan
from bench.soak.run import soak
from bench.soak.sampling import Sample
from bench.soak.verdicts import Outcome, judge
from bench.stage import stage
from bench.tables import Table, number, text
from bench.targets import Verdict
from tools.failures import Failure

_LEAST_MINUTES = 2.0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="of it, the last one of overload (default: %(default)g)"
    )
    parser.add_argument("--rate", type=float, default=10.0, help="payments/s (default: %(default)g)")
    parser.add_argument("--quick", action="store_true", help="about two minutes, whatever --minutes says")
    options = parser.parse_args()
    if options.minutes < _LEAST_MINUTES:
        parser.error(f"--minutes must be {_LEAST_MINUTES:g} or more, not {options.minutes:g}")
    if not 0 < options.rate <= 1_000:
        parser.error(f"--rate must be above 0 and at most 1000, not {options.rate:g}")
    plan = Plan.of(minutes=options.minutes, rate=options.rate, quick=options.quick)
    directory = findings.RESULTS / "quick" / "soak" if options.quick else findings.RESULTS / "soak"
    around = {**circumstances(), "command": " ".join(["python -m bench.soak", *sys.argv[1:]])}
    try:
        with terminated_as_interrupted(), stage(durable=True) as ground:
            outcome, samples, codes = soak(ground, plan)
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    verdicts = judge(plan, outcome)
    tables = tables_of(outcome, codes)
    print("\n\n".join([*map(text, tables), "\n".join(map(str, verdicts)), *notes_of(outcome)]))
    _write(directory, plan, around, tables, verdicts, samples, notes_of(outcome))
    print(f"\nwritten to {directory}")
    return any(verdict.word != "met" for verdict in verdicts)


def tables_of(outcome: Outcome, codes: Mapping[str, int]) -> list[Table]:
    """What was watched in the steady part, and the attempts that failed in the whole run."""
    memory = Table(title="Resident memory", unit="MiB")
    descriptors = Table(title="Descriptors", unit="open")
    database = Table(title="PostgreSQL", unit="at each look")
    for sample in outcome.steady:
        for group in sample.memory:
            memory.add(group, sample.memory[group])
            descriptors.add(group, sample.descriptors[group])
        database.add("connections", sample.connections)
        database.add("dead rows of the hot tables", sample.dead)
        database.add("oldest due, seconds", sample.oldest_due)
        database.add("waiting, for endpoints that fail too", sample.backlog)
    failed = Table(title="Attempts that failed", unit="of the whole run")
    for code, count in codes.items():
        failed.add(code, count)
    return [memory, descriptors, database, failed]


def notes_of(outcome: Outcome) -> list[str]:
    overload = outcome.overload
    return [
        (
            f"{outcome.acknowledged:,} payments and events were acknowledged. The most that was delivered was "
            f"{number(overload.capacity)} events/s to {OVERLOADED} endpoints each; {number(overload.recorded)} were "
            f"recorded a second in the overload, when {overload.peak:,} events and deliveries waited at most; all had "
            f"arrived {number(overload.drained)} s after its end."
        )
    ]


def _write(
    directory: Path,
    plan: Plan,
    around: Mapping[str, Any],
    tables: list[Table],
    verdicts: list[Verdict],
    samples: list[Sample],
    notes: list[str],
) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    content = {
        **around,
        "scenario": "soak",
        "title": "Soak and overload",
        "about": (
            f"{plan.rate:g} payments/s through the API for {plan.steady:g} s, watched after the first "
            f"{plan.warm_up:g}; {DISPATCHERS} dispatchers; three endpoints that work, one of them every other time, "
            f"and eight that fail, each in its own way. Then {plan.overload:g} s of three times the events that can be "
            "delivered."
        ),
        "tables": [asdict(table) for table in tables],
        "targets": [findings.shown(verdict) for verdict in verdicts],
        "notes": notes,
        "profile": "",
        "samples": [asdict(sample) for sample in samples],
    }
    (directory / "soak.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    (directory / "summary.md").write_text(report.summary([content]))
    first = samples[0].at
    series = {
        group: [(sample.at - first, sample.memory[group]) for sample in samples]
        for group in samples[0].memory
    }
    waiting = {"for endpoints that work": [(sample.at - first, float(sample.waiting)) for sample in samples]}
    plots = [
        Lines(title="Resident memory", x="seconds", y="MiB", series=series),
        Lines(title="Waiting", x="seconds", y="events and deliveries", series=waiting),
    ]
    draw(plots, "Soak and overload", directory / "soak.svg")


if __name__ == "__main__":
    raise SystemExit(main())

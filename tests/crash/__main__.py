"""Play the crash suite: faults under load, judged by what clients were told, the database holds and the receiver got.

python -m tests.crash --quick              every fault once, a few minutes
python -m tests.crash --state run.json     all of it; the same command goes on where an earlier one stopped
python -m tests.crash --list               which faults there are
python -m tests.crash --report-only run.json --write     the table of docs/reliability.md
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.processes import terminated_as_interrupted
from tests.crash import report
from tests.crash.plan import PARTS, Batch, faults_of, plan
from tests.crash.suite import Played, Suite
from tests.processes import ROOT
from tools.failures import Failure

SEED = 1


def main() -> int:
    options = _options()
    if options.report_only:
        print(report.page_part(options.report_only, write=options.write))
        return 0
    faults = [
        fault
        for part in ([options.part] if options.part else PARTS)
        for fault in faults_of(part)
        if not options.only or fault.name in options.only.split(",")
    ]
    batches = plan(faults, quick=options.quick)
    if options.list:
        for batch in batches:
            print(f"{batch.place + 1:3} {batch.fault.name} {batch.number}: {batch.size}")
        return 0
    left_out = {fault.name: reason for fault in faults if (reason := fault.why_not()) is not None}
    for name, reason in left_out.items():
        print(f"{name} is left out: {reason}")
    state = _State(
        options.state, {"seed": options.seed, "quick": options.quick, "part": options.part}, left_out
    )
    try:
        with terminated_as_interrupted():
            _play([batch for batch in batches if batch.fault.name not in left_out], state, options.seed)
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    print(report.table(state.played))
    if options.write:
        report.page_part([options.state], write=True)
    return 1 if any(played.breaches for played in state.played) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="every fault once")
    parser.add_argument("--seed", type=int, default=SEED, help="of everything random (default: %(default)s)")
    parser.add_argument("--part", choices=PARTS, help="only this part (default: all)")
    parser.add_argument("--only", metavar="NAMES", help="only these faults, with commas between")
    parser.add_argument("--list", action="store_true", help="print the plan and end")
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="keep what was played here, and go on from it"
    )
    parser.add_argument(
        "--report-only", type=Path, nargs="+", metavar="STATE", help="print the table of these"
    )
    parser.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    options = parser.parse_args()
    if options.only and options.state:
        parser.error("--state is of a whole part: leave out --only")
    if options.write and not (options.state or options.report_only):
        parser.error("--write needs --state, or --report-only with the files of runs")
    return options


class _State:
    """What was played, in a file that is written after each batch."""

    def __init__(self, path: Path | None, run: dict[str, Any], left_out: dict[str, str]) -> None:
        self._path = path
        self._run = run
        self._left_out = left_out
        self.played: list[Played] = []
        if path is not None and path.exists():
            found = json.loads(path.read_text())
            if (kept := {name: found[name] for name in run}) != run:
                raise SystemExit(f"{path} is of another run: {kept}")
            self.played = [Played(**one) for one in found["batches"]]

    def add(self, played: Played) -> None:
        self.played.append(played)
        if self._path is None:
            return
        content = {
            **self._run,
            "command": report.command_of(self._run),
            "commit": _commit(),
            "machine": report.machine(),
            "left_out": self._left_out,
            "batches": [asdict(one) for one in self.played],
        }
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps(content, indent=1) + "\n")
        beside.replace(self._path)


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def _play(batches: list[Batch], state: _State, seed: int) -> None:
    done = {(played.fault, played.number) for played in state.played}
    left = [batch for batch in batches if (batch.fault.name, batch.number) not in done]
    begun = time.monotonic()
    with Suite(seed=seed) as suite:
        print(
            f"crash suite: {len(left)} of {len(batches)} batches, seed {seed}; logs in {suite.directory}",
            flush=True,
        )
        for count, batch in enumerate(left, 1):
            played = suite.play(batch)
            state.add(played)
            remaining = (time.monotonic() - begun) / count * (len(left) - count)
            print(f"{report.line(played, batches[-1].place + 1)}; {remaining / 60:.0f} min left", flush=True)
            for breach in played.breaches:
                print(f"    BREACH: {breach}", flush=True)
        if not any(played.breaches for played in state.played):
            suite.forget_logs()


if __name__ == "__main__":
    raise SystemExit(main())

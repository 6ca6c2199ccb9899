"""Measure side by side in one run; print tables and targets; write JSON and drawings to bench/results/.

python -m bench            everything, about half an hour
python -m bench --quick    smaller counts, about 5 minutes
python -m bench --only a,d
"""

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench import findings, report
from bench.machine import circumstances
from bench.processes import terminated_as_interrupted
from bench.scenarios import Scale, api, claim_cost, drain, fairness, memory, rollups, slow, sustained, whole
from bench.stage import Stage, stage
from bench.targets import Verdict
from tools.failures import Failure

SCENARIOS = {
    "a": drain,
    "b": sustained,
    "c": fairness,
    "d": claim_cost,
    "e": api,
    "f": memory,
    "g": whole,
    "h": slow,
    "i": rollups,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller counts, in results/quick/")
    parser.add_argument(
        "--only", default=",".join(SCENARIOS), metavar="LETTERS", help="scenarios (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of each comparison (default: %(default)s)")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - SCENARIOS.keys():
        parser.error(
            f"--only: there is no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}"
        )
    if options.rounds < 1:
        parser.error(f"--rounds must be 1 or more, not {options.rounds}")
    scale = Scale(quick=options.quick, rounds=options.rounds)
    directory = findings.RESULTS / "quick" if scale.quick else findings.RESULTS
    try:
        with terminated_as_interrupted():
            verdicts = _run(chosen, scale, directory)
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    print("\nTargets\n" + "\n".join(map(str, verdicts)))
    return 0


def _run(chosen: list[str], scale: Scale, directory: Path) -> list[Verdict]:
    began = time.monotonic()
    around = circumstances()
    verdicts = []
    with ExitStack() as stack:
        stages: dict[bool, Stage] = {}
        for letter in chosen:
            scenario = SCENARIOS[letter]
            if scenario.DURABLE not in stages:
                stages[scenario.DURABLE] = stack.enter_context(stage(durable=scenario.DURABLE))
            sys.stderr.write(f"{letter}: {scenario.__name__.rpartition('.')[2]} ({_minutes(began)})\n")
            found = scenario.measure(stages[scenario.DURABLE], scale)
            print(f"\n{findings.printed(found)}\n", flush=True)
            findings.write(found, around, directory)
            verdicts += found.verdicts
    report.write(directory)
    sys.stderr.write(f"done after {_minutes(began)}; written to {directory}\n")
    return verdicts


def _minutes(began: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - began), 60)
    return f"{minutes}:{seconds:02}"


if __name__ == "__main__":
    raise SystemExit(main())

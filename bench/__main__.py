"""`python -m bench [--quick]`: measures side by side in one run, prints a table, writes bench/results/."""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import drain
from bench.stage import stage
from tools.failures import Failure

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer deliveries and rounds")
    options = parser.parse_args()
    deliveries, rounds = (10_000, 3) if options.quick else (60_000, 5)
    results: dict[str, Any] = {"commit": _commit(), "machine": drain.machine(), "drain": {}}
    try:
        with stage() as ground:
            for endpoints in (1, 100):
                title = f"{deliveries} deliveries, {endpoints} endpoint{'s' if endpoints > 1 else ''}"
                sys.stderr.write(f"{title}\n")
                running = drain.run(ground, deliveries=deliveries, endpoints=endpoints, rounds=rounds)
                results["drain"][title] = [asdict(one) for one in running]
                print(f"\nDrain of {title}, deliveries/s\n{drain.table(running)}\n")
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"drain{'-quick' if options.quick else ''}.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"written to {path.relative_to(Path.cwd())}")
    return 0


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())

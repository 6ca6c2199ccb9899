"""`python -m tools.demo_data`: build it, stay up, and say where to look."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tools.demo_data.stage import FULL, SMALL, built
from tools.demo_data.story import tell
from tools.failures import Failure
from tools.private_postgres import provided_or_private
from tools.terminal import say


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo_data", description=__doc__)
    parser.add_argument("--small", action="store_true", help="two quiet days instead of a week")
    options = parser.parse_args()
    size = SMALL if options.small else FULL
    try:
        with (
            tempfile.TemporaryDirectory(prefix="ministripe-demo-data-") as directory,
            provided_or_private(durable=False) as server,
            built(server, Path(directory), size, hooks_port=8443) as running,
        ):
            began = time.monotonic()
            tell(running)
            stage = running.stage
            stage.write(Path(directory))
            say(f"{stage.base}/ops/  after {time.monotonic() - began:.0f} s; logs in {directory}")
            say(f"log in as {', '.join(stage.people.values())} with the password: {stage.password}")
            for key, merchant in stage.merchants.items():
                say(f"  {key:<10} {merchant.account}  {merchant.api_key}")
            say("Ctrl-C ends and removes everything.")
            while True:
                running.children.check()
                time.sleep(1)
    except KeyboardInterrupt:
        return 0
    except Failure as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m tools.demo [--once]`; `make demo` makes the environment first and prints steps 1 and 2."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time

from tools.demo.stage import ENVIRONMENT, STEPS, Stage, built, operations_link
from tools.demo.story import tell
from tools.failures import Failure
from tools.terminal import coloured, say

WATCH_SECONDS = 1.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """A signal asked the demo to end."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make demo", description="One payment, end to end, on this machine."
    )
    parser.add_argument("--once", action="store_true", help="end after the story (make demo ARGS=--once)")
    options = parser.parse_args()
    began = float(os.environ.get("MINISTRIPE_BEGAN") or time.time())
    for signum in STOP_SIGNALS:
        signal.signal(signum, _stop)
    told = False
    try:
        with built() as stage:
            say(f"[6/{STEPS}] A payment, end to end")
            count = tell(stage)
            seconds = f"counted by the API and the shop, {time.time() - began:.1f} s after the first line:"
            if not count.is_right:
                raise Failure(f"The demo counted {count}.", suggestion="read the logs in .demo/logs")
            say(f"  {coloured(seconds, 'dim')}")
            say(f"  {coloured('✓', 'green')} {coloured(str(count), 'bold')}")
            told = True
            if not options.once:
                _stay(stage)
            _ignore_signals()
    except Stopped:
        if not told:
            say("\nStopped.")
            return 130
    except Failure as failure:
        sys.stdout.flush()
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


def _stay(stage: Stage) -> None:
    """Until a signal, or until one of the processes ends by itself."""
    say(f"  API docs {stage.api.base}/docs/   orders {stage.shop.base}/orders   key {stage.api.key}")
    say(f"  operations {operations_link(stage)}   (lets you in once, within an hour)")
    say(f"  try: curl -u {stage.api.key}: -d amount=500 -d currency=usd {stage.api.base}/payment_intents/")
    manage = os.path.relpath(sys.executable)
    say(
        f"  command line, in another terminal: . {os.path.relpath(ENVIRONMENT)}; {manage} manage.py webhooks listen"
    )
    say("  Logs in .demo/logs. Ctrl-C stops everything; rm -rf .demo removes everything.")
    try:
        while True:
            stage.children.check()
            time.sleep(WATCH_SECONDS)
    except Stopped:
        say("\nStopping ...")
        raise


def _stop(*_: object) -> None:
    _ignore_signals()
    raise Stopped


def _ignore_signals() -> None:
    """Once everything is being stopped in order, a second Ctrl-C must not cut that short."""
    for signum in STOP_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m tools.private_postgres start|stop|status|url [--home DIR] [--no-durable] [--postgres CHOICE]`.

`start` leaves a server running for work by hand; its data stays in the home directory until you remove it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from tools.failures import Failure
from tools.private_postgres.cluster import Account, Cluster
from tools.private_postgres.keeper import LOCK_NAME
from tools.private_postgres.server import PrivatePostgres

# Root's own directories are closed to the account that PostgreSQL runs as.
DEFAULT_HOME = (
    Path("/var/tmp/ministripe-postgres") if os.geteuid() == 0 else Path.home() / ".cache/ministripe/pg"
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.private_postgres", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "status", "url"])
    parser.add_argument(
        "--home", type=Path, default=DEFAULT_HOME, help="where data and socket live (%(default)s)"
    )
    parser.add_argument(
        "--no-durable", action="store_true", help="no fsync: faster, and a power cut may corrupt it"
    )
    parser.add_argument(
        "--postgres", metavar="CHOICE", help="machine, wheel, or a directory of server programs"
    )
    options = parser.parse_args()
    home: Path = options.home.absolute()
    try:
        if options.action == "start":
            return _start(home, durable=not options.no_durable, choice=options.postgres)
        return {"stop": _stop, "status": _status, "url": _url}[options.action](home)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1


def _start(home: Path, *, durable: bool, choice: str | None) -> int:
    server = PrivatePostgres(durable=durable, home=home, temporary=False, choice=choice)
    server.start(detached=True)
    print(f"{server.binaries} runs; data and log in {home}", file=sys.stderr)
    print(server.url)
    return 0


def _stop(home: Path) -> int:
    keeper = _keeper(home)
    if keeper is None:
        print(f"No server runs in {home}.", file=sys.stderr)
        return 0
    os.kill(keeper, signal.SIGTERM)
    while _keeper(home) == keeper:
        time.sleep(0.05)
    return 0


def _status(home: Path) -> int:
    keeper = _keeper(home)
    print(f"runs, kept by process {keeper}" if keeper else "does not run")
    return 0 if keeper else 3


def _url(home: Path) -> int:
    print(Cluster(home=home, binaries=Path(), durable=True, account=Account.needed()).url)
    return 0


def _keeper(home: Path) -> int | None:
    """The process that keeps this home, or None."""
    try:
        keeper = int((home / LOCK_NAME).read_text())
        os.kill(keeper, 0)
    except (OSError, ValueError):
        return None
    return keeper


if __name__ == "__main__":
    raise SystemExit(main())

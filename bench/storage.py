"""`python -m bench.storage`: what an event leaves behind, in bytes of WAL and of each table, its delivery included.

Records events through outbox.record_event, each delivered to one endpoint at the first attempt, and divides what
PostgreSQL wrote and holds by their number. Payments have tables of their own; none of those is in it.
"""

import argparse
import json
import sys
from pathlib import Path

from bench import backlog, receiver
from bench.dispatching import dispatching, record, wait_until_drained
from bench.processes import terminated_as_interrupted
from bench.stage import Stage, stage
from tools.failures import Failure

RESULT = Path(__file__).with_name("results") / "storage.json"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.storage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=int, default=50_000, help="to record (default: %(default)s)")
    options = parser.parse_args()
    try:
        with terminated_as_interrupted(), stage() as ground, ground.database("storage") as there:
            measured = _measured(there, options.events)
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    text = json.dumps(measured, indent=2) + "\n"
    print(text, end="")
    RESULT.write_text(text)
    return 0


def _measured(there: Stage, events: int) -> dict[str, float]:
    with receiver.running(there) as received:
        backlog.make_endpoints(there, 1, url=received.url("/ok"), limits=backlog.DEFAULT)
        there.execute("CHECKPOINT")
        [[before]] = there.execute("SELECT pg_current_wal_lsn()::text")
        with dispatching(there):
            record(there, events, rate=0, endpoints=1).finish()
            wait_until_drained(there)
        wal = there.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %(before)s::pg_lsn)", before=before)
    measured = {"events": float(events), "wal bytes an event": round(float(wal[0][0]) / events, 1)}
    for table, size in there.execute("bytes_by_table"):
        measured[f"{table} bytes an event"] = round(float(size) / events, 1)
    return measured


if __name__ == "__main__":
    sys.exit(main())

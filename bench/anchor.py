"""What anchors the bare loop: pgbench running the loop's own claim and record statements, and sending nothing.

It says what PostgreSQL allows on this machine at this moment if sending were free: no loop that claims and records
so can be faster. Where the bare loop comes near it, the database is the limit; where it does not, sending and
Python are. Each transaction records what the one before it claimed, then claims a batch, as the loop does.
"""

import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

from outbox.sql import statements
from tools.private_postgres import find_binaries

BATCH = 400  # deliveries a transaction: about what the bare loop's cycles carry
LANES = 64
_OWNER = "00000000-0000-4000-8000-000000000000"
_COLUMNS = {
    "ids": "id",
    "claim_nos": "claim_no",
    "endpoints": "endpoint_id",
    "events": "event_id",
    "attempt_ids": "attempt_id",
    "numbers": "attempts",
    "started": "extract(epoch FROM clock_timestamp())::float8",
    "statuses": "200",
}
_SQL = statements("bench.sql")


def find() -> str | None:
    """pgbench, beside the server's programs or on the PATH."""
    beside = find_binaries().directory / "pgbench"
    return str(beside) if beside.exists() else shutil.which("pgbench")


def write_script(path: Path) -> None:
    path.write_text(script())


def script() -> str:
    """The transaction, in pgbench's language. Arrays go from one statement to the next as text."""
    lease, _, given = _with(_SQL["bare_lease"], ":lanes", ":share", f"'{_OWNER}'").rpartition("\nSELECT ")
    columns = ",\n    ".join(
        f"coalesce(array_agg({column}), '{{}}')::text AS {name}" for name, column in _COLUMNS.items()
    )
    lock_lanes = _with(_SQL["bare_lock_lanes"], str(LANES))
    return "\n".join(
        [
            "BEGIN;",
            _with(_SQL["bare_record"], *(f":{name}" for name in _COLUMNS)).strip() + ";",
            "SELECT coalesce(array_agg(endpoint_id), '{}')::text AS lanes,",
            f"    greatest(1, {BATCH} / greatest(1, count(*)))::int AS share",
            f"FROM ({lock_lanes.strip()}) AS locked",
            "\\gset",
            f"{lease.strip()},\ngiven AS (SELECT {given.strip()})",
            f"SELECT {columns},",
            "    (SELECT coalesce(array_agg(places ORDER BY place), '{}')::text FROM (",
            "        SELECT place, count(given.id) FILTER (WHERE NOT was_leased) AS places",
            "        FROM unnest(:lanes::uuid[]) WITH ORDINALITY AS lane (id, place)",
            "        LEFT JOIN given ON given.endpoint_id = lane.id::text",
            "        GROUP BY place) AS counted) AS changes,",
            "    sum(length(data)) AS bytes",
            "FROM given",
            "\\gset",
            _with(_SQL["bare_schedule_lanes"], ":lanes", ":changes").strip() + ";",
            "COMMIT;",
        ]
    )


def arguments(script_path: Path, *, clients: int, deliveries: int, endpoints: int) -> list[str]:
    """Of pgbench, to claim and record so many deliveries: a few transactions more than they need."""
    nothing = [f"--define={name}={{}}" for name in _COLUMNS]
    lanes = min(endpoints, LANES)
    transactions = deliveries // (lanes * (BATCH // lanes)) // clients + 6
    return [
        *("--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={clients}"),
        *(f"--transactions={transactions}", f"--file={script_path}", *nothing),
    ]


def variables(database_url: str) -> dict[str, str]:
    """libpq's, for a URL that names a socket's directory; with the bare loop's own settings."""
    url = urlsplit(database_url)
    return {
        "PGHOST": unquote(url.hostname or ""),
        "PGUSER": url.username or "",
        "PGDATABASE": url.path.removeprefix("/"),
        "PGOPTIONS": "-c enable_seqscan=off -c jit=off -c plan_cache_mode=force_generic_plan",
    }


def _with(statement: str, *values: str) -> str:
    """A prepared statement's text with its parameters filled in, and without its comments."""
    lines = [line for line in statement.splitlines() if not line.lstrip().startswith("--")]
    text = "\n".join(lines)
    for number in range(len(values), 0, -1):
        text = text.replace(f"${number}", values[number - 1])
    return text

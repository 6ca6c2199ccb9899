"""Every page with millions of attempts behind it: p50, p95, statements.

python -m bench.pages                      10,000,000 attempts; about a quarter of an hour to make them
python -m bench.pages --attempts 200000    about half a minute

Pages are asked for in this process, by Django's test client: sessions, rights, queries and templates are in the
figures, a socket is not. Writes bench/results/pages.json; with fewer attempts, bench/results/quick/pages.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2

from bench.findings import RESULTS
from bench.machine import circumstances
from bench.pages.measuring import Measured, lines, measure
from bench.pages.past import OWNERS, Owner, Past
from bench.processes import ROOT, terminated_as_interrupted
from bench.stage import SETTINGS
from tools.demo_data.pages import Samples, all_pages
from tools.failures import Failure
from tools.private_postgres import PrivatePostgres
from tools.terminal import say

WHOLE = 10_000_000
MOST_STATEMENTS = 12


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.pages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--attempts", type=int, default=WHOLE, help="of history (default: %(default)d)")
    parser.add_argument("--times", type=int, default=30, help="each page is asked for (default: %(default)d)")
    options = parser.parse_args()
    if options.attempts < 1_000 or options.times < 1:
        parser.error("--attempts must be at least 1000, --times at least 1")
    try:
        with terminated_as_interrupted(), PrivatePostgres(durable=False) as server:
            measured, rows = _bench(server.url, attempts=options.attempts, times=options.times)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print("\n".join(["", *lines(measured)]))
    print("\n".join(f"slowest of {one.key}: {one.slowest}" for one in measured if one.p50_ms > 100))
    _write(measured, rows, RESULTS if options.attempts >= WHOLE else RESULTS / "quick")
    too_many = [one.key for one in measured if one.statements > MOST_STATEMENTS]
    if too_many:
        print(f"more than {MOST_STATEMENTS} statements: {', '.join(too_many)}", file=sys.stderr)
    return bool(too_many)


def _bench(url: str, *, attempts: int, times: int) -> tuple[list[Measured], dict[str, int]]:
    os.environ |= {**SETTINGS, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "core.settings"}
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, check=True)
    import django

    django.setup()
    from core.versions import STRIPE
    from dispatcher.sealing import seal
    from dispatcher.signing import new_secret

    owners, entry_link = _people_and_accounts()
    _make_partitions()
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            past = Past(cursor, attempts=attempts, say=say)
            rows = past.write(owners, secret=seal(new_secret()), api_version=STRIPE)
        say(", ".join(f"{table} {count:,}" for table, count in rows.items()))
        samples = _samples(connection, owners, entry_link)
        return list(_measured(samples, times=times)), rows


def _measured(samples: Samples, *, times: int) -> Iterator[Measured]:
    from django.contrib.auth.models import User
    from django.test import Client

    # Raised from within a page, an error stops the bench: it is a bug.
    client, stranger = (Client(SERVER_NAME="127.0.0.1") for _ in range(2))
    client.force_login(User.objects.get(username="ada"))
    for page in all_pages():
        one = client if page.logged_in else stranger
        path = samples.address(page)
        with _quiet():
            measured = measure(one, page.key, path, times=times)
        if measured.status in (302, 303, 405):
            continue  # it leads to another page, or only changes something
        if measured.status != page.status:
            raise Failure(f"{path} answered {measured.status} instead of {page.status}.")
        say(lines([measured])[1])
        yield measured


def _people_and_accounts() -> tuple[list[Owner], str]:
    from api.ops.entry_links import new_entry_link
    from api.ops.people import create_person
    from api.ops.roles import Role
    from core.accounts import create_account

    admin = create_person("ada", Role.ADMIN)
    path, _ = new_entry_link(admin)
    accounts = [create_account(name=f"Merchant {number}") for number in range(OWNERS)]
    return [Owner(account_id=account.id, owner=account.public_id) for account in accounts], path


def _make_partitions() -> None:
    from bench.pages.past import DAYS
    from tools.demo_data.past import make_partitions

    make_partitions(days=DAYS + 1)


def _samples(connection: Any, owners: list[Owner], entry_link: str) -> Samples:
    from outbox.identifiers import encode_id

    def rows(query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(query, parameters)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    # The third of an ordinary merchant's: it fails.
    ((failing,),) = rows("SELECT id::text FROM bench_endpoint WHERE owner_no = 1 AND place = 3")
    _start_replay(owners[1].owner, uuid.UUID(failing))
    # Its newest event tells of a payment that is there.
    ((intent,),) = rows(
        "SELECT id::text FROM core_payment_intent WHERE account_id = %s ORDER BY id DESC LIMIT 1",
        str(owners[1].account_id),
    )
    rows(
        "UPDATE outbox_event SET object_id = %s WHERE id = (SELECT id FROM outbox_event WHERE owner = %s"
        " AND type = 'payment_intent.succeeded' ORDER BY id DESC LIMIT 1) RETURNING 1",
        encode_id("pi", uuid.UUID(intent)),
        owners[1].owner,
    )
    return Samples(
        rows,
        endpoint=encode_id("we", uuid.UUID(failing)),
        account=owners[1].owner,
        entry_link=entry_link,
        portal_link=lambda: _portal_link(owners[1].owner),
    )


def _start_replay(owner: str, endpoint_id: uuid.UUID) -> None:
    """One to look at; nobody carries it forward."""
    from dispatcher.replay_runs import start_replay

    since = datetime.now(tz=UTC) - timedelta(days=25)
    start_replay(owner=owner, endpoint_id=endpoint_id, since=since, only="failed", rate=1, created_by="ada")


def _portal_link(owner: str) -> str:
    from django.test import Client

    from core.accounts import get_account
    from core.api_keys import create_api_key

    key = create_api_key(account=get_account(owner), name="bench")
    client = Client(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {key}"})
    return str(client.post("/portal_sessions/", content_type="application/json").json()["url"])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Django tells of each 404 and 405; some pages are there for that."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _write(measured: list[Measured], rows: dict[str, int], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    around = {**circumstances(), "command": " ".join(["python -m bench.pages", *sys.argv[1:]])}
    content = {**around, "rows": rows, "pages": [asdict(one) for one in measured]}
    path = directory / "pages.json"
    path.write_text(json.dumps(content, indent=2) + "\n")
    print(f"written to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    raise SystemExit(main())

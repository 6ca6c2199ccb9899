"""The dump of the page, taken while a webhook is under way, and what a dispatcher does with it when it is restored."""

import contextlib
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from tests.acceptance.client import ApiClient
from tests.acceptance.evidence import everything_ended, rows
from tests.acceptance.product import Product
from tests.acceptance.shop import Shop
from tests.processes import ROOT, until, worker_database_url
from tools.private_postgres.binaries import find_binaries

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

PAGE = (ROOT / "docs" / "how-to" / "back-up-and-restore.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?s)```bash\n(pg_dump .*?)```", PAGE)[0]


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as receiver:
        yield receiver


@pytest.fixture
def reader() -> Iterator[str]:
    """A role that may read events: on another server it would not exist."""
    name = f"reader_{uuid.uuid4().hex[:12]}"
    with contextlib.closing(psycopg2.connect(worker_database_url())) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {name}; GRANT SELECT ON outbox_event TO {name}")
            yield name
            cursor.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@contextlib.contextmanager
def dropped_afterwards(database_url: str, name: str) -> Iterator[str]:
    try:
        yield urlsplit(database_url)._replace(path=f"/{name}").geturl()
    finally:
        with contextlib.closing(psycopg2.connect(database_url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def dump_and_restore(database_url: str, restored_url: str, directory: Path) -> None:
    """The page's commands, with a name that is this test's."""
    assert COMMANDS.count("ministripe_restored") == 1
    done = subprocess.run(
        ["bash", "-euc", COMMANDS.replace("ministripe_restored", urlsplit(restored_url).path.lstrip("/"))],
        cwd=directory,
        env={
            "PATH": f"{find_binaries().directory}:{os.environ['PATH']}",
            "DATABASE_URL": database_url,
            "RESTORED_URL": restored_url,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_was_under_way_in_a_dump_arrives_from_the_restored_database(
    shop: Shop, reader: str, tmp_path: Path
) -> None:
    database_url = worker_database_url()
    with dropped_afterwards(database_url, f"restored_{uuid.uuid4().hex[:12]}") as restored_url:
        with Product(database_url) as product:
            api_key = product.create_api_key()
            api = product.start_api()
            product.start_dispatcher().says("dispatcher ready")
            with ApiClient(api.port, api_key) as client:
                hook = {"url": shop.url("/hook"), "enabled_events": ["customer.created"]}
                client.post("/webhook_endpoints/", hook, key="endpoint")
                shop.hold()
                client.post("/customers/", {"name": "Ada"}, key="customer")
            until(shop.held, what="a request under way")
            dump_and_restore(database_url, restored_url, tmp_path)
        [lost] = shop.received
        may_read = f"SELECT has_table_privilege('{reader}', 'outbox_event', 'SELECT')"
        assert rows(database_url, may_read) == [(True,)]
        assert rows(restored_url, may_read) == [(False,)]  # what names no role can be restored on any server
        assert rows(
            restored_url, "SELECT count(*) FROM dispatcher_delivery WHERE lease_owner IS NOT NULL"
        ) == [(1,)]
        shop.answer()
        with Product(restored_url) as product:
            product.run("migrate")
            product.start_dispatcher().says("dispatcher ready")
            until(lambda: everything_ended(restored_url), what="the delivery, from the restored database")
        attempts = rows(restored_url, "SELECT outcome FROM dispatcher_attempt ORDER BY number")
    assert attempts == [("unknown",), ("succeeded",)]
    again = shop.received[-1]
    assert (again.event_id, again.body) == (lost.event_id, lost.body)

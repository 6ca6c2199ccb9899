"""The API behind PgBouncer in transaction mode, with the settings of the page; dispatchers beside it."""

import configparser
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.acceptance.client import ApiClient
from tests.acceptance.evidence import assert_both_packages_verify, deliveries, everything_ended, rows
from tests.acceptance.payers import Payers
from tests.acceptance.product import Product
from tests.acceptance.shop import Shop
from tests.processes import PATIENCE, ROOT, until, worker_database_url
from tools.demo.ports import reserved_port
from tools.private_postgres.cluster import Account
from tools.test_dependencies import PGBOUNCER

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(PGBOUNCER.is_missing, reason=f"enable with: {PGBOUNCER.install}"),
]

PAGE = (ROOT / "docs" / "how-to" / "use-pgbouncer.md").read_text(encoding="utf-8")
PAYMENTS = 40


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as receiver:
        yield receiver


@contextlib.contextmanager
def pgbouncer(database_url: str, *, pool: int) -> Iterator[str]:
    """It listens on loopback, with the page's section but for places and the pool's size; gives its URL."""
    database = urlsplit(database_url)
    name = database.path.lstrip("/")
    home = Path(tempfile.mkdtemp(prefix="mspgb-", dir="/var/tmp"))
    shown = configparser.ConfigParser(comment_prefixes=(";",))
    shown.read_string(re.findall(r"(?s)```ini\n(.*?)```", PAGE)[0])
    account = Account.needed()
    with reserved_port(0) as port:
        settings = dict(shown["pgbouncer"]) | {
            "default_pool_size": str(pool),
            "listen_addr": "127.0.0.1",
            "listen_port": str(port),
            "auth_type": "any",
            "unix_socket_dir": "",
        }
        target = (
            f"host={unquote(database.hostname or '')} port={database.port or 5432} user={database.username}"
        )
        lines = ["[databases]", f"{name} = {target} dbname={name}", "[pgbouncer]"]
        lines += [f"{option} = {value}" for option, value in settings.items()]
        (home / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        if account is not None:
            os.chown(home, account.user, account.group)
        log = home / "log"
        with log.open("w") as output:
            pooler = subprocess.Popen(
                [str(PGBOUNCER.path), str(home / "pgbouncer.ini")],
                stdout=subprocess.DEVNULL,
                stderr=output,
                user=None if account is None else account.user,
                group=None if account is None else account.group,
                extra_groups=None if account is None else account.groups,
            )
        try:
            until(lambda: "listening on" in log.read_text(), what="PgBouncer's port")
            yield f"postgresql://{database.username}@127.0.0.1:{port}/{name}"
        finally:
            pooler.terminate()
            pooler.wait(timeout=PATIENCE)
            shutil.rmtree(home)


def api_settings() -> dict[str, str]:
    """What the page tells the API besides its DATABASE_URL."""
    shown = re.findall(r"(?s)```bash\n(DATABASE_URL=.*?)```", PAGE)[0]
    settings = dict(line.split("=", 1) for line in shown.splitlines())
    assert settings.pop("DATABASE_URL").startswith("postgresql://ministripe_api:")
    return settings


def test_an_api_behind_pgbouncer_loses_nothing(shop: Shop) -> None:
    database_url = worker_database_url()
    with Product(database_url) as product, pgbouncer(database_url, pool=2) as pooled:
        api_key = product.create_api_key()
        api = product.start_api(workers=1, threads=8, environment={"DATABASE_URL": pooled} | api_settings())
        product.start_settlement()
        product.start_dispatcher().says("dispatcher ready")
        with ApiClient(api.port, api_key) as client:
            content = {"url": shop.url("/hook"), "enabled_events": ["*"]}
            secret = client.post("/webhook_endpoints/", content, key="endpoint").content["secret"]
        with Payers(port=api.port, api_key=api_key, count=8) as payers:
            payers.order(range(PAYMENTS))
            until(lambda: payers.have_paid(PAYMENTS), what="every payment")
        until(lambda: everything_ended(database_url), what="the end of every payment and delivery")
    recorded = rows(database_url, "SELECT count(*) FROM outbox_event")[0][0]
    assert recorded >= 3 * PAYMENTS
    found = deliveries(database_url, shop.received)
    assert len(found) == recorded
    assert {delivery.state for delivery in found} == {"succeeded"}
    assert_both_packages_verify(shop.received, {"/hook": secret})


def test_time_outs_that_it_ignores_are_on_the_role_as_the_product_has_them() -> None:
    from core.settings import DATABASES

    asked = dict(re.findall(r"-c (\w+)=((?:[^\s\\]|\\ )+)", DATABASES["default"]["OPTIONS"]["options"]))
    shown = dict(re.findall(r"SET (\w+) = '?([\w. ]+?)'?;", PAGE))
    assert {name: milliseconds(value.replace("\\ ", " ")) for name, value in asked.items()} == {
        name: milliseconds(value) for name, value in shown.items()
    }


def milliseconds(value: str) -> str:
    return f"{value[:-1]}000" if re.fullmatch(r"\d+s", value) else value

"""The running product of the demo data: a database of its own, the merchants' servers, the API and its loops."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg2
from psycopg2.sql import SQL, Identifier

from tools.demo.children import Children
from tools.demo.client import Client, wait_for
from tools.demo.ports import reserved_port
from tools.demo_data.receiver import Receivers, running

REPOSITORY = Path(__file__).resolve().parents[2]
READY_SECONDS = 90.0
STANDS = "stage.json"
# Five attempts, in the generated past as in the real run: pages tell of their number by the settings that they have.
SCHEDULE = (1.0, 5.0, 30.0, 120.0)
# First what fails is given up within a few seconds, and no circuit spares anybody; the run that stays takes its time.
HURRIED = {"WEBHOOK_RETRY_SCHEDULE_SECONDS": "0.2,0.3,0.4,0.5", "WEBHOOK_CIRCUIT_THRESHOLD": "1000"}
PATIENT = {"WEBHOOK_CIRCUIT_THRESHOLD": "8", "WEBHOOK_CIRCUIT_PAUSE_SECONDS": "300"}


@dataclass(frozen=True, slots=True)
class Size:
    """How much past is made up."""

    days: int
    per_day: int  # payments


SMALL, FULL = Size(days=2, per_day=40), Size(days=7, per_day=160)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    account: str
    api_key: str
    customers: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What stands; as JSON beside its logs for other processes that use it too."""

    base: str  # of the API and the pages
    database_url: str
    people: dict[str, str]  # role → name
    password: str
    entry_link: str  # the path of a one-time link that is good
    merchants: dict[str, Merchant]
    endpoints: dict[str, str]  # by the keys of the cast

    def client(self, merchant: str) -> Client:
        return Client(base=self.base, key=self.merchants[merchant].api_key)

    def portal_link(self, merchant: str = "northwind", *, origins: Sequence[str] = ()) -> str:
        """The URL of a new link to a merchant's own pages, for frames of these origins."""
        wanted = {"expires_in": 3_600, "allowed_origins": list(origins)}
        url: str = self.client(merchant).post("/portal_sessions/", wanted, expect=201).content["url"]
        return url

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with contextlib.closing(psycopg2.connect(self.database_url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(query, parameters)
                return cursor.fetchall()

    def write(self, directory: Path) -> None:
        """At once: whoever sees the file sees all of it."""
        beside = directory / f"{STANDS}.new"
        beside.write_text(json.dumps(asdict(self)))
        beside.rename(directory / STANDS)

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """The stage that stands there, if any."""
        try:
            told = json.loads((directory / STANDS).read_text())
        except FileNotFoundError:
            return None
        told["merchants"] = {key: Merchant(**merchant) for key, merchant in told["merchants"].items()}
        return cls(**told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A stage whose processes are children of ours."""

    stage: Stage
    children: Children

    def start_dispatcher(self, name: str, **settings: str) -> None:
        self.children.start(
            name, [sys.executable, "manage.py", "run_dispatcher", "--poll-interval", "0.1"], **settings
        )

    def manage(self, *arguments: str) -> str:
        return self.children.run(arguments[0], [sys.executable, "manage.py", *arguments])


@contextlib.contextmanager
def built(server_url: str, directory: Path, size: Size, *, hooks_port: int = 0) -> Iterator[Running]:
    """All but what the story makes happen. Everything is ended, and the database dropped, with the block.

    Args:
        server_url: any database of the PostgreSQL server that gets one more.
        directory: for logs and certificates; created.
        hooks_port: the merchants' servers' own, 0 for any.
    """
    for name in ("logs", "certificates"):
        shutil.rmtree(directory / name, ignore_errors=True)
        (directory / name).mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(_database(server_url))
        receivers = stack.enter_context(running(directory / "certificates", port=hooks_port))
        port = stack.enter_context(reserved_port(0))
        children = Children(
            directory=REPOSITORY, logs=directory / "logs", environment=_environment(url, port, receivers)
        )
        stack.callback(children.stop)
        children.run("migrate", [sys.executable, "manage.py", "migrate", "--verbosity=0"])
        made = _furnished(children, size, receivers)
        stage = Stage(
            base=f"http://127.0.0.1:{port}",
            database_url=url,
            people=made["people"],
            password=made["password"],
            entry_link=made["entry_link"],
            merchants={key: Merchant(**merchant) for key, merchant in made["merchants"].items()},
            endpoints=made["endpoints"],
        )
        _start_api(children, stage, port)
        children.start("settlement", [sys.executable, "manage.py", "run_settlement"])
        yield Running(stage=stage, children=children)


def _furnished(children: Children, size: Size, receivers: Receivers) -> dict[str, Any]:
    told = children.run(
        "furnishing",
        [
            *(sys.executable, "-m", "tools.demo_data.furnishing"),
            *("--days", str(size.days), "--per-day", str(size.per_day)),
            *("--port", str(receivers.port), "--closed-port", str(receivers.closed_port)),
        ],
    )
    made: dict[str, Any] = json.loads(told)
    return made


def _start_api(children: Children, stage: Stage, port: int) -> None:
    granian = Path(sys.executable).with_name("granian")
    children.start(
        "api",
        [
            *(str(granian), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", "1", "--blocking-threads", "8", "--respawn-failed-workers"),
            "core.wsgi:application",
        ],
    )

    def ready() -> bool | None:
        with contextlib.suppress(Exception):
            return Client(base=stage.base).ask("GET", "/readyz").status == 200 or None
        return None

    wait_for("the API", ready, seconds=READY_SECONDS, check=children.check, log=children.log("api"))


@contextlib.contextmanager
def _database(server_url: str) -> Iterator[str]:
    name = f"demo_data_{os.getpid()}"
    _administer(server_url, "CREATE DATABASE {}", name)
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        _administer(server_url, "DROP DATABASE {} WITH (FORCE)", name)


def _administer(server_url: str, statement: str, name: str) -> None:
    with contextlib.closing(psycopg2.connect(server_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(SQL(statement).format(Identifier(name)))


def _environment(url: str, port: int, receivers: Receivers) -> Mapping[str, str]:
    """The product's settings; keys that live as long as this stage."""
    return os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "core.settings",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "API_KEY_HASH_KEY": secrets.token_urlsafe(32),
        "WEBHOOK_SECRET_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "LOCAL_SECRETS": "false",
        "DEBUG": "false",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "BANK_DELAY_SECONDS": "0.2",
        "BANK_SUCCESS_RATE": "1.0",
        "WEBHOOK_ALLOW_ADDRESSES": "127.0.0.0/8,::1/128",
        "WEBHOOK_EXTRA_PORTS": "any",
        "WEBHOOK_CA_BUNDLE": receivers.bundle,
        "WEBHOOK_ATTEMPT_TIMEOUT_SECONDS": "1.5",
        "WEBHOOK_CONNECT_TIMEOUT_SECONDS": "1.5",
        "WEBHOOK_LEASE_SECONDS": "4",
        "WEBHOOK_RETRY_SCHEDULE_SECONDS": ",".join(f"{wait:g}" for wait in SCHEDULE),
        "PYTHONUNBUFFERED": "1",
    }

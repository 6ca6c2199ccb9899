"""Everything that the story needs, started in order: database, schema, account, API, loops, shop, endpoint."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.demo.children import Children
from tools.demo.client import Client, wait_for
from tools.demo.ports import reserved_port
from tools.failures import Failure
from tools.private_postgres import PrivatePostgres
from tools.terminal import Step

REPOSITORY = Path(__file__).resolve().parents[2]
PLACE = REPOSITORY / ".demo"
# What commands of another terminal need to meet this demo; as it has the secrets, only its owner may read it.
ENVIRONMENT = PLACE / "environment"
EVENT_TYPE = "payment_intent.succeeded"
STEPS = 6
READY_SECONDS = 60.0
# The loops need a few of PostgreSQL's 100 connections, and every API thread holds one.
API_THREADS = 16


@dataclass(frozen=True, slots=True)
class Stage:
    api: Client
    shop: Client
    endpoint: dict[str, Any]
    children: Children
    last_request: Path  # what the shop received last


@contextlib.contextmanager
def built() -> Iterator[Stage]:
    """The running stage; everything is stopped, last started first, when the block ends."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone())
        for directory in (PLACE / "logs", PLACE / "shop"):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(mode=0o700)
        url = _database(stack)
        api_port, shop_port = (stack.enter_context(reserved_port(preferred)) for preferred in (8000, 4242))
        settings = {"DATABASE_URL": url} | _secrets() | _settings(api_port)
        lines = (f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
        ENVIRONMENT.unlink(missing_ok=True)
        _write_private(ENVIRONMENT, "".join(lines))
        children = Children(directory=REPOSITORY, logs=PLACE / "logs", environment=os.environ | settings)
        stack.callback(children.stop)
        with Step(4, STEPS, "Migrations, demo account") as step:
            _manage(children, "migrate", "--verbosity=0")
            account = json.loads(_manage(children, "create_api_key", "--json"))
            step.title = f"Migrations, demo account {account['account']}"
        title = f"API :{api_port}   settlement   dispatcher   demo shop :{shop_port}"
        with Step(5, STEPS, title):
            api = Client(base=f"http://127.0.0.1:{api_port}", key=account["api_key"])
            shop = Client(base=f"http://127.0.0.1:{shop_port}")
            _start(children, api_port=api_port, shop_port=shop_port)
            # The API's with its key: on a port that another program took meanwhile, its answer is not ours.
            for name, client, path in (("api", api, "/customers/"), ("shop", shop, "/healthz")):
                _wait_until_ready(children, name, client, path)
            endpoint = _create_endpoint(api, shop)
        yield Stage(
            api=api,
            shop=shop,
            endpoint=endpoint,
            children=children,
            last_request=PLACE / "shop" / "last_request.json",
        )


def operations_link(stage: Stage) -> str:
    """A link to the operations pages, for an admin of this demo."""
    return _manage(stage.children, "create_operator", "demo", "--role", "admin", "--link-if-known").strip()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One demo a checkout: two would write the same files."""
    PLACE.mkdir(mode=0o700, exist_ok=True)
    lock = PLACE / "lock"
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Failure(
                f"A demo is running in this checkout already (process {file.read().strip()}).",
                suggestion="stop it with Ctrl-C there, or with kill and that number",
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _database(stack: contextlib.ExitStack) -> str:
    if provided := os.environ.get("DATABASE_URL"):
        with Step(3, STEPS, "Database of DATABASE_URL"):
            return provided
    with Step(3, STEPS, "Private database") as step:
        server = PrivatePostgres(durable=True, home=_home())
        stack.enter_context(server)
        home = server.home
        shown = home.relative_to(REPOSITORY) if home.is_relative_to(REPOSITORY) else home
        step.title = f"Private database {shown} (socket only)"
    return server.url


def _home() -> Path | None:
    """In the checkout, unless that path is too long for a socket; then where the server chooses."""
    home = PLACE / "pg"
    return home if PrivatePostgres.fits(home) else None


def _secrets() -> dict[str, str]:
    """This demo's own, random."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "API_KEY_HASH_KEY": secrets.token_urlsafe(32),
        "WEBHOOK_SECRET_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def _settings(api_port: int) -> dict[str, str]:
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{api_port}",
        "LOCAL_SECRETS": "false",
        "DEBUG": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "BANK_DELAY_SECONDS": "0.5",
        "BANK_SUCCESS_RATE": "1.0",
        # The shop is on this machine, and so is what the visitor writes: loopback, http and all its ports are
        # allowed here and nowhere else.
        "WEBHOOK_ALLOW_HTTP": "true",
        "WEBHOOK_ALLOW_ADDRESSES": "127.0.0.0/8",
        "WEBHOOK_EXTRA_PORTS": "any",
        "PYTHONUNBUFFERED": "1",
    }


def _manage(children: Children, command: str, *arguments: str) -> str:
    return children.run(command, [sys.executable, "manage.py", command, *arguments])


def _start(children: Children, *, api_port: int, shop_port: int) -> None:
    """The shop first, as it must outlive the deliveries in flight when everything stops."""
    children.start(
        "shop",
        [sys.executable, "docs/examples/demo_shop/shop.py"],
        SHOP_PORT=str(shop_port),
        SHOP_FAIL_FIRST="1",
        SHOP_LAST_REQUEST=str(PLACE / "shop" / "last_request.json"),
        WEBHOOK_SECRET_FILE=str(PLACE / "shop" / "webhook_secret"),
    )
    granian = Path(sys.executable).with_name("granian")
    children.start(
        "api",
        [
            str(granian),
            *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(api_port)),
            *("--workers", "1", "--blocking-threads", str(API_THREADS), "--respawn-failed-workers"),
            "core.wsgi:application",
        ],
    )
    for loop in ("settlement", "dispatcher"):
        children.start(loop, [sys.executable, "manage.py", f"run_{loop}"])


def _wait_until_ready(children: Children, name: str, client: Client, path: str) -> None:
    def ready() -> bool | None:
        try:
            return client.ask("GET", path).status == 200 or None
        except Failure:
            return None

    log = children.log(name)
    wait_for(f"the {name}'s {path}", ready, seconds=READY_SECONDS, check=children.check, log=log)


def _create_endpoint(api: Client, shop: Client) -> dict[str, Any]:
    wanted = {"url": f"{shop.base}/webhooks", "enabled_events": [EVENT_TYPE]}
    endpoint = api.post("/webhook_endpoints/", wanted, expect=201).content
    _write_private(PLACE / "shop" / "webhook_secret", endpoint["secret"])
    return endpoint


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)

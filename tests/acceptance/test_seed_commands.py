"""The seed's own commands, in a fresh checkout with nothing set but a database: a payment and its webhooks."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from outbox.identifiers import encode_id
from tests.acceptance.evidence import (
    assert_both_packages_verify,
    assert_every_event_arrived,
    deliveries,
    rows,
)
from tests.acceptance.shop import Shop
from tests.processes import PATIENCE, ROOT, Command, until
from tools.demo.ports import reserved_port

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(shutil.which("curl") is None, reason="drives curl: apt-get install curl"),
]

# What git would not bring, and what tests write into the checkout while this one copies it.
NOT_IN_A_CHECKOUT = (
    *(".git", ".venv", ".env", ".secrets.json*", ".demo", ".*_cache"),
    *("__pycache__", "build", "dist", "*.egg-info"),
)
LOOPBACK_RECEIVER = {
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_ALLOW_ADDRESSES": "127.0.0.0/8",
    "WEBHOOK_EXTRA_PORTS": "any",
}
FINAL = {"succeeded": "payment_intent.succeeded", "failed": "payment_intent.payment_failed"}


@pytest.fixture
def new_database(database_url: str) -> Iterator[str]:
    """An empty database of this test's own on the run's server."""
    name = f"seed_{uuid.uuid4().hex[:12]}"
    url = urlsplit(database_url)._replace(path=f"/{name}").geturl()
    with contextlib.closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
            try:
                yield url
            finally:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The working tree as a clone would have it."""
    copy = tmp_path / "ministripe"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_IN_A_CHECKOUT))
    return copy


class Checkout:
    """Commands of a person in that directory."""

    def __init__(self, directory: Path, database_url: str) -> None:
        self._directory = directory
        self._environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database_url,
            "PYTHONUNBUFFERED": "1",
            **LOOPBACK_RECEIVER,
        }

    def manage(self, *arguments: str) -> Command:
        return Command(
            program=[sys.executable, "manage.py", *arguments],
            directory=self._directory,
            whole_environment=self._environment,
        )

    def run(self, *arguments: str) -> str:
        with self.manage(*arguments) as command:
            assert command.wait() == 0, command.output()
        return "".join(command.stdout)


class Curl:
    """The README's `curl …` lines."""

    def __init__(self, port: int, api_key: str) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._authorization = f"Authorization: Bearer {api_key}"

    def __call__(self, path: str, *options: str) -> dict[str, Any]:
        done = subprocess.run(
            ["curl", "--noproxy", "*", "-sS", self._base + path, "-H", self._authorization, *options],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        content: dict[str, Any] = json.loads(done.stdout)
        assert "error" not in content, content
        return content


def test_commands_of_the_seed_take_a_payment_from_created_to_its_webhooks(
    checkout: Path, new_database: str, shop: Shop
) -> None:
    here = Checkout(checkout, new_database)
    here.run("migrate")
    api_key = here.run("create_api_key").strip()
    with (
        reserved_port(0) as port,
        here.manage("runserver", str(port), "--noreload") as server,
        here.manage("run_settlement") as settlement,
        here.manage("run_dispatcher") as dispatcher,
    ):
        server.says("Starting development server")
        curl = Curl(port, api_key)
        until(lambda: answers(port), what="the API's answer")
        endpoint = curl("/webhook_endpoints/", "-d", f"url={shop.url('/hook')}", "-d", "enabled_events[0]=*")

        customer = curl("/customers/", "-d", "name=Ada")
        assert curl(f"/customers/{customer['id']}/")["name"] == "Ada"
        assert [one["id"] for one in curl("/customers/")["data"]] == [customer["id"]]

        intent = curl("/payment_intents/", "-d", "amount=2000", "-d", "currency=usd")
        path = f"/payment_intents/{intent['id']}/"
        assert (intent["status"], curl(path)["status"]) == ("created", "created")
        assert curl(f"{path}confirm/", "-X", "POST")["status"] == "processing"
        until(lambda: curl(path)["status"] != "processing", what="the bank's answer")
        status = curl(path)["status"]
        assert status in FINAL

        types = [
            *("customer.created", "payment_intent.created", "payment_intent.processing", "charge.pending"),
            *("charge.succeeded" if status == "succeeded" else "charge.failed", FINAL[status]),
        ]
        events = rows(new_database, "SELECT type, id FROM outbox_event ORDER BY id")
        assert [event_type for event_type, _ in events] == types
        until(lambda: len(curl("/deliveries/?state=succeeded")["data"]) == len(types), what="the deliveries")
        for process in (server, settlement, dispatcher):
            assert process.process.poll() is None, process.output()
            assert "Traceback" not in process.output()

    assert {request.event_id for request in shop.received} == {
        encode_id("evt", event_id) for _, event_id in events
    }
    assert_every_event_arrived(new_database, deliveries(new_database, shop.received), paths={"/hook"})
    assert_both_packages_verify(shop.received, {"/hook": endpoint["secret"]})
    assert rows(new_database, "SELECT count(*) FROM api_request_log WHERE method = 'POST'") == [(4,)]


def answers(port: int) -> bool:
    done = subprocess.run(
        ["curl", "--noproxy", "*", "-fsS", f"http://127.0.0.1:{port}/readyz"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0

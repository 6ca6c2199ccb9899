"""`manage.py reencrypt_secrets`: after it the newest key alone opens everything."""

import json
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import CliSecret
from dispatcher.models import Endpoint
from dispatcher.resealing import reencrypt_secrets, sealed_columns
from dispatcher.sealing import seal, unseal
from tests.api.callers import HOOK, Caller
from tests.canaries import database_texts

pytestmark = pytest.mark.django_db

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


def _seal_with(settings: Any, *keys: str) -> None:
    settings.DISPATCHER = {**settings.DISPATCHER, "SECRET_KEYS": list(keys)}


def _run(*arguments: str) -> tuple[list[dict[str, Any]], str]:
    out, talk = StringIO(), StringIO()
    call_command("reencrypt_secrets", *arguments, stdout=out, stderr=talk)
    return [json.loads(line) for line in out.getvalue().splitlines()], talk.getvalue()


@pytest.fixture
def sealed(caller: Caller, settings: Any) -> list[str]:
    """Secrets of each kind, sealed with the old key, and then the new one in front; the secrets."""
    _seal_with(settings, OLD)
    made = caller.post(
        "/webhook_endpoints/", {"url": HOOK, "enabled_events": ["*"]}, idempotency_key="k"
    ).json()
    rolled = caller.post(f"/webhook_endpoints/{made['id']}/roll_secret/", {}).json()
    session = caller.post("/stripecli/sessions/", {"websocket_features": ["webhooks"]}).json()
    caller.endpoint()
    caller.post("/customers/", {}, idempotency_key="unsealed")
    _seal_with(settings, NEW, OLD)
    return [made["secret"], rolled["secret"], session["secret"]]


def test_afterwards_the_newest_key_opens_everything(caller: Caller, sealed: list[str], settings: Any) -> None:
    told, _ = _run()
    assert {line["table"]: (line["rows"], line["resealed"]) for line in told} == {
        "dispatcher_endpoint": (2, 2),
        "api_cli_secret": (1, 1),
        "api_idempotency_key": (1, 1),
    }
    _seal_with(settings, NEW)
    endpoint = Endpoint.objects.exclude(previous_secret=None).get()
    assert [unseal(str(endpoint.previous_secret)), unseal(endpoint.secret)] == sealed[:2]
    assert unseal(CliSecret.objects.get().sealed_secret) == sealed[2]
    replayed = caller.post("/webhook_endpoints/", {"url": HOOK, "enabled_events": ["*"]}, idempotency_key="k")
    assert (replayed["Idempotent-Replayed"], replayed.json()["secret"]) == ("true", sealed[0])


def test_every_sealed_column_is_one_of_them(sealed: list[str]) -> None:
    """Whatever is sealed begins as Fernet's tokens do."""
    holding = {place for place, text in database_texts().items() if "gAAAAA" in text}
    assert holding == {f"{columns.table}.{name}" for columns in sealed_columns() for name in columns.names}


def test_what_is_done_is_not_done_twice(sealed: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        reencrypt_secrets(batch=1, progress=_interrupt)
    assert sum(line["resealed"] for line in _run()[0]) == 3
    with CaptureQueriesContext(connection) as captured:
        assert sum(line["resealed"] for line in _run()[0]) == 0
    assert not [query for query in captured if query["sql"].startswith("UPDATE")]


def _interrupt(_: object) -> None:
    raise KeyboardInterrupt


def test_a_batch_is_a_transaction_of_so_many_rows(sealed: list[str]) -> None:
    with CaptureQueriesContext(connection) as captured:
        _, talk = _run("--batch", "1")
    locking = [query["sql"] for query in captured if "FOR NO KEY UPDATE" in query["sql"]]
    assert len(locking) == 2 + 1 + 2  # of idempotency keys one has nothing sealed
    assert talk.count("dispatcher_endpoint") == 2
    assert "dispatcher_endpoint: 2 of 2 sealed anew" in talk


def test_what_no_key_opens_is_named_and_stays_and_the_others_are_done(
    sealed: list[str], settings: Any
) -> None:
    _seal_with(settings, LOST)
    stranded = Endpoint.objects.filter(previous_secret=None).get()
    before = seal("whsec_stranded")
    Endpoint.objects.filter(id=stranded.id).update(secret=before)
    _seal_with(settings, NEW, OLD)
    with pytest.raises(CommandError, match=f"dispatcher_endpoint.secret of {stranded.id}"):
        _run()
    stranded.refresh_from_db()
    assert stranded.secret == before
    _seal_with(settings, NEW)
    assert unseal(Endpoint.objects.exclude(previous_secret=None).get().secret) == sealed[1]


@pytest.mark.parametrize("batch", ["0", "10001"])
def test_a_batch_out_of_range_is_refused(batch: str) -> None:
    with pytest.raises(CommandError, match="must be between 1 and 10000"):
        _run("--batch", batch)

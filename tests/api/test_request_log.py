"""Every request is written down, without its secrets, and never at the request's cost."""

import json
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from api.models import RequestLog
from api.redaction import MAX_BYTES, redacted_text
from core.api_keys import key_uuid
from core.redaction import without_secrets
from outbox.identifiers import decode_id
from tests.api.callers import Caller


def _last() -> RequestLog:
    return RequestLog.objects.latest("id")


def test_a_request_is_logged_as_it_was_answered(caller: Caller) -> None:
    response = caller.post("/v1/customers", {"name": "A"}, idempotency_key="k")
    logged = _last()
    assert logged.public_id == response["Request-Id"]
    assert (logged.method, logged.path, logged.status) == ("POST", "/v1/customers", 200)
    assert logged.account_id == caller.account.id
    assert caller.key is not None
    assert logged.key_id == key_uuid(caller.key)
    assert (logged.idempotency_key, logged.error_code) == ("k", None)
    assert logged.api_version == response["Stripe-Version"] == "2026-10-28.endive"
    assert logged.milliseconds > 0
    assert json.loads(logged.parameters or "") == {"name": "A"}


def test_a_refused_request_is_logged_with_its_code(caller: Caller) -> None:
    caller.get("/customers/", limit=0)
    logged = _last()
    assert (logged.status, logged.error_code, logged.parameters) == (
        400,
        "parameter_invalid_integer",
        '{"limit":"0"}',
    )


def test_a_request_of_nobody_is_logged(caller: Caller) -> None:
    response = Caller(account=caller.account, key=None).get("/customers/")
    logged = RequestLog.objects.get(id=decode_id("req", response["Request-Id"]))
    assert (logged.status, logged.account_id, logged.error_code) == (401, None, "api_key_missing")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/schema/", "/docs/"])
def test_probes_and_pages_are_not_logged(db: None, client: Any, path: str) -> None:
    assert client.get(path)["Request-Id"].startswith("req_")
    assert not RequestLog.objects.exists()


def test_what_postgresql_cannot_hold_is_replaced(caller: Caller) -> None:
    caller.send("GET", "/%00/sk_test_0123456789", idempotency_key="caf\xe9")
    assert _last().path == "/\N{REPLACEMENT CHARACTER}/[redacted]"


def test_the_log_is_not_flushed_and_the_write_is(caller: Caller, settings: Any) -> None:
    settings.OUTBOX = {**settings.OUTBOX, "PREPARE": False}  # statements as they are written
    with CaptureQueriesContext(connection) as captured:
        caller.customer()
    statements = [query["sql"] for query in captured if "INSERT" in query["sql"]]
    assert ["synchronous_commit" in sql for sql in statements] == [False, False, True]


@pytest.mark.django_db(transaction=True)
def test_the_setting_ends_with_the_logs_own_transaction(caller: Caller) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = 'on'")
        caller.customer()
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
        cursor.execute("RESET synchronous_commit")


def test_a_log_that_cannot_be_written_fails_no_request(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> int:
        raise DatabaseError

    monkeypatch.setattr("api.request_log.execute", fail)
    assert caller.post("/customers/", {}).status_code == 201
    assert not RequestLog.objects.exists()


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({}, None),
        ({"a": {"client_secret": ["x"]}}, '{"a":{"client_secret":"[redacted]"}}'),
        ({"password": "x"}, '{"password":"[redacted]"}'),
        ({"card": {"number": "4242", "cvc": "123"}}, '{"card":{"number":"[redacted]","cvc":"[redacted]"}}'),
        ({"note": "my key sk_test_abc123 and 4242 4242 4242 4242"}, '{"note":"my key [redacted] and [redacted]"}'),
        (["whsec_abc+/="], '["[redacted]"]'),
        ({"amount": 2000}, '{"amount":2000}'),
    ],
)  # fmt: skip
def test_secrets_are_redacted(parameters: Any, text: str | None) -> None:
    assert redacted_text(parameters) == text


def test_parameters_are_capped_at_a_character() -> None:
    text = redacted_text({"description": "\N{EURO SIGN}" * MAX_BYTES})
    assert text is not None
    assert MAX_BYTES - 3 < len(text.encode()) <= MAX_BYTES + 3
    assert text.endswith("\N{EURO SIGN}\N{HORIZONTAL ELLIPSIS}")


def test_what_is_no_secret_stays() -> None:
    assert without_secrets("pi_123 paid 2000 at 1795434899") == "pi_123 paid 2000 at 1795434899"

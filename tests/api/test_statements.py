"""What a request costs the database. BEGIN, COMMIT and the log's settings are not statements of ours."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.callers import Caller

_NOT_COUNTED = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")


def _kinds(caller: Caller, path: str, body: Any, **options: Any) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = caller.post(path, body, **options)
    assert response.status_code < 300, response.content
    return [_kind(query["sql"]) for query in captured if not query["sql"].startswith(_NOT_COUNTED)]


def _kind(sql: str) -> str:
    for kind, mark in (
        ("authenticate", "FROM core_api_key"),
        ("log", "INSERT INTO api_request_log"),
        ("begin", "INSERT INTO api_idempotency_key"),
        ("finish", "UPDATE api_idempotency_key"),
        ("event", "INSERT INTO outbox_pending"),
        ("bank", "core_bank_answer"),
        ("charge", "core_charge"),
        ("row", "core_customer"),
        ("row", "core_payment_intent"),
    ):
        if mark in sql:
            return kind
    return sql


@pytest.fixture(autouse=True)
def unprepared(settings: Any) -> None:
    """Statements as they are written, not the calls of prepared ones."""
    settings.OUTBOX = {**settings.OUTBOX, "PREPARE": False}


@pytest.fixture
def warm(caller: Caller) -> Caller:
    """A key whose use was noted this minute."""
    caller.get("/customers/")
    return caller


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/customers/", {"name": "A"}),
        ("/payment_intents/", {"amount": 2000, "currency": "usd"}),
        ("/payment_intents/", {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa"}),
    ],
)
def test_a_create_writes_three_statements(warm: Caller, path: str, body: dict[str, Any]) -> None:
    kinds = _kinds(warm, path, body, idempotency_key="k")
    assert kinds == ["authenticate", "begin", "row", "event", "log"]
    assert _kinds(warm, path, body) == ["authenticate", "row", "event", "log"]


def test_a_create_for_a_customer_checks_it_in_its_insert(warm: Caller) -> None:
    fields = {"amount": 2000, "currency": "usd", "customer": warm.customer()["id"]}
    kinds = _kinds(warm, "/payment_intents/", fields, idempotency_key="k")
    assert kinds == ["authenticate", "begin", "row", "event", "log"]


def test_a_confirm_by_debit_writes_six_statements(warm: Caller) -> None:
    path = f"/payment_intents/{warm.intent()['id']}/confirm/"
    kinds = _kinds(warm, path, {}, idempotency_key="k")
    assert kinds == ["authenticate", "begin", "row", "event", "charge", "event", "finish", "log"]


@pytest.mark.django_db(transaction=True)
def test_a_confirm_by_card_asks_the_bank_between_two_transactions(warm: Caller, bank: dict[str, Any]) -> None:
    path = f"/payment_intents/{warm.intent()['id']}/confirm/"
    kinds = _kinds(warm, path, {"payment_method": "pm_card_visa"}, idempotency_key="k")
    first, rest = kinds[:3], kinds[3:]
    assert first == ["authenticate", "begin", "row"]
    asked = [kind for kind in rest if kind == "bank"]
    assert rest == [*asked, "row", "charge", "event", "event", "finish", "log"]
    assert asked


def test_a_replay_reads_one_row(warm: Caller) -> None:
    warm.post("/customers/", {}, idempotency_key="k")
    with CaptureQueriesContext(connection) as captured:
        assert warm.post("/customers/", {}, idempotency_key="k")["Idempotent-Replayed"] == "true"
    sql = [query["sql"] for query in captured if not query["sql"].startswith(_NOT_COUNTED)]
    assert [_kind(text) for text in sql[:2]] == ["authenticate", "begin"]
    assert len(sql) == 4


@pytest.mark.parametrize("path", ["/customers/", "/payment_intents/", "/webhook_endpoints/"])
def test_a_list_reads_one_query_however_long_it_is(warm: Caller, path: str) -> None:
    for _ in range(3):
        warm.customer()
        warm.intent()
        warm.endpoint()
    with CaptureQueriesContext(connection) as captured:
        assert len(warm.get(path).json()["data"]) == 3
    assert len(captured) == 3  # with authentication and the log

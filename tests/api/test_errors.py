"""Each error of the contract: status, type, code and param, and the headers that go with it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import stripe

from api.envelope import DOCUMENTED_CODES
from core.api_keys import create_api_key
from core.key_scopes import KeyKind
from tests.api.callers import HOOK, Caller

REAL = pytest.mark.django_db(transaction=True)
INVALID = "invalid_request_error"
USD = {"amount": 2000, "currency": "usd"}


@dataclass(frozen=True)
class Expected:
    """An error, and the words that its message begins with."""

    status: int
    type: str
    code: str | None
    param: str | None
    message: str


def _with_key(caller: Caller, kind: KeyKind, scopes: dict[str, str] | None = None) -> Caller:
    key = create_api_key(account=caller.account, name="other", kind=kind, scopes=scopes)
    return Caller(account=caller.account, key=key)


def _used(caller: Caller, path: str, fields: dict[str, Any]) -> Any:
    caller.post("/v1/customers", {"name": "A"}, idempotency_key="k")
    return caller.post(path, fields, idempotency_key="k")


def _canceled(caller: Caller) -> str:
    intent = caller.intent()["id"]
    caller.post(f"/v1/payment_intents/{intent}/cancel", {})
    return f"/v1/payment_intents/{intent}"


def _seventeenth(caller: Caller) -> Any:
    for _ in range(16):
        caller.endpoint()
    return caller.post("/v1/webhook_endpoints", {"url": HOOK, "enabled_events": ["*"]})


Trigger = Callable[[Caller], Any]
CONTRACT: list[tuple[Trigger, Expected]] = [
    (
        lambda caller: Caller(account=caller.account, key=None).get("/v1/customers"),
        Expected(401, INVALID, "api_key_missing", None, "You did not provide an API key."),
    ),
    (
        lambda caller: Caller(account=caller.account, key="sk_test_" + "0" * 65).get("/v1/customers"),
        Expected(401, INVALID, None, None, "Invalid API Key provided: ****0000"),
    ),
    (
        lambda caller: _with_key(caller, KeyKind.RESTRICTED, {"events": "read"}).get("/v1/customers"),
        Expected(
            403, INVALID, None, None, "The provided key 'rk_test_***' does not have the required permissions"
        ),
    ),
    (
        lambda caller: _with_key(caller, KeyKind.PUBLISHABLE).get("/v1/customers"),
        Expected(
            403,
            INVALID,
            "secret_key_required",
            None,
            "This API call cannot be made with a publishable API key.",
        ),
    ),
    (
        lambda caller: caller.get("/v1/customers/cus_nobody"),
        Expected(404, INVALID, "resource_missing", "id", "No such customer: 'cus_nobody'"),
    ),
    (
        lambda caller: caller.get("/v1/payment_intents/pi_1"),
        Expected(404, INVALID, "resource_missing", "intent", "No such payment_intent: 'pi_1'"),
    ),
    (
        lambda caller: caller.post("/v1/payment_intents", {**USD, "customer": "cus_1"}),
        Expected(404, INVALID, "resource_missing", "customer", "No such customer: 'cus_1'"),
    ),
    (
        lambda caller: caller.get("/v1/nothing"),
        Expected(404, INVALID, "url_unknown", None, "Unrecognized request URL (GET: /v1/nothing)."),
    ),
    (
        lambda caller: caller.send("DELETE", "/v1/customers"),
        Expected(405, INVALID, "method_not_allowed", None, "Method"),
    ),
    (
        lambda caller: caller.post("/v1/customers", {"colour": "red"}),
        Expected(400, INVALID, "parameter_unknown", "colour", "Received unknown parameter: colour"),
    ),
    (
        lambda caller: caller.post("/v1/payment_intents", {"currency": "usd"}),
        Expected(400, INVALID, "parameter_missing", "amount", "Missing required param: amount."),
    ),
    (
        lambda caller: caller.form("/v1/payment_intents", "amount=&currency=usd"),
        Expected(
            400, INVALID, "parameter_invalid_empty", "amount", "You passed an empty value for 'amount'."
        ),
    ),
    (
        lambda caller: caller.form("/v1/payment_intents", "amount=ten&currency=usd"),
        Expected(400, INVALID, "parameter_invalid_integer", "amount", 'Invalid integer: "ten"'),
    ),
    (
        lambda caller: caller.post("/v1/payment_intents", {**USD, "amount": 49}),
        Expected(400, INVALID, "amount_too_small", "amount", "Amount must be at least $0.50 usd"),
    ),
    (
        lambda caller: caller.post("/v1/payment_intents", {**USD, "amount": 100_000_000}),
        Expected(400, INVALID, "amount_too_large", "amount", "Amount must be no more than $999,999.99 usd"),
    ),
    (
        lambda caller: caller.post("/v1/payment_intents", {"amount": 49, "currency": "jpy"}),
        Expected(400, INVALID, "amount_too_small", "amount", "Amount must be at least 50 jpy"),
    ),
    (
        lambda caller: caller.get("/v1/customers", **{"expand[]": "customer"}),
        Expected(
            400,
            INVALID,
            "parameter_invalid_expand",
            "expand[0]",
            "This property cannot be expanded (customer).",
        ),
    ),
    (
        lambda caller: caller.get("/v1/customers", limit=101),
        Expected(
            400,
            INVALID,
            "parameter_invalid_integer",
            "limit",
            "This value must be less than or equal to 100.",
        ),
    ),
    (
        lambda caller: caller.post(f"{_canceled(caller)}/confirm", {}),
        Expected(
            400,
            INVALID,
            "payment_intent_unexpected_state",
            None,
            "You cannot confirm this PaymentIntent because it has a status of canceled.",
        ),
    ),
    (
        lambda caller: caller.post(_canceled(caller), {"amount": 3000}),
        Expected(
            400,
            INVALID,
            "payment_intent_unexpected_state",
            "amount",
            "This PaymentIntent's amount could not be updated because it has a status of canceled.",
        ),
    ),
    (
        lambda caller: _used(caller, "/v1/customers", {"name": "B"}),
        Expected(
            400,
            "idempotency_error",
            "idempotency_key_reused",
            None,
            "Keys for idempotent requests can only be used with the same parameters they were first used with.",
        ),
    ),
    (
        lambda caller: _used(caller, "/v1/payment_intents", USD),
        Expected(
            400,
            "idempotency_error",
            "idempotency_key_reused",
            None,
            "Keys for idempotent requests can only be used for the same endpoint they were first used for",
        ),
    ),
    (
        lambda caller: caller.post("/v1/customers", {}, idempotency_key="k" * 256),
        Expected(
            400, "idempotency_error", "idempotency_key_invalid", None, "An Idempotency-Key has 1 to 255"
        ),
    ),
    (
        _seventeenth,
        Expected(
            400,
            INVALID,
            "webhook_endpoints_exceeded",
            None,
            "An account can have at most 16 webhook endpoints",
        ),
    ),
    (
        lambda caller: caller.post("/v1/webhook_endpoints", {"url": "ftp://x", "enabled_events": ["*"]}),
        Expected(400, INVALID, "url_invalid", "url", "Invalid URL"),
    ),
    (
        lambda caller: caller.post("/v1/webhook_endpoints", {"url": HOOK, "enabled_events": ["a.b"]}),
        Expected(400, INVALID, "event_type_unknown", "enabled_events[0]", "Unknown event type: a.b."),
    ),
]


@pytest.mark.parametrize(("trigger", "expected"), CONTRACT)
def test_an_error_is_as_the_contract_has_it(caller: Caller, trigger: Trigger, expected: Expected) -> None:
    response = trigger(caller)
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["code"], error["param"]) == (
        expected.status,
        expected.type,
        expected.code,
        expected.param,
    )
    assert error["message"].startswith(expected.message)
    assert error["request_id"] == response["Request-Id"]
    assert response["Stripe-Version"]
    assert ("doc_url" in error) is (expected.code in DOCUMENTED_CODES)
    known = expected.status != 401 and expected.code != "url_unknown"
    assert ("request_log_url" in error) is known


@REAL
@pytest.mark.parametrize(
    ("payment_method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ],
)
def test_a_decline_is_a_card_error(
    caller: Caller, bank: dict[str, Any], payment_method: str, code: str, decline_code: str | None
) -> None:
    intent = caller.intent()["id"]
    response = caller.post(f"/v1/payment_intents/{intent}/confirm", {"payment_method": payment_method})
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["code"]) == (402, "card_error", code)
    assert error.get("decline_code") == decline_code
    assert error["payment_intent"]["id"] == intent
    assert error["payment_intent"]["last_payment_error"]["code"] == code


def test_an_error_leads_to_its_explanation_and_to_the_request(caller: Caller) -> None:
    response = caller.post("/v1/customers", {"colour": "red"})
    error = response.json()["error"]
    assert error["doc_url"] == "https://docs.stripe.com/error-codes#parameter-unknown"
    assert error["request_log_url"] == f"http://testserver/requests/{response['Request-Id']}/"
    logged = caller.get(error["request_log_url"].removeprefix("http://testserver")).json()
    assert {
        name: logged[name] for name in ("id", "method", "path", "status", "error_code", "parameters")
    } == {
        "id": response["Request-Id"],
        "method": "POST",
        "path": "/v1/customers",
        "status": 400,
        "error_code": "parameter_unknown",
        "parameters": '{"colour":"red"}',
    }


def test_codes_that_lead_to_stripes_page_are_stripes() -> None:
    source = Path(str(stripe.__file__)).with_name("_payment_intent.py").read_text()
    assert set(re.findall(r'"([a-z_0-9]+)"', source)) >= DOCUMENTED_CODES


def test_an_answer_echoes_what_identifies_it(caller: Caller) -> None:
    response = caller.post("/v1/customers", {}, idempotency_key="k")
    assert response["Request-Id"].startswith("req_")
    assert response["Idempotency-Key"] == "k"
    assert "Idempotency-Key" not in caller.post("/v1/customers", {})

"""Money through the API: what each resource answers, refuses, and costs."""

import base64
import hashlib
from typing import Any

import pytest
import stripe
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api import money_outputs as outputs
from api.outputs import Output
from outbox.identifiers import encode_id, new_uuid
from tests.api.callers import Caller, error_of

pytestmark = pytest.mark.django_db(transaction=True)

INTENTS = "/v1/payment_intents"
PAID = "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true"


def _paid(caller: Caller, text: str = PAID) -> dict[str, Any]:
    response = caller.form(INTENTS, text)
    assert response.status_code == 200, response.content
    made: dict[str, Any] = response.json()
    return made


def _made(caller: Caller, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    response = caller.post(path, body or {})
    assert response.status_code == 200, response.content
    made: dict[str, Any] = response.json()
    return made


@pytest.fixture
def shown(caller: Caller) -> dict[str, dict[str, Any]]:
    """One object of each kind, as it is retrieved."""
    customer = caller.customer()["id"]
    intent = _paid(caller, f"{PAID}&customer={customer}&setup_future_usage=off_session")
    refund = _made(caller, "/v1/refunds", {"payment_intent": intent["id"], "amount": 500})
    setup = _made(caller, "/v1/setup_intents", {"payment_method": "pm_card_visa", "confirm": True})
    paths = {
        "charge": f"charges/{intent['latest_charge']}",
        "refund": f"refunds/{refund['id']}",
        "balance_transaction": f"balance_transactions/{refund['balance_transaction']}",
        "payment_method": f"payment_methods/{intent['payment_method']}",
        "setup_intent": f"setup_intents/{setup['id']}",
        "balance": "balance",
        "account": "account",
    }
    return {kind: caller.get(f"/v1/{path}").json() for kind, path in paths.items()}


KINDS: dict[str, tuple[type, Output]] = {
    "charge": (stripe.Charge, outputs.Charge),
    "refund": (stripe.Refund, outputs.Refund),
    "balance_transaction": (stripe.BalanceTransaction, outputs.BalanceTransaction),
    "payment_method": (stripe.PaymentMethod, outputs.PaymentMethod),
    "setup_intent": (stripe.SetupIntent, outputs.SetupIntent),
    "balance": (stripe.Balance, outputs.Balance),
    "account": (stripe.Account, outputs.Account),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_has_every_field_of_the_packages_type(shown: dict[str, dict[str, Any]], kind: str) -> None:
    package, output = KINDS[kind]
    expected = {
        name
        for name, annotation in package.__annotations__.items()
        if "ClassVar" not in str(annotation) and name != "deleted"
    }
    if kind == "payment_method":
        # It has the details of its own type, and of no other one.
        types = {name for name in expected if hasattr(package, name.title().replace("_", ""))}
        expected -= types - {"billing_details", "radar_options", "card"}
    assert shown[kind]["object"] == kind
    assert expected - shown[kind].keys() == set()
    fields = output().fields
    assert shown[kind].keys() <= fields.keys()
    assert {name for name, field in fields.items() if field.required} <= shown[kind].keys()
    assert [
        name for name, value in shown[kind].items() if value is None and not fields[name].allow_null
    ] == []


def test_a_payment_in_one_request(caller: Caller) -> None:
    made = _paid(caller)
    assert (made["status"], made["amount_received"]) == ("succeeded", 2000)
    charge = caller.get(f"/v1/charges/{made['latest_charge']}").json()
    assert (charge["payment_intent"], charge["payment_method"]) == (made["id"], made["payment_method"])


def test_a_decline_in_one_request_leaves_the_intent_and_answers_402_for_ever(caller: Caller) -> None:
    text = "amount=2000&currency=usd&payment_method=pm_card_chargeDeclined&confirm=true"
    first = caller.form(INTENTS, text, idempotency_key="k")
    assert error_of(first) == (402, "card_declined", None)
    error = first.json()["error"]
    assert (error["type"], error["decline_code"]) == ("card_error", "generic_decline")
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert error["charge"] == error["payment_intent"]["latest_charge"]
    assert error["payment_method"]["object"] == "payment_method"
    assert caller.get(f"{INTENTS}/{error['payment_intent']['id']}").status_code == 200
    again = caller.form(INTENTS, text, idempotency_key="k")
    assert (again.status_code, again.content) == (402, first.content)
    assert len(caller.get("/v1/charges").json()["data"]) == 1


def test_a_payment_told_by_its_details(caller: Caller) -> None:
    made = _paid(
        caller,
        "amount=2000&currency=usd&confirm=true&payment_method_data[type]=card&payment_method_data[card][token]=tok_visa"
        "&payment_method_data[billing_details][name]=Grace&payment_method_options[card][request_three_d_secure]=any",
    )
    charge = caller.get(f"/v1/charges/{made['latest_charge']}").json()
    assert charge["billing_details"]["name"] == "Grace"
    assert made["payment_method_options"] == {"card": {"request_three_d_secure": "any"}}


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("off_session=true", (400, "parameter_invalid", "off_session")),
        ("capture_method=later", (400, "parameter_invalid_choice", "capture_method")),
        ("confirm=perhaps", (400, "parameter_invalid_boolean", "confirm")),
        ("payment_method_data[type]=cash", (400, "parameter_invalid_choice", "payment_method_data[type]")),
        ("payment_method_data[type]=card", (400, "parameter_missing", "payment_method_data[card]")),
        (
            "payment_method_data[type]=card&payment_method_data[card][number]=4111111111111111",
            (402, "card_declined", None),
        ),
        ("payment_method_options=1", (400, "parameter_invalid_object", "payment_method_options")),
    ],
)
def test_a_payment_that_cannot_be_made_is_refused(
    caller: Caller, text: str, refusal: tuple[int, str, str | None]
) -> None:
    assert error_of(caller.form(INTENTS, f"amount=2000&currency=usd&{text}")) == refusal
    assert caller.get(INTENTS).json()["data"] == []


def test_a_hold_is_captured_in_part(caller: Caller) -> None:
    held = _paid(caller, f"{PAID}&capture_method=manual")
    path = f"{INTENTS}/{held['id']}/capture"
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 2000)
    assert error_of(caller.post(path, {"amount_to_capture": 2001})) == (
        400,
        "amount_too_large",
        "amount_to_capture",
    )
    assert error_of(caller.post(path, {"amount_to_capture": 10**12}))[0] == 400
    captured = caller.post(path, {"amount_to_capture": 700}).json()
    assert (captured["status"], captured["amount_received"]) == ("succeeded", 700)
    assert error_of(caller.post(path)) == (400, "payment_intent_unexpected_state", None)


def test_refunds_are_made_listed_and_refused(caller: Caller) -> None:
    intent = _paid(caller)
    charge = intent["latest_charge"]
    first = _made(caller, "/v1/refunds", {"charge": charge, "amount": 500, "metadata": {"a": "1"}})
    second = _made(caller, "/v1/refunds", {"payment_intent": intent["id"]})
    assert (first["amount"], second["amount"]) == (500, 1500)
    listed = caller.get("/v1/refunds", charge=charge).json()["data"]
    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    assert caller.get(f"/v1/charges/{charge}").json()["refunded"] is True
    refused = caller.post("/v1/refunds", {"charge": charge})
    assert error_of(refused) == (400, "charge_already_refunded", None)
    path = f"/v1/refunds/{first['id']}"
    assert caller.form(path, "metadata[a]=&metadata[b]=2").json()["metadata"] == {"b": "2"}
    assert error_of(caller.post(f"{path}/cancel")) == (400, "refund_unexpected_state", None)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, (400, "parameter_missing", None)),
        ({"charge": "ch_1"}, (404, "resource_missing", "charge")),
        ({"payment_intent": "pi_1"}, (404, "resource_missing", "payment_intent")),
        ({"charge": encode_id("ch", new_uuid())}, (404, "resource_missing", "id")),
        ({"charge": encode_id("ch", new_uuid()), "amount": 0}, (400, "parameter_invalid_integer", "amount")),
        (
            {"charge": encode_id("ch", new_uuid()), "reason": "bored"},
            (400, "parameter_invalid_choice", "reason"),
        ),
    ],
)
def test_a_refund_that_cannot_be_made_is_refused(
    caller: Caller, body: dict[str, Any], refusal: tuple[int, str, str | None]
) -> None:
    assert error_of(caller.post("/v1/refunds", body)) == refusal


def test_a_refund_asked_for_twice_under_one_key_is_made_once(caller: Caller) -> None:
    charge = _paid(caller)["latest_charge"]
    body = {"charge": charge, "amount": 500}
    first = caller.post("/v1/refunds", body, idempotency_key="k")
    again = caller.post("/v1/refunds", body, idempotency_key="k")
    assert (again["Idempotent-Replayed"], again.content) == ("true", first.content)
    assert caller.get(f"/v1/charges/{charge}").json()["amount_refunded"] == 500


def test_the_balance_is_the_sum_of_its_transactions(caller: Caller, settings: Any) -> None:
    settings.LEDGER = {**settings.LEDGER, "AVAILABLE_AFTER": settings.BANK["DELAY"] * 0}
    charge = _paid(caller)["latest_charge"]
    _made(caller, "/v1/refunds", {"charge": charge, "amount": 500})
    listed = caller.get("/v1/balance_transactions").json()["data"]
    assert [one["type"] for one in listed] == ["refund", "charge"]
    assert {one["status"] for one in listed} == {"available"}
    balance = caller.get("/v1/balance").json()
    assert balance["available"][0]["amount"] == sum(one["net"] for one in listed) == 1412
    assert [one["id"] for one in caller.get("/v1/balance_transactions", source=charge).json()["data"]] == [
        listed[1]["id"]
    ]


def test_payment_methods_are_made_saved_listed_and_given_up(caller: Caller) -> None:
    customer = caller.customer()["id"]
    made = caller.form(
        "/v1/payment_methods",
        "type=card&card[number]=5555555555554444&card[exp_month]=5&card[exp_year]=2031&card[cvc]=314"
        "&billing_details[email]=grace@example.com",
    ).json()
    assert (made["card"]["brand"], made["card"]["exp_year"]) == ("mastercard", 2031)
    assert "number" not in made["card"]
    path = f"/v1/payment_methods/{made['id']}"
    assert caller.post(f"{path}/attach", {"customer": customer}).json()["customer"] == customer
    debit = caller.post("/v1/payment_methods/pm_usBankAccount_success/attach", {"customer": customer}).json()
    for listing, query in (
        ("/v1/payment_methods", {"customer": customer}),
        (f"/v1/customers/{customer}/payment_methods", {}),
    ):
        whole = caller.get(listing, **query).json()["data"]
        assert [one["id"] for one in whole] == [debit["id"], made["id"]]
        cards = caller.get(listing, type="card", **query).json()["data"]
        assert [one["id"] for one in cards] == [made["id"]]
    changed = caller.form(path, "billing_details[name]=Grace&metadata[a]=1&card[exp_year]=2033").json()
    assert changed["billing_details"]["email"] == "grace@example.com"
    assert (changed["billing_details"]["name"], changed["card"]["exp_year"]) == ("Grace", 2033)
    assert caller.post(f"{path}/detach").json()["customer"] is None
    assert error_of(caller.post(f"{path}/attach", {"customer": customer}))[:2] == (
        400,
        "payment_method_unactivated",
    )


def test_objects_of_another_account_are_not_there(
    caller: Caller, other_caller: Caller, shown: dict[str, dict[str, Any]]
) -> None:
    for kind, path in (
        ("charge", "charges"),
        ("refund", "refunds"),
        ("balance_transaction", "balance_transactions"),
        ("payment_method", "payment_methods"),
        ("setup_intent", "setup_intents"),
        ("account", "accounts"),
    ):
        one = f"/v1/{path}/{shown[kind]['id']}"
        assert caller.get(one).json()["id"] == shown[kind]["id"]
        assert error_of(other_caller.get(one))[:2] == (404, "resource_missing"), kind
        assert error_of(other_caller.get(f"/v1/{path}/nothing"))[:2] == (404, "resource_missing"), kind
    assert other_caller.get("/v1/charges").json()["data"] == []


def test_a_charge_takes_other_words(caller: Caller) -> None:
    charge = _paid(caller)["latest_charge"]
    changed = caller.form(f"/v1/charges/{charge}", "description=Sofas&metadata[a]=1").json()
    assert (changed["description"], changed["metadata"]) == ("Sofas", {"a": "1"})
    assert error_of(caller.post(f"/v1/charges/{charge}", {"amount": 1})) == (
        400,
        "parameter_unknown",
        "amount",
    )


@pytest.mark.parametrize(
    "path", ["charges", "refunds", "balance_transactions", "setup_intents", "payment_methods"]
)
def test_a_list_of_money_reads_one_query_however_long_it_is(caller: Caller, path: str) -> None:
    customer = caller.customer()["id"]
    for _ in range(3):
        intent = _paid(caller, f"{PAID}&customer={customer}&setup_future_usage=off_session")
        _made(caller, "/v1/refunds", {"payment_intent": intent["id"]})
        _made(caller, "/v1/setup_intents")
    with CaptureQueriesContext(connection) as captured:
        assert len(caller.get(f"/v1/{path}").json()["data"]) >= 3
    sql = [query["sql"] for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(sql) == 3  # with authentication and the log


# --- 3-D Secure ---


def _challenged(caller: Caller, more: str = "") -> dict[str, Any]:
    return _paid(caller, f"{PAID.replace('visa', 'authenticationRequired')}{more}")


def _page_of(challenged: dict[str, Any]) -> str:
    url: str = challenged["next_action"]["redirect_to_url"]["url"]
    return url.removeprefix("http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("outcome", "status"), [("succeeded", "succeeded"), ("failed", "requires_payment_method")]
)
def test_a_person_decides_on_a_page_without_scripts(
    caller: Caller, client: Any, outcome: str, status: str
) -> None:
    challenged = _challenged(caller, "&return_url=https://shop.example/done?order=7")
    path = _page_of(challenged)
    page = client.get(path)
    assert page.status_code == 200
    assert b"$20.00 usd" in page.content
    assert b"<script" not in page.content
    style = page.content.partition(b"<style>")[2].partition(b"</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page["Content-Security-Policy"]
    assert page["Referrer-Policy"] == "no-referrer"
    decided = client.post(path, f"outcome={outcome}", content_type="application/x-www-form-urlencoded")
    assert decided.status_code == 200
    assert f"redirect_status={outcome}".encode() in decided.content
    assert b"https://shop.example/done?order=7&amp;payment_intent=pi_" in decided.content
    assert caller.get(f"{INTENTS}/{challenged['id']}").json()["status"] == status
    assert client.get(path).status_code == 409
    late = client.post(path, f"outcome={outcome}", content_type="application/x-www-form-urlencoded")
    assert late.status_code == 409


def test_the_page_is_for_who_has_the_secret(caller: Caller, client: Any) -> None:
    challenged = _challenged(caller)
    path = _page_of(challenged)
    for wrong in (
        path[:-1] + ("0" if path[-1] != "0" else "1"),
        "/authenticate/pi_1_secret_2",
        "/authenticate/x",
    ):
        assert client.get(wrong).status_code == 404
    assert (
        client.post(path, "outcome=perhaps", content_type="application/x-www-form-urlencoded").status_code
        == 400
    )
    assert client.delete(path).status_code == 405
    assert caller.get(f"{INTENTS}/{challenged['id']}").json()["status"] == "requires_action"


def test_a_return_address_that_is_no_web_address_is_no_link(caller: Caller, client: Any) -> None:
    path = _page_of(_challenged(caller, "&return_url=javascript:alert(1)"))
    decided = client.post(path, "outcome=failed", content_type="application/x-www-form-urlencoded")
    assert b"javascript:" not in decided.content


def test_a_program_decides_without_the_page(caller: Caller) -> None:
    path = f"{INTENTS}/{_challenged(caller)['id']}/authenticate"
    assert error_of(caller.post(path, {"outcome": "x"})) == (400, "parameter_invalid_choice", "outcome")
    assert caller.post(path, {"outcome": "succeeded"}).json()["status"] == "succeeded"
    assert error_of(caller.post(path, {"outcome": "failed"})) == (
        400,
        "payment_intent_unexpected_state",
        None,
    )


def test_a_challenged_setup_has_a_page_too(caller: Caller, client: Any) -> None:
    body = {"payment_method": "pm_card_authenticationRequired", "confirm": True}
    made = _made(caller, "/v1/setup_intents", body)
    path = _page_of(made)
    assert client.get(path).status_code == 200
    client.post(path, "outcome=succeeded", content_type="application/x-www-form-urlencoded")
    assert caller.get(f"/v1/setup_intents/{made['id']}").json()["status"] == "succeeded"


def test_a_setup_that_is_refused_answers_402_with_the_setup_intent(caller: Caller) -> None:
    body = {"payment_method": "pm_card_chargeDeclined", "confirm": True}
    refused = caller.post("/v1/setup_intents", body)
    assert error_of(refused) == (402, "card_declined", None)
    left = refused.json()["error"]["setup_intent"]
    path = f"/v1/setup_intents/{left['id']}"
    assert caller.post(f"{path}/confirm", {"payment_method": "pm_card_visa"}).json()["status"] == "succeeded"
    assert error_of(caller.post(f"{path}/cancel")) == (400, "setup_intent_unexpected_state", None)
    assert "setup_intent" in caller.post(f"{path}/cancel").json()["error"]

"""Every route × every caller who may not use it: refused, and never another owner's bytes."""

import base64
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from api.operations import OPERATIONS
from api.views.base import ApiView
from core.api_keys import key_uuid, revoke_api_key
from tests.api.callers import Caller, error_of

# Open to everybody, by what they are: they say nothing of an account, or only to who has an intent's secret.
PUBLIC = {"authentication_page", "healthz", "readyz", "schema", "docs", "asset", "unknown_path"}

CUSTOMER = "/customers/{customer}/"
INTENT = "/payment_intents/{intent}/"
ENDPOINT = "/webhook_endpoints/{endpoint}/"
DELIVERY = "/deliveries/{delivery}/"
METHOD = "/payment_methods/{method}/"
CHARGE = "/charges/{charge}/"
REFUND = "/refunds/{refund}/"
SETUP = "/setup_intents/{setup}/"
# What a request must say before anybody looks for the object.
BODIES: dict[str, dict[str, str]] = {
    f"{METHOD}attach/": {"customer": "cus_0000000000000000000000"},
    f"{INTENT}authenticate/": {"outcome": "succeeded"},
    f"{SETUP}authenticate/": {"outcome": "succeeded"},
}
ROUTES: dict[tuple[str, str], str] = {
    ("CustomersView", "GET"): "/customers/",
    ("CustomersView", "POST"): "/customers/",
    ("CustomerView", "GET"): CUSTOMER,
    ("CustomerView", "POST"): CUSTOMER,
    ("CustomerView", "DELETE"): CUSTOMER,
    ("CustomerSearchView", "GET"): "/customers/search/?query=name:%22Grace%22",
    ("PaymentIntentsView", "GET"): "/payment_intents/",
    ("PaymentIntentsView", "POST"): "/payment_intents/",
    ("PaymentIntentView", "GET"): INTENT,
    ("PaymentIntentView", "POST"): INTENT,
    ("PaymentIntentSearchView", "GET"): "/payment_intents/search/?query=amount:2000",
    ("ConfirmView", "POST"): f"{INTENT}confirm/",
    ("CancelView", "POST"): f"{INTENT}cancel/",
    ("CaptureView", "POST"): f"{INTENT}capture/",
    ("AuthenticateView", "POST"): f"{INTENT}authenticate/",
    ("PaymentMethodsView", "GET"): "/payment_methods/",
    ("PaymentMethodsView", "POST"): "/payment_methods/",
    ("PaymentMethodView", "GET"): METHOD,
    ("PaymentMethodView", "POST"): METHOD,
    ("AttachView", "POST"): f"{METHOD}attach/",
    ("DetachView", "POST"): f"{METHOD}detach/",
    ("CustomerPaymentMethodsView", "GET"): f"{CUSTOMER}payment_methods/",
    ("CustomerPaymentMethodView", "GET"): f"{CUSTOMER}payment_methods/{{saved}}/",
    ("ChargesView", "GET"): "/charges/",
    ("ChargeView", "GET"): CHARGE,
    ("ChargeView", "POST"): CHARGE,
    ("RefundsView", "GET"): "/refunds/",
    ("RefundsView", "POST"): "/refunds/",
    ("RefundView", "GET"): REFUND,
    ("RefundView", "POST"): REFUND,
    ("CancelRefundView", "POST"): f"{REFUND}cancel/",
    ("BalanceView", "GET"): "/balance/",
    ("BalanceTransactionsView", "GET"): "/balance_transactions/",
    ("BalanceTransactionView", "GET"): "/balance_transactions/{transaction}/",
    ("AccountView", "GET"): "/account/",
    ("AccountByIdView", "GET"): "/accounts/{account}/",
    ("SetupIntentsView", "GET"): "/setup_intents/",
    ("SetupIntentsView", "POST"): "/setup_intents/",
    ("SetupIntentView", "GET"): SETUP,
    ("ConfirmSetupView", "POST"): f"{SETUP}confirm/",
    ("CancelSetupView", "POST"): f"{SETUP}cancel/",
    ("AuthenticateSetupView", "POST"): f"{SETUP}authenticate/",
    ("WebhookEndpointsView", "GET"): "/webhook_endpoints/",
    ("WebhookEndpointsView", "POST"): "/webhook_endpoints/",
    ("WebhookEndpointView", "GET"): ENDPOINT,
    ("WebhookEndpointView", "POST"): ENDPOINT,
    ("WebhookEndpointView", "PATCH"): ENDPOINT,
    ("WebhookEndpointView", "DELETE"): ENDPOINT,
    ("RollSecretView", "POST"): f"{ENDPOINT}roll_secret/",
    ("TestEventView", "POST"): f"{ENDPOINT}test/",
    ("EventsView", "GET"): "/events/",
    ("EventView", "GET"): "/events/{event}/",
    ("RequestView", "GET"): "/requests/{request}/",
    ("EventRetryView", "POST"): "/events/{event}/retry/",
    ("CliSessionsView", "POST"): "/stripecli/sessions/",
    ("DeliveriesView", "GET"): "/deliveries/",
    ("DeliveryView", "GET"): DELIVERY,
    ("ResendView", "POST"): f"{DELIVERY}resend/",
    ("StopView", "POST"): f"{DELIVERY}stop/",
}
INTENT_FIELDS = {"amount": 2000, "currency": "usd"}
every_route = pytest.mark.parametrize(
    ("method", "path"), [(method, path) for (_, method), path in ROUTES.items()]
)
every_dialect = pytest.mark.parametrize("dialect", ["", "/v1"])


@pytest.fixture
def objects(caller: Caller) -> dict[str, str]:
    """One object of each kind, all of them the caller's."""
    delivery = caller.delivery()
    customer = caller.customer(name="Grace")
    paid = caller.post(
        "/payment_intents/", {**INTENT_FIELDS, "payment_method": "pm_card_visa", "confirm": True}
    ).json()
    refund = caller.post("/refunds/", {"payment_intent": paid["id"]}).json()
    return {
        "account": caller.account.public_id,
        "charge": paid["latest_charge"],
        "method": paid["payment_method"],
        "saved": caller.post("/payment_methods/pm_card_visa/attach/", {"customer": customer["id"]}).json()[
            "id"
        ],
        "refund": refund["id"],
        "transaction": refund["balance_transaction"],
        "setup": caller.post("/setup_intents/", {}).json()["id"],
        "request": caller.get("/customers/")["Request-Id"],
        "customer": customer["id"],
        "intent": caller.intent()["id"],
        "endpoint": delivery["endpoint"],
        "delivery": delivery["id"],
        "event": delivery["event"],
    }


def _views(patterns: list[Any]) -> set[tuple[str, str]]:
    found = set()
    for entry in patterns:
        if isinstance(entry, URLResolver):
            found |= _views(entry.url_patterns)
        elif isinstance(entry, URLPattern):
            view = getattr(entry.callback, "cls", None)
            if view is None:
                assert entry.callback.__name__ in PUBLIC, f"{entry.callback.__name__} is open to everybody"
                continue
            assert issubclass(view, ApiView)
            found |= {
                (view.__name__, method.upper())
                for method in view.http_method_names
                if method != "head" and hasattr(view, method)
            }
    return found


def test_every_route_is_in_the_matrix() -> None:
    assert _views(get_resolver().url_patterns) == ROUTES.keys()


def test_every_route_is_described() -> None:
    assert {(view.__name__, method) for view, method in OPERATIONS} == ROUTES.keys()


@every_dialect
@every_route
def test_without_a_key_nothing_is_served(
    caller: Caller, objects: dict[str, str], method: str, path: str, dialect: str
) -> None:
    response = Caller(account=caller.account, key=None).send(method, dialect + path.format(**objects))
    assert error_of(response) == (401, "api_key_missing", None)
    assert response["WWW-Authenticate"].startswith("Bearer")


@every_route
def test_a_revoked_key_serves_nothing(
    caller: Caller, objects: dict[str, str], method: str, path: str
) -> None:
    assert caller.key is not None
    revoke_api_key(key_uuid(caller.key))
    assert error_of(caller.send(method, path.format(**objects))) == (401, "api_key_revoked", None)


@every_dialect
@every_route
def test_another_owner_finds_nothing(
    caller: Caller, other_caller: Caller, objects: dict[str, str], method: str, path: str, dialect: str
) -> None:
    response = other_caller.send(method, dialect + path.format(**objects), BODIES.get(path))
    if "{" in path:
        assert error_of(response)[:2] == (404, "resource_missing")
        kind = path.partition("{")[2].partition("}")[0]
        assert response.json()["error"]["message"].endswith(f"'{objects[kind]}'")
    elif method == "GET":
        assert response.json().get("data", []) == []
        assert response.json().get("id") not in objects.values()
    else:
        assert response.status_code >= 400 or response.json()["id"] not in objects.values()
    assert b"Grace" not in response.content


@pytest.mark.parametrize(
    "kind",
    [
        "customer",
        "intent",
        "endpoint",
        "event",
        "request",
        "delivery",
        "charge",
        "refund",
        "method",
        "transaction",
        "setup",
    ],
)
def test_another_owners_object_is_missing_in_the_same_words_as_an_unknown_one(
    caller: Caller, other_caller: Caller, objects: dict[str, str], kind: str
) -> None:
    path = next(path for path in ROUTES.values() if path.endswith(f"{{{kind}}}/"))
    foreign = other_caller.get(path.format(**objects)).json()["error"]
    unknown_id = objects[kind][:-3] + ("zzz" if objects[kind][-3:] != "zzz" else "yyy")
    unknown = other_caller.get(path.format(**{kind: unknown_id})).json()["error"]
    assert foreign["message"].replace(objects[kind], unknown_id) == unknown["message"]
    own = dict.fromkeys(("message", "request_id", "request_log_url"))
    assert {**foreign, **own} == {**unknown, **own}


def test_another_owners_customer_cannot_be_charged(caller: Caller, other_caller: Caller) -> None:
    customer = caller.customer()["id"]
    fields = {"amount": 2000, "currency": "usd", "customer": customer}
    assert error_of(other_caller.post("/payment_intents/", fields)) == (404, "resource_missing", "customer")


@pytest.mark.parametrize("token", ["", "sk_test_short", "pk_test_" + "a" * 65, "sk_test_" + "\xe9" * 65])
def test_a_malformed_key_is_refused(caller: Caller, token: str) -> None:
    response = Caller(account=caller.account, key=token).get("/customers/")
    assert response.status_code == 401
    assert token == "" or token not in response.content.decode()


def test_the_secret_of_a_key_is_compared_whole(caller: Caller) -> None:
    assert caller.key is not None
    forged = caller.key[:-1] + ("a" if caller.key[-1] != "a" else "b")
    response = Caller(account=caller.account, key=forged).get("/customers/")
    assert response.status_code == 401
    assert forged not in response.content.decode()
    assert forged[-4:] in response.json()["error"]["message"]


def test_a_key_may_come_as_the_user_name_of_basic_authentication(caller: Caller) -> None:
    credentials = base64.b64encode(f"{caller.key}:".encode()).decode()
    assert caller.send("GET", "/customers/", Authorization=f"Basic {credentials}").status_code == 200


@pytest.mark.parametrize("header", ["Basic !", "Basic é", "Basic", "Basic /w==", "Digest x", "Bearer"])
def test_an_authorization_that_cannot_be_read_is_refused(caller: Caller, header: str) -> None:
    assert caller.send("GET", "/customers/", Authorization=header).status_code == 401

"""What restricted and publishable keys may do, and what they never see."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.expansion import EXPANDABLE
from api.models import IdempotencyKey
from api.permissions import resource_of
from core.api_keys import create_api_key
from core.key_scopes import RESOURCE_OF_KIND, RESOURCES, KeyKind
from core.models import PaymentIntent
from tests.api.callers import HOOK, Caller, error_of
from tests.api.tenants.cells import READING
from tests.api.tenants.routes import ROUTES, Route
from tests.api.tenants.worlds import make_world


def _restricted(caller: Caller, **scopes: str) -> Caller:
    key = create_api_key(account=caller.account, name="rk", kind=KeyKind.RESTRICTED, scopes=scopes)
    return Caller(account=caller.account, key=key)


@pytest.fixture
def public(caller: Caller) -> Caller:
    key = create_api_key(account=caller.account, name="pk", kind=KeyKind.PUBLISHABLE)
    return Caller(account=caller.account, key=key)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.places or route.method in READING], ids=str
)
def test_a_restricted_key_does_what_its_scope_names(route: Route) -> None:
    """That it does nothing else is in the matrix (tests/api/tenants)."""
    world = make_world("owner")
    path, resource = route.path.format(**world.ids), resource_of(route.path)
    if route.query:
        path += f"?{urlencode({'query': route.query})}"
    if route.method in READING:
        assert world.restricted(**{resource: "read"}).send(route.method, path).status_code == 200
    assert world.restricted(**{resource: "write"}).send(route.method, path).status_code not in {401, 403}


def test_every_resource_has_a_scope() -> None:
    assert {resource_of(route.path) for route in ROUTES} <= RESOURCES.keys()
    assert EXPANDABLE.keys() <= RESOURCE_OF_KIND.keys()


def test_stripes_package_raises_its_permission_error_for_a_missing_scope(caller: Caller) -> None:
    refused = _restricted(caller, customers="read").post("/v1/customers", {})
    error = refused.json()["error"]
    assert (refused.status_code, error["type"]) == (403, "invalid_request_error")
    assert "'rak_customer_write'" in error["message"]


def test_a_payer_sees_what_concerns_the_payer(caller: Caller, public: Caller) -> None:
    customer = caller.customer(name="Grace")["id"]
    intent = caller.intent(customer=customer, metadata={"margin": "40"}, description="Shoes")
    path = f"/v1/payment_intents/{intent['id']}"
    shown = public.get(path, client_secret=intent["client_secret"]).json()
    assert (shown["amount"], shown["description"], shown["status"]) == (
        2000,
        "Shoes",
        "requires_payment_method",
    )
    assert not {"metadata", "customer", "latest_charge", "statement_descriptor"} & shown.keys()
    whole = caller.get(path, client_secret=intent["client_secret"]).json()
    assert whole["metadata"] == {"margin": "40"}
    plain = public.get(path.removeprefix("/v1"), client_secret=intent["client_secret"]).json()
    assert plain["status"] == "created"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_client_secret_tells_nothing(caller: Caller, public: Caller, method: str) -> None:
    intent, other = caller.intent(), caller.intent()
    suffix = "" if method == "GET" else "/confirm"

    def refusal(name: str, secret: str) -> Any:
        path = f"/v1/payment_intents/{name}{suffix}"
        if method == "GET":
            return public.get(path, client_secret=secret)
        return public.post(path, {"client_secret": secret})

    unknown = intent["id"][:-3] + ("zzz" if intent["id"][-3:] != "zzz" else "yyy")
    for name, secret in (
        (intent["id"], other["client_secret"]),
        (intent["id"], intent["client_secret"][:-1]),
        (intent["id"], "é"),
        (unknown, intent["client_secret"]),
    ):
        response = refusal(name, secret)
        assert error_of(response) == (404, "resource_missing", "intent")
        assert response.json()["error"]["message"] == f"No such payment_intent: '{name}'"
    assert set(PaymentIntent.objects.values_list("status", flat=True)) == {"requires_payment_method"}


def test_a_publishable_key_of_another_account_finds_nothing(caller: Caller, other_caller: Caller) -> None:
    intent = caller.intent()
    key = create_api_key(account=other_caller.account, name="pk", kind=KeyKind.PUBLISHABLE)
    stranger = Caller(account=other_caller.account, key=key)
    response = stranger.get(f"/v1/payment_intents/{intent['id']}", client_secret=intent["client_secret"])
    assert error_of(response) == (404, "resource_missing", "intent")


@pytest.mark.django_db(transaction=True)
def test_a_payer_reads_and_confirms_a_setup_intent_by_its_secret(caller: Caller, public: Caller) -> None:
    made = caller.post("/v1/setup_intents", {}).json()
    path = f"/v1/setup_intents/{made['id']}"
    refused = public.post(f"{path}/confirm", {"payment_method": "pm_card_visa"})
    assert error_of(refused) == (400, "parameter_missing", "client_secret")
    guessed = public.get(path, client_secret="seti_guess")
    assert error_of(guessed)[:2] == (404, "resource_missing")
    secret = {"client_secret": made["client_secret"]}
    assert public.get(path, **secret).json()["status"] == "requires_payment_method"
    confirmed = public.post(f"{path}/confirm", {**secret, "payment_method": "pm_card_visa"})
    assert confirmed.json()["status"] == "succeeded"
    assert "customer" not in confirmed.json()


@pytest.mark.django_db(transaction=True)
def test_a_payer_confirms_and_an_error_shows_no_more_than_an_answer(
    caller: Caller, public: Caller, bank: dict[str, Any]
) -> None:
    intent = caller.intent(metadata={"margin": "40"})
    path = f"/v1/payment_intents/{intent['id']}/confirm"
    fields = {"client_secret": intent["client_secret"], "payment_method": "pm_card_chargeDeclined"}
    declined = public.post(path, fields)
    assert error_of(declined) == (402, "card_declined", None)
    confirmed = public.post(path, {**fields, "payment_method": "pm_card_visa"})
    assert confirmed.json()["status"] == "succeeded"
    again = public.post(path, fields)
    assert error_of(again) == (400, "payment_intent_unexpected_state", None)
    for shown in (
        declined.json()["error"]["payment_intent"],
        confirmed.json(),
        again.json()["error"]["payment_intent"],
    ):
        assert "client_secret" in shown
        assert "metadata" not in shown


def test_a_publishable_key_expands_nothing(caller: Caller, public: Caller) -> None:
    intent = caller.intent(customer=caller.customer(name="Grace")["id"])
    response = public.get(
        f"/v1/payment_intents/{intent['id']}",
        **{"client_secret": intent["client_secret"], "expand[]": "customer"},
    )
    assert error_of(response) == (403, "secret_key_required", None)


@pytest.mark.parametrize("path", ["/v1/payment_intents", "/v1/payment_intents/{intent}"])
def test_a_restricted_key_expands_what_it_may_read(caller: Caller, path: str) -> None:
    intent = caller.intent(customer=caller.customer(name="Grace")["id"])
    path = path.format(intent=intent["id"])
    name = "customer" if path.endswith(intent["id"]) else "data.customer"
    refused = _restricted(caller, payment_intents="write").get(path, **{"expand[]": name})
    assert error_of(refused) == (403, None, None)
    assert "'rak_customer_read'" in refused.json()["error"]["message"]
    shown = _restricted(caller, payment_intents="read", customers="read").get(path, **{"expand[]": name})
    assert b"Grace" in shown.content


def test_the_idempotency_keys_of_a_publishable_key_are_its_own(caller: Caller, public: Caller) -> None:
    intent = caller.intent(metadata={"margin": "40"})
    path = f"/v1/payment_intents/{intent['id']}/confirm"
    fields = {"client_secret": intent["client_secret"]}
    first = caller.post(path, fields, idempotency_key="k")
    assert first.json()["metadata"] == {"margin": "40"}
    refused = public.post(path, fields, idempotency_key="k")
    assert error_of(refused) == (400, "payment_intent_unexpected_state", None)
    assert "Idempotent-Replayed" not in refused
    assert b"margin" not in refused.content
    assert public.post(path, fields, idempotency_key="k")["Idempotent-Replayed"] == "true"
    assert IdempotencyKey.objects.count() == 2


def test_a_wrong_secret_with_a_secret_key_is_refused_too(caller: Caller) -> None:
    intent = caller.intent()
    response = caller.get(f"/v1/payment_intents/{intent['id']}", client_secret="pi_secret")
    assert error_of(response) == (404, "resource_missing", "intent")


@pytest.mark.parametrize("kind", list(KeyKind))
def test_a_permission_costs_no_query(caller: Caller, kind: KeyKind) -> None:
    intent = caller.intent()
    scopes = {"payment_intents": "read"} if kind == KeyKind.RESTRICTED else None
    key = create_api_key(account=caller.account, name="k", kind=kind, scopes=scopes)
    user = Caller(account=caller.account, key=key)
    user.get("/v1/customers")  # notes the use
    with CaptureQueriesContext(connection) as captured:
        response = user.get(f"/v1/payment_intents/{intent['id']}", client_secret=intent["client_secret"])
    assert response.status_code == 200
    assert len(captured) == 3  # authentication, the intent, the log


def test_a_restricted_key_that_may_write_endpoints_is_shown_their_secret_once(caller: Caller) -> None:
    user = _restricted(caller, webhook_endpoints="write")
    made = user.post("/v1/webhook_endpoints", {"url": HOOK, "enabled_events": ["*"]}).json()
    assert made["secret"].startswith("whsec_")
    assert "secret" not in user.get(f"/v1/webhook_endpoints/{made['id']}").json()

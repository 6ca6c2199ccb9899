"""Which version an answer is in, and which one an endpoint's events."""

import json
from typing import Any

import pytest

from api.models import RequestLog
from core.accounts import set_api_version
from core.versions import PLAIN, STRIPE, render_event
from dispatcher.models import Endpoint
from tests.api.callers import HOOK, Caller, error_of


def _get(caller: Caller, path: str, version: str | None) -> Any:
    return caller.send("GET", path, **({} if version is None else {"Stripe-Version": version}))


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        (None, STRIPE),
        (STRIPE, STRIPE),
        ("2019-10-08", "2019-10-08"),
        ("2018-11-08", "2018-11-08"),
        ("2011-01-01", STRIPE),
        (PLAIN, STRIPE),
        ("", STRIPE),
        ("x" * 5_000, STRIPE),
    ],
)
def test_a_known_version_is_honoured_and_an_unknown_one_noted(
    caller: Caller, asked: str | None, used: str
) -> None:
    path = f"/v1/customers/{caller.customer()['id']}"
    response = _get(caller, path, asked)
    assert response["Stripe-Version"] == used
    assert ("account_balance" in response.json()) is (used != STRIPE)
    logged = RequestLog.objects.latest("id")
    assert logged.api_version == used
    noted = None if asked in (None, used) else (asked or "")[:100]
    assert logged.asked_version == noted


def test_an_account_has_a_version_for_requests_that_name_none(caller: Caller) -> None:
    set_api_version(caller.account, "2019-10-08")
    path = f"/v1/customers/{caller.customer()['id']}"
    assert _get(caller, path, None)["Stripe-Version"] == "2019-10-08"
    assert "account_balance" in _get(caller, path, "2099-01-01").json()
    assert "balance" in _get(caller, path, STRIPE).json()
    plain = caller.get(path.removeprefix("/v1"))
    assert (plain["Stripe-Version"], "balance" in plain.json()) == (PLAIN, True)


def test_who_is_not_known_is_answered_in_the_version_that_was_asked_for(caller: Caller) -> None:
    stranger = Caller(account=caller.account, key=None)
    assert _get(stranger, "/v1/customers", "2019-10-08")["Stripe-Version"] == "2019-10-08"
    assert _get(stranger, "/v1/customers", "nonsense")["Stripe-Version"] == STRIPE


def test_lists_writes_and_errors_are_in_the_version(caller: Caller) -> None:
    version = {"Stripe-Version": "2018-11-08"}
    made = caller.post("/v1/payment_intents", {"amount": 2000, "currency": "usd"}, **version).json()
    assert (made["status"], made["allowed_source_types"]) == ("requires_source", ["card", "us_bank_account"])
    listed = _get(caller, "/v1/payment_intents", "2018-11-08").json()["data"]
    assert listed == [made]
    caller.post(f"/v1/payment_intents/{made['id']}/cancel", {})
    refused = caller.post(f"/v1/payment_intents/{made['id']}/confirm", {}, **version)
    assert "allowed_source_types" in refused.json()["error"]["payment_intent"]
    event = _get(caller, "/v1/events?type=payment_intent.created", "2018-11-08").json()["data"][0]
    assert (event["api_version"], event["data"]["object"]["status"]) == ("2018-11-08", "requires_source")


@pytest.mark.parametrize(
    ("path", "fields", "version"),
    [
        ("/v1/webhook_endpoints", {}, STRIPE),
        ("/v1/webhook_endpoints", {"api_version": "2019-10-08"}, "2019-10-08"),
        ("/webhook_endpoints/", {}, PLAIN),
        ("/webhook_endpoints/", {"api_version": STRIPE}, STRIPE),
    ],
)
def test_an_endpoint_has_a_version_of_its_own(
    caller: Caller, path: str, fields: dict[str, str], version: str
) -> None:
    made = caller.post(path, {"url": HOOK, "enabled_events": ["*"], **fields}).json()
    assert made["api_version"] == Endpoint.objects.get().api_version == version
    set_api_version(caller.account, "2018-11-08")
    assert caller.get(f"{path.rstrip('/')}/{made['id']}").json()["api_version"] == version


def test_an_endpoint_without_one_has_the_accounts_whatever_the_request_is_made_in(caller: Caller) -> None:
    set_api_version(caller.account, "2019-10-08")
    fields = {"url": HOOK, "enabled_events": ["*"]}
    made = caller.post("/v1/webhook_endpoints", fields, **{"Stripe-Version": STRIPE}).json()
    assert made["api_version"] == "2019-10-08"


@pytest.mark.parametrize("version", ["2011-01-01", PLAIN, ""])
def test_an_endpoint_in_an_unknown_version_is_refused(caller: Caller, version: str) -> None:
    fields = {"url": HOOK, "enabled_events": ["*"], "api_version": version}
    status, code, param = error_of(caller.post("/v1/webhook_endpoints", fields))
    assert (status, param) == (400, "api_version")
    assert code == ("parameter_invalid_choice" if version else "parameter_invalid_empty")


def test_the_api_shows_what_an_endpoint_of_the_version_gets(caller: Caller) -> None:
    from outbox.models import Event

    caller.post(f"/customers/{caller.customer()['id']}", {"name": "A"})
    for version in (STRIPE, "2019-10-08"):
        shown = _get(caller, "/v1/events", version).json()["data"][0]
        sent = json.loads(render_event(Event.objects.latest("id").facts, version))
        assert {**shown, "pending_webhooks": 1} == sent

"""Every way to say something wrong has one clear answer, and changes nothing."""

from typing import Any

import pytest
from django.test import override_settings

from core.models import Customer, PaymentIntent
from tests.api.callers import FORM, HOOK, Caller, error_of

CUSTOMERS = "/customers/"
INTENTS = "/payment_intents/"
ENDPOINTS = "/webhook_endpoints/"

Refusal = tuple[int, str | None, str | None]


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ('{"name": ', (400, "json_malformed", None)),
        ("[1]", (400, "json_malformed", None)),
        ('"text"', (400, "json_malformed", None)),
        ("null", (400, "json_malformed", None)),
        (b'{"name": "\xff"}', (400, "json_malformed", None)),
        ('{"metadata": ' * 1_000 + "1" + "}" * 1_000, (400, "json_too_deep", None)),
        ('{"metadata": ' + "[" * 60_000 + "]" * 1_000, (400, "json_too_deep", None)),
        ('{"metadata": ' + "[" * 20 + "]" * 20 + "}", (400, "json_too_deep", "metadata")),
        ('{"name": "a\\u0000b"}', (400, "invalid_characters", "name")),
        ('{"metadata": {"a\\u0000b": "c"}}', (400, "invalid_characters", "metadata")),
        ('{"metadata": {"color": "\\ud800"}}', (400, "invalid_characters", "metadata[color]")),
        ('{"name": "a", "name": "b"}', (400, "parameter_duplicated", "name")),
        ('{"metadata": {"a": "1", "a": "1"}}', (400, "parameter_duplicated", "metadata[a]")),
        ('{"name": NaN}', (400, "parameter_invalid_number", "name")),
        ('{"name": -Infinity}', (400, "parameter_invalid_number", "name")),
        ('{"name": 1e999}', (400, "parameter_invalid_number", "name")),
        ('{"name": 1' + "0" * 5_000 + "}", (400, "parameter_invalid_number", "name")),
        ('{"name": 7}', (400, "parameter_invalid_string", "name")),
        ('{"name": ["a"]}', (400, "parameter_invalid_string", "name")),
        ('{"email": "nobody"}', (400, "email_invalid", "email")),
        ('{"colour": "red"}', (400, "parameter_unknown", "colour")),
        ('{"shipping": {"name": "A", "address": {"no": "1"}}}', (400, "parameter_unknown", "shipping[address][no]")),
        ('{"shipping": {"name": "A"}}', (400, "parameter_missing", "shipping[address]")),
        ('{"metadata": {"color": 5}}', (400, "parameter_invalid_string", "metadata[color]")),
        ('{"metadata": "red"}', (400, "parameter_invalid_object", "metadata")),
        ('{"metadata": {"' + "n" * 41 + '": "v"}}', (400, "metadata_too_large", f"metadata[{'n' * 40}]")),
        ('{"metadata": {"color": "' + "v" * 501 + '"}}', (400, "metadata_too_large", "metadata[color]")),
        ('{"expand": ["friends"]}', (400, "parameter_invalid_expand", "expand[0]")),
    ],
)  # fmt: skip
def test_a_customer_that_cannot_be_read_is_refused(
    caller: Caller, body: str | bytes, refusal: Refusal
) -> None:
    assert error_of(caller.post(CUSTOMERS, body)) == refusal
    assert not Customer.objects.exists()


def test_metadata_has_at_most_fifty_names(caller: Caller) -> None:
    too_many = {str(number): "v" for number in range(51)}
    assert error_of(caller.post(CUSTOMERS, {"metadata": too_many})) == (400, "metadata_too_large", "metadata")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"amount": "20"}, (400, "parameter_invalid_integer", "amount")),
        ({"amount": 20.5}, (400, "parameter_invalid_integer", "amount")),
        ({"amount": 2000.0}, (400, "parameter_invalid_integer", "amount")),
        ({"amount": True}, (400, "parameter_invalid_integer", "amount")),
        ({"amount": 1e30}, (400, "parameter_invalid_integer", "amount")),
        ({"amount": [2000]}, (400, "parameter_invalid_integer", "amount")),
        ({"amount": None}, (400, "parameter_invalid_empty", "amount")),
        ({"amount": -2000}, (400, "parameter_invalid_integer", "amount")),
        ({"amount": 0}, (400, "parameter_invalid_integer", "amount")),
        ({"amount": 49}, (400, "amount_too_small", "amount")),
        ({"amount": 100_000_000}, (400, "amount_too_large", "amount")),
        ({"amount": 2**62}, (400, "amount_too_large", "amount")),
        ({"currency": "xxq"}, (400, "invalid_currency", "currency")),
        ({"currency": ""}, (400, "parameter_invalid_empty", "currency")),
        ({"colour": "red"}, (400, "parameter_unknown", "colour")),
        ({"payment_method": "pm_card_gold"}, (404, "resource_missing", "payment_method")),
        ({"customer": "cus_nobody"}, (404, "resource_missing", "customer")),
        ({"customer": "cus_0000000000000000000000"}, (404, "resource_missing", "customer")),
        (
            {"automatic_payment_methods": {"enabled": "true"}},
            (400, "parameter_invalid_boolean", "automatic_payment_methods[enabled]"),
        ),
        ({"payment_method_types": "card"}, (400, "parameter_invalid_array", "payment_method_types")),
        ({"payment_method_types": []}, (400, "parameter_invalid", "payment_method_types")),
        ({"payment_method_types": ["card", "x"]}, (400, "parameter_invalid", "payment_method_types[1]")),
        ({"payment_method_types": ["card", 1]}, (400, "parameter_invalid_string", "payment_method_types[1]")),
    ],
)  # fmt: skip
def test_an_intent_that_cannot_be_made_is_refused(
    caller: Caller, change: dict[str, Any], refusal: Refusal
) -> None:
    assert error_of(caller.post(INTENTS, {"amount": 2000, "currency": "usd", **change})) == refusal
    assert not PaymentIntent.objects.exists()


@pytest.mark.parametrize("missing", ["amount", "currency"])
def test_a_required_parameter_is_named(caller: Caller, missing: str) -> None:
    fields = {"amount": 2000, "currency": "usd"}
    del fields[missing]
    assert error_of(caller.post(INTENTS, fields)) == (400, "parameter_missing", missing)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("amount=20.5&currency=usd", (400, "parameter_invalid_integer", "amount")),
        ("amount=&currency=usd", (400, "parameter_invalid_empty", "amount")),
        ("amount=2000&amount=3000&currency=usd", (400, "parameter_duplicated", "amount")),
        ("amount=2000&currency=usd&metadata=a&metadata[b]=c", (400, "parameter_duplicated", "metadata[b]")),
        ("amount=2000&currency=usd&metadata[b=c", (400, "form_malformed", "metadata[b")),
        ("amount=2000&currency=usd&[b]=c", (400, "form_malformed", "[b]")),
        ("amount=2000&currency=usd&metadata[a]=%00", (400, "invalid_characters", "metadata[a]")),
        ("amount=2000&currency=usd&description=%ff", (400, "form_malformed", None)),
        ("amount=2000&currency=usd&a" + "[b]" * 30 + "=c", (400, "form_malformed", ("a" + "[b]" * 30)[:100])),
        ("&".join(f"metadata[{n}]=v" for n in range(1_001)), (400, "form_malformed", None)),
        ("amount=2000&currency=usd&expand[]=friends", (400, "parameter_invalid_expand", "expand[0]")),
        (f"amount=2000&currency=usd&expand[{'1' * 5_000}]=x", (400, "parameter_invalid_array", "expand")),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(caller: Caller, text: str, refusal: Refusal) -> None:
    assert error_of(caller.form(INTENTS, text)) == refusal
    assert not PaymentIntent.objects.exists()


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"url": "https://user:pw@93.184.216.34/"}, (400, "url_invalid", "url")),
        ({"url": "https://10.0.0.1/"}, (400, "url_invalid", "url")),
        ({"url": "https://[::1]/"}, (400, "url_invalid", "url")),
        ({"url": "https://93.184.216.34:22/"}, (400, "url_invalid", "url")),
        ({"url": "ftp://93.184.216.34/"}, (400, "url_invalid", "url")),
        ({"url": "http://93.184.216.34/"}, (400, "url_invalid", "url")),
        ({"url": ""}, (400, "parameter_invalid_empty", "url")),
        ({"enabled_events": []}, (400, "parameter_invalid_empty", "enabled_events")),
        ({"enabled_events": ["*", "payment_intent.suceeded"]}, (400, "event_type_unknown", "enabled_events[1]")),
        ({"enabled_events": "payment_intent.succeeded"}, (400, "parameter_invalid_array", "enabled_events")),
        ({"max_in_flight": 0}, (400, "parameter_invalid_integer", "max_in_flight")),
        ({"quantum": -1}, (400, "parameter_invalid_integer", "quantum")),
        ({"rate_limit": 0}, (400, "parameter_invalid_number", "rate_limit")),
        ({"rate_limit": -0.5}, (400, "parameter_invalid_number", "rate_limit")),
        ({"rate_limit": 10_001}, (400, "parameter_invalid_number", "rate_limit")),
        ({"rate_limit": "10"}, (400, "parameter_invalid_number", "rate_limit")),
        ({"rate_limit": True}, (400, "parameter_invalid_number", "rate_limit")),
        ({"rate_limit": 10, "burst": 0}, (400, "parameter_invalid_integer", "burst")),
        ({"rate_limit": 10, "burst": 1.5}, (400, "parameter_invalid_integer", "burst")),
        ({"burst": 10}, (400, "parameter_invalid", "burst")),
    ],
)  # fmt: skip
def test_an_endpoint_that_cannot_be_served_is_refused(
    caller: Caller, change: dict[str, Any], refusal: Refusal
) -> None:
    assert error_of(caller.post(ENDPOINTS, {"url": HOOK, "enabled_events": ["*"], **change})) == refusal


def test_an_unknown_event_type_is_answered_with_the_nearest(caller: Caller) -> None:
    response = caller.post(ENDPOINTS, {"url": HOOK, "enabled_events": ["payment_intent.sucseeded"]})
    assert "payment_intent.succeeded" in response.json()["error"]["message"]


def test_a_name_of_the_other_dialect_is_unknown(caller: Caller) -> None:
    stripes = {"url": HOOK, "enabled_events": ["payment_intent.payment_failed"]}
    assert error_of(caller.post(ENDPOINTS, stripes))[1] == "event_type_unknown"
    assert caller.post("/v1/webhook_endpoints", stripes).status_code == 200


@override_settings(MAX_BODY_BYTES=65_536)
@pytest.mark.parametrize("content_type", ["application/json", FORM])
def test_a_body_over_the_limit_is_refused(caller: Caller, content_type: str) -> None:
    body = b'{"name": "' + b"x" * 65_536 + b'"}'
    response = caller.send("POST", CUSTOMERS, body, content_type=content_type)
    assert error_of(response) == (413, "request_too_large", None)


def test_a_body_without_a_length_is_refused(caller: Caller) -> None:
    response = caller.client.post(
        CUSTOMERS,
        headers={"Authorization": f"Bearer {caller.key}", "Transfer-Encoding": "chunked"},
        CONTENT_LENGTH="",
    )
    assert error_of(response) == (411, "length_required", None)


def test_another_media_type_is_refused(caller: Caller) -> None:
    response = caller.send("POST", CUSTOMERS, b"<a/>", content_type="text/xml")
    assert error_of(response) == (415, "media_type_unsupported", None)


def test_parameters_of_a_post_belong_in_its_body(caller: Caller) -> None:
    assert error_of(caller.post(f"{CUSTOMERS}?name=A", {})) == (400, "parameter_unknown", "name")


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/nothing/", "/customers/cus_1/friends", "/%00"])
def test_an_unknown_path_is_told_in_the_envelope(caller: Caller, path: str) -> None:
    assert error_of(caller.get(path)) == (404, "url_unknown", None)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE"])
def test_a_wrong_method_is_told_in_the_envelope(caller: Caller, method: str) -> None:
    response = caller.send(method, CUSTOMERS)
    assert error_of(response) == (405, "method_not_allowed", None)
    assert response["Allow"] == "GET, POST, HEAD"


@pytest.mark.parametrize(
    "path",
    [
        "/customers/cus_1",
        "/payment_intents/pi_1/",
        "/webhook_endpoints/we_1",
        "/events/evt_1",
        "/deliveries/dlv_1",
    ],
)
def test_what_is_no_id_is_an_object_that_is_not_there(caller: Caller, path: str) -> None:
    assert error_of(caller.get(path))[:2] == (404, "resource_missing")


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ({"limit": 0}, (400, "parameter_invalid_integer", "limit")),
        ({"limit": 101}, (400, "parameter_invalid_integer", "limit")),
        ({"limit": "ten"}, (400, "parameter_invalid_integer", "limit")),
        ({"page": 2}, (400, "parameter_unknown", "page")),
        ({"starting_after": "cus_1"}, (404, "resource_missing", "starting_after")),
        ({"starting_after": "cus_0000000000000000000000"}, (404, "resource_missing", "starting_after")),
        ({"ending_before": "cus_0000000000000000000000"}, (404, "resource_missing", "ending_before")),
        ({"created": "today"}, (400, "parameter_invalid_integer", "created")),
        ({"created[gte]": "9" * 19}, (400, "parameter_invalid_integer", "created[gte]")),
        ({"created[after]": "1"}, (400, "parameter_unknown", "created[after]")),
        (
            {"starting_after": "cus_0000000000000000000000", "ending_before": "cus_0000000000000000000000"},
            (400, "parameters_exclusive", "ending_before"),
        ),
        ({"expand[]": "data.friends"}, (400, "parameter_invalid_expand", "expand[0]")),
    ],
)
def test_a_list_that_cannot_be_made_is_refused(
    caller: Caller, query: dict[str, Any], refusal: Refusal
) -> None:
    assert error_of(caller.get(CUSTOMERS, **query)) == refusal


@pytest.mark.parametrize(
    ("path", "query", "refusal"),
    [
        ("/events/", {"type": "a.b"}, (400, "event_type_unknown", "type")),
        ("/deliveries/", {"state": "lost"}, (400, "parameter_invalid_choice", "state")),
        ("/deliveries/", {"endpoint": "we_1"}, (404, "resource_missing", "endpoint")),
        ("/deliveries/", {"starting_after": "dlv_0000000000000000000000"}, (404, "resource_missing", "starting_after")),
        ("/payment_intents/", {"customer": "x"}, (404, "resource_missing", "customer")),
    ],
)  # fmt: skip
def test_a_filter_that_fits_nothing_is_refused(
    caller: Caller, path: str, query: dict[str, Any], refusal: Refusal
) -> None:
    assert error_of(caller.get(path, **query)) == refusal


def test_confirming_twice_is_an_illegal_move(caller: Caller, bank: dict[str, Any]) -> None:
    intent = caller.intent()
    confirm = f"{INTENTS}{intent['id']}/confirm/"
    assert caller.post(confirm).json()["status"] == "processing"
    refused = caller.post(confirm)
    assert error_of(refused) == (400, "payment_intent_unexpected_state", None)
    assert refused.json()["error"]["payment_intent"]["status"] == "processing"
    assert caller.get(f"{INTENTS}{intent['id']}/").json()["status"] == "processing"


@pytest.mark.django_db(transaction=True)
def test_confirming_a_succeeded_intent_is_an_illegal_move(caller: Caller, bank: dict[str, Any]) -> None:
    intent = caller.intent(payment_method="pm_card_visa")
    confirm = f"{INTENTS}{intent['id']}/confirm/"
    assert caller.post(confirm).json()["status"] == "succeeded"
    assert error_of(caller.post(confirm)) == (400, "payment_intent_unexpected_state", None)
    assert caller.get(f"{INTENTS}{intent['id']}/").json()["status"] == "succeeded"


@pytest.mark.parametrize("key", ["", "k" * 256, "caf\xe9", "a\tb"])
def test_an_idempotency_key_that_is_none_is_refused(caller: Caller, key: str) -> None:
    assert error_of(caller.post(CUSTOMERS, {}, idempotency_key=key))[:2] == (400, "idempotency_key_invalid")
    assert not Customer.objects.exists()

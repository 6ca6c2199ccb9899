import json
import uuid
from itertools import pairwise

import pytest

from core.errors import UnknownEventType, UnknownVersion
from core.versions import (
    EVENT_TYPES,
    PLAIN,
    STRIPE,
    STRIPE_VERSIONS,
    VERSIONS,
    canonical_event_type,
    event_object,
    event_types,
    render,
    render_event,
    shown_event_type,
)
from outbox.facts import EventFacts

DATA = (
    '{"id":"pi_0352","object":"payment_intent","amount":2000,"last_payment_error":{"code":"no_account"},'
    '"metadata":{"name":"Zoë <b>\\"\\u0001"},"status":"requires_payment_method"}'
)
FAILED = EventFacts(
    id=uuid.UUID("01930d5a-1000-7000-8000-00000000002a"),
    owner="acct_1",
    type="payment_intent.payment_failed",
    object_id="pi_0352",
    data=DATA,
    request_id="req_9",
    idempotency_key='k"9',
)
CUSTOMER = '{"id":"cus_0352","object":"customer","balance":0,"metadata":{"tier":"2","new":"1"},"name":"Zoë"}'
UPDATED = FAILED._replace(
    type="customer.updated",
    object_id="cus_0352",
    data=CUSTOMER,
    request_id=None,
    idempotency_key=None,
    previous='{"balance":-500,"metadata":{"tier":"1","new":null},"name":null}',
)
ENVELOPE = (
    '{{"id":"evt_02yC6vLPOIBKax3MLQEtiM","object":"event","api_version":"{version}","created":1731095826,'
    '"data":{{"object":{data},"previous_attributes":{previous}}},"livemode":false,"pending_webhooks":1,'
    '"request":null,"type":"customer.updated"}}'
)
# Released versions never change: whoever edits these bytes breaks a promise to merchants.
GOLDEN_UPDATED = {
    version: ENVELOPE.format(version=version, data=CUSTOMER, previous=UPDATED.previous)
    for version in (STRIPE, PLAIN)
} | {
    version: ENVELOPE.format(
        version=version,
        data=CUSTOMER.replace('"balance"', '"account_balance"'),
        previous='{"account_balance":-500,"metadata":{"tier":"1","new":null},"name":null}',
    )
    for version in ("2019-10-08", "2018-11-08")
}
GOLDEN = {
    "2019-10-08": '{"id":"evt_02yC6vLPOIBKax3MLQEtiM","object":"event","api_version":"2019-10-08",'
    '"created":1731095826,'
    '"data":{"object":' + DATA + '},"livemode":false,"pending_webhooks":1,'
    '"request":{"id":"req_9","idempotency_key":"k\\"9"},"type":"payment_intent.payment_failed"}',
    "2018-11-08": '{"id":"evt_02yC6vLPOIBKax3MLQEtiM","object":"event","api_version":"2018-11-08",'
    '"created":1731095826,'
    '"data":{"object":' + DATA.replace("requires_payment_method", "requires_source") + '},"livemode":false,'
    '"pending_webhooks":1,"request":{"id":"req_9","idempotency_key":"k\\"9"},'
    '"type":"payment_intent.payment_failed"}',
    STRIPE: '{"id":"evt_02yC6vLPOIBKax3MLQEtiM","object":"event","api_version":"2026-10-28.endive",'
    '"created":1731095826,'
    '"data":{"object":' + DATA + '},"livemode":false,"pending_webhooks":1,'
    '"request":{"id":"req_9","idempotency_key":"k\\"9"},"type":"payment_intent.payment_failed"}',
    PLAIN: '{"id":"evt_02yC6vLPOIBKax3MLQEtiM","object":"event","api_version":"2026-11-22.plain",'
    '"created":1731095826,'
    '"data":{"object":' + DATA.replace("requires_payment_method", "failed") + '},"livemode":false,'
    '"pending_webhooks":1,"request":{"id":"req_9","idempotency_key":"k\\"9"},"type":"payment_intent.failed"}',
}


@pytest.mark.parametrize("version", list(VERSIONS))
def test_an_event_is_delivered_as_exactly_these_bytes(version):
    assert render_event(FAILED, version) == GOLDEN[version].encode()


@pytest.mark.parametrize("version", list(VERSIONS))
def test_an_event_of_a_change_is_delivered_as_exactly_these_bytes(version):
    assert render_event(UPDATED, version) == GOLDEN_UPDATED[version].encode()


@pytest.mark.parametrize("version", list(VERSIONS))
@pytest.mark.parametrize("facts", [FAILED, UPDATED])
def test_the_delivered_event_is_the_one_that_the_api_shows(facts, version):
    assert json.loads(render_event(facts, version)) == event_object(facts, version)


@pytest.mark.parametrize(
    ("version", "before", "after", "previous"),
    [
        (STRIPE, "requires_payment_method", "requires_confirmation", '{"status":"requires_payment_method"}'),
        ("2018-11-08", "requires_payment_method", "canceled", '{"status":"requires_source"}'),
        (PLAIN, "requires_payment_method", "requires_confirmation", "{}"),
        (PLAIN, "processing", "succeeded", '{"status":"processing"}'),
    ],
)
def test_previous_attributes_are_what_the_version_would_have_shown(version, before, after, previous):
    intent = {"id": "pi_1", "object": "payment_intent", "status": after, "last_payment_error": None}
    facts = FAILED._replace(data=json.dumps(intent), previous=json.dumps({"status": before}))
    shown = json.loads(render_event(facts, version))["data"]["previous_attributes"]
    assert shown == json.loads(previous)


def test_a_version_has_the_changes_of_every_newer_one():
    dated = sorted(STRIPE_VERSIONS, reverse=True)
    assert list(STRIPE_VERSIONS) == dated
    for newer, older in pairwise(dated):
        assert VERSIONS[older][: len(VERSIONS[newer])] == VERSIONS[newer]


def test_the_oldest_version_calls_payment_methods_sources():
    intent = {
        "object": "payment_intent",
        "next_action": {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank"}},
        "payment_method_types": ["card"],
        "status": "requires_action",
    }
    assert render(intent, "2018-11-08") == {
        "object": "payment_intent",
        "next_source_action": {"type": "authorize_with_url", "authorize_with_url": {"url": "https://bank"}},
        "allowed_source_types": ["card"],
        "status": "requires_source_action",
    }
    assert render(intent, "2019-10-08") == intent


def test_an_event_of_no_request_says_so():
    facts = EventFacts(
        id=FAILED.id,
        owner="acct_1",
        type="endpoint.test",
        object_id="we_1",
        data='{"object":"test"}',
        request_id=None,
        idempotency_key=None,
    )
    assert json.loads(render_event(facts, PLAIN))["request"] is None
    assert json.loads(render_event(facts, STRIPE))["data"] == {"object": {"object": "test"}}


@pytest.mark.parametrize(
    ("status", "error", "plain"),
    [
        ("requires_payment_method", None, "created"),
        ("requires_payment_method", {"code": "card_declined"}, "failed"),
        ("requires_confirmation", None, "created"),
        ("requires_action", None, "created"),
        ("processing", None, "processing"),
        ("requires_capture", None, "processing"),
        ("succeeded", None, "succeeded"),
        ("canceled", None, "canceled"),
        ("canceled", {"code": "card_declined"}, "canceled"),
    ],
)
def test_the_plain_version_shows_the_short_lifecycle(status, error, plain):
    intent = {"object": "payment_intent", "status": status, "last_payment_error": error}
    before = dict(intent)
    assert render(intent, PLAIN) == {**intent, "status": plain}
    assert render(intent, STRIPE) == intent == before


def test_other_objects_are_the_same_in_every_version():
    endpoint = {"object": "webhook_endpoint", "status": "processing", "balance": 0}
    assert [render(endpoint, version) for version in VERSIONS] == [endpoint] * len(VERSIONS)


@pytest.mark.parametrize("version", list(VERSIONS))
def test_every_event_name_comes_back_from_its_version(version):
    assert [canonical_event_type(shown_event_type(name, version), version) for name in EVENT_TYPES] == list(
        EVENT_TYPES
    )
    assert event_types(version) == [shown_event_type(name, version) for name in EVENT_TYPES]


def test_the_failure_of_a_payment_has_a_name_in_each_version():
    assert canonical_event_type("payment_intent.failed", PLAIN) == "payment_intent.payment_failed"
    with pytest.raises(UnknownEventType):
        canonical_event_type("payment_intent.failed", STRIPE)
    with pytest.raises(UnknownEventType):
        canonical_event_type("payment_intent.payment_failed", PLAIN)
    assert canonical_event_type("*", PLAIN) == "*"


def test_an_unknown_event_name_is_refused_with_the_nearest_there_is():
    with pytest.raises(UnknownEventType, match=r"Did you mean payment_intent\.succeeded\?") as refused:
        canonical_event_type("payment_intent.succeded", PLAIN)
    assert refused.value.nearest == "payment_intent.succeeded"


def test_an_unknown_version_is_refused():
    with pytest.raises(UnknownVersion):
        render_event(FAILED, "2011-01-01")

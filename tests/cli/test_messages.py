"""The words of the WebSocket: what the CLI reads, and what it may say to us."""

import json
import time
import uuid

import pytest
import stripe
from standardwebhooks.webhooks import Webhook

from api.cli_relay.messages import (
    Acknowledgement,
    ForwardedAnswer,
    request_log_event,
    webhook_events,
    word_of,
)
from api.models import RequestLog
from core.versions import PLAIN, STRIPE, render_event
from dispatcher.signing import SigningKeys, new_secret
from outbox.facts import EventFacts
from outbox.identifiers import encode_id, new_uuid

ID = new_uuid()
TOKEN = encode_id("clim", ID)


def _facts() -> EventFacts:
    return EventFacts(
        id=new_uuid(),
        owner="acct_1",
        type="customer.created",
        object_id="cus_1",
        data='{"id":"cus_1","object":"customer","name":"Jürgen 😀"}',
        request_id="req_1",
        idempotency_key=None,
    )


def _events(facts: EventFacts, secret: str, *, now: float, api_version: str = STRIPE) -> list[str]:
    keys = SigningKeys(secret)
    return webhook_events(ID, facts, api_version=api_version, keys=keys, now=now, user_agent="us")


def test_a_session_of_another_version_gets_that_one_and_the_latest() -> None:
    facts, secret = replaced(_facts(), "payment_intent.payment_failed"), new_secret()
    default, latest = (json.loads(text) for text in _events(facts, secret, now=1.0, api_version=PLAIN))
    assert json.loads(default["event_payload"])["type"] == "payment_intent.failed"
    assert json.loads(latest["event_payload"])["type"] == "payment_intent.payment_failed"
    assert latest["endpoint"]["api_version"] == STRIPE
    for message in (default, latest):
        header = message["http_headers"]["Stripe-Signature"]
        assert stripe.WebhookSignature.verify_header(message["event_payload"], header, secret)


def replaced(facts: EventFacts, type: str) -> EventFacts:
    intent = {"id": "pi_1", "object": "payment_intent", "status": "succeeded", "last_payment_error": None}
    return facts._replace(type=type, data=json.dumps(intent))


def test_an_event_comes_with_the_body_and_the_headers_of_a_delivery() -> None:
    facts, secret = _facts(), new_secret()
    now = 1_790_000_000.5
    texts = _events(facts, secret, now=now)
    default, latest = (json.loads(text) for text in texts)
    assert [default.pop("endpoint"), latest.pop("endpoint")] == [
        {"api_version": None},
        {"api_version": STRIPE},
    ]
    assert default == latest
    assert default["type"] == "webhook_event"
    assert default["webhook_id"] == default["webhook_conversation_id"] == TOKEN
    body = default["event_payload"].encode()
    assert body == render_event(facts, STRIPE)
    headers = default["http_headers"]
    assert (headers["User-Agent"], headers["webhook-id"]) == ("us", facts.public_id)
    signed = SigningKeys(secret).headers(message_id=facts.public_id, timestamp=int(now), body=body)
    assert headers.items() >= signed.items()
    assert stripe.WebhookSignature.verify_header(body.decode(), headers["Stripe-Signature"], secret)


def test_standard_webhooks_verifies_too() -> None:
    secret = new_secret()
    message = json.loads(_events(_facts(), secret, now=time.time())[0])
    assert Webhook(secret).verify(message["event_payload"], message["http_headers"])


def _row(**fields: object) -> RequestLog:
    values = {"id": new_uuid(), "method": "POST", "path": "/v1/customers", "status": 200, **fields}
    return RequestLog(**values)


def test_a_line_of_the_log_has_what_the_cli_prints() -> None:
    row = _row()
    message = json.loads(request_log_event(ID, row))
    assert (message["type"], message["request_log_id"]) == ("request_log_event", TOKEN)
    assert json.loads(message["event_payload"]) == {
        "created_at": int(row.created_at.timestamp()),
        "livemode": False,
        "method": "POST",
        "request_id": row.public_id,
        "status": 200,
        "url": "/v1/customers",
        "error": {},
    }


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (402, "card_declined", {"type": "card_error", "code": "card_declined"}),
        (404, "resource_missing", {"type": "invalid_request_error", "code": "resource_missing"}),
        (401, "invalid_request_error", {"type": "invalid_request_error"}),
        (409, "idempotency_key_in_use", {"type": "idempotency_error", "code": "idempotency_key_in_use"}),
        (500, "internal_error", {"type": "api_error", "code": "internal_error"}),
        (400, None, {"type": "invalid_request_error"}),
    ],
)
def test_a_refused_request_has_its_error(status: int, code: str | None, error: dict[str, str]) -> None:
    message = json.loads(request_log_event(ID, _row(status=status, error_code=code)))
    assert json.loads(message["event_payload"])["error"] == error


def test_an_acknowledgement_names_its_message() -> None:
    said = {"type": "event_ack", "event_token": TOKEN, "webhook_conversation_id": ""}
    assert word_of(json.dumps(said)) == Acknowledgement(ID)


def test_an_answer_is_kept_short_and_without_secrets() -> None:
    said = {
        "type": "webhook_response",
        "webhook_conversation_id": TOKEN,
        "webhook_id": TOKEN,
        "forward_url": "http://user:word@127.0.0.1:4242/hook?token=1",
        "status": 200,
        "body": "sk_test_" + "a" * 50 + "\0" + "x" * 20_000,
        "http_headers": {"Content-Type": "text/plain", "Set-Cookie": "session=1"},
    }
    word = word_of(json.dumps(said))
    assert isinstance(word, ForwardedAnswer)
    assert (word.message_id, word.status) == (ID, 200)
    assert len(word.body) <= 8_192
    assert "\0" not in word.body
    assert "sk_test_a" not in word.body
    assert json.loads(word.headers) == {"Content-Type": "text/plain"}
    assert "word" not in word.forward_url
    assert "token=1" not in word.forward_url


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"type":"shout"}',
        '{"type":"event_ack"}',
        '{"type":"event_ack","event_token":7}',
        '{"type":"event_ack","event_token":"evt_1"}',
        json.dumps({"type": "webhook_response", "webhook_conversation_id": TOKEN, "status": "200"}),
        json.dumps({"type": "webhook_response", "webhook_conversation_id": TOKEN, "status": 70_000}),
        json.dumps({"type": "webhook_response", "webhook_conversation_id": str(uuid.uuid4()), "status": 200}),
    ],
)
def test_what_names_no_message_is_passed_over(text: str) -> None:
    assert word_of(text) is None


def test_an_answer_with_strange_parts_is_kept_without_them() -> None:
    said = {
        "type": "webhook_response",
        "webhook_conversation_id": TOKEN,
        "status": 200,
        "body": {"no": "text"},
        "http_headers": ["no", "object"],
        "forward_url": None,
    }
    word = word_of(json.dumps(said))
    assert isinstance(word, ForwardedAnswer)
    assert (word.body, word.headers, word.forward_url) == ("", "{}", "")


@pytest.mark.parametrize("text", ["", "shout", "[]", '"a"', "[" * 100_000])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        word_of(text)

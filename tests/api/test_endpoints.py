"""Webhook endpoints and deliveries through the API."""

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from dispatcher.models import Attempt, Endpoint
from dispatcher.urls import check_addresses
from outbox.identifiers import decode_id, new_uuid
from outbox.models import Event
from tests.api.callers import HOOK, Caller, error_of


def test_the_secret_is_shown_when_it_is_new_and_never_again(caller: Caller) -> None:
    made = caller.endpoint()
    assert made["secret"].startswith("whsec_")
    assert "secret" not in caller.get(f"/webhook_endpoints/{made['id']}/").json()
    assert "secret" not in caller.get("/webhook_endpoints/").json()["data"][0]
    assert Endpoint.objects.get().secret != made["secret"]


def test_subscriptions_are_stored_canonical_and_shown_in_each_dialect(caller: Caller) -> None:
    made = caller.endpoint(enabled_events=["payment_intent.failed", "payment_intent.succeeded"])
    assert made["enabled_events"] == ["payment_intent.failed", "payment_intent.succeeded"]
    assert Endpoint.objects.get().enabled_events == [
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ]
    stripes = caller.get(f"/v1/webhook_endpoints/{made['id']}").json()
    assert stripes["enabled_events"] == ["payment_intent.payment_failed", "payment_intent.succeeded"]
    assert stripes["api_version"] == made["api_version"] == "2026-11-22.plain"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_update_changes_what_it_names(caller: Caller, method: str) -> None:
    made = caller.endpoint(metadata={"a": "1", "b": "2"}, description="first")
    path = f"/webhook_endpoints/{made['id']}/"
    changed = caller.send(method, path, {"metadata": {"a": "", "c": "3"}, "status": "disabled"}).json()
    assert changed["metadata"] == {"b": "2", "c": "3"}
    assert (changed["status"], changed["description"], changed["url"]) == ("disabled", "first", HOOK)
    assert caller.form(path, "metadata=&disabled=false&description=").json()["metadata"] == {}
    again = caller.get(path).json()
    assert (again["status"], again["description"]) == ("enabled", None)


INTERNAL = "10.20.30.40"


@pytest.mark.parametrize("answer", [[INTERNAL], ["93.184.216.34", INTERNAL], [f"::ffff:{INTERNAL}"]])
def test_the_refusal_of_a_name_does_not_tell_the_address_that_it_has_here(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    def resolve(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        return [(0, 0, 0, "", (address, 443)) for address in answer]

    made = caller.endpoint()
    monkeypatch.setattr("dispatcher.endpoints.check_addresses", partial(check_addresses, resolve=resolve))
    for path in ("/webhook_endpoints/", f"/webhook_endpoints/{made['id']}/"):
        refused = caller.post(path, {"url": "https://db.internal/", "enabled_events": ["*"]})
        assert error_of(refused) == (400, "url_invalid", "url")
        error = refused.json()["error"]
        assert error["failure_code"] == "blocked_address"
        assert error["message"] == "Invalid URL: db.internal leads to an address that is not allowed."
        assert INTERNAL not in refused.content.decode()


def test_the_refusal_of_an_address_names_it(caller: Caller) -> None:
    refused = caller.post("/webhook_endpoints/", {"url": f"https://{INTERNAL}/", "enabled_events": ["*"]})
    assert error_of(refused) == (400, "url_invalid", "url")
    assert f"{INTERNAL} is not a public address" in refused.json()["error"]["message"]


LIMITS = ("max_in_flight", "quantum", "rate_limit", "burst")


def test_limits_are_taken_shown_and_removed(caller: Caller) -> None:
    made = caller.endpoint(rate_limit=2.5, max_in_flight=8)
    assert [made[name] for name in LIMITS] == [8, 8, 2.5, 3]
    path = f"/webhook_endpoints/{made['id']}/"
    changed = caller.post(path, {"rate_limit": 20, "burst": 50, "quantum": 4}).json()
    assert [changed[name] for name in LIMITS] == [8, 4, 20, 50]
    assert [caller.get(path).json()[name] for name in LIMITS] == [8, 4, 20, 50]
    assert caller.form(path, "rate_limit=0.5").json()["rate_limit"] == 0.5
    for unset in ({"rate_limit": None}, {"rate_limit": ""}):
        assert caller.post(path, {"rate_limit": 1}).status_code == 200
        removed = caller.form(path, "rate_limit=") if unset["rate_limit"] == "" else caller.post(path, unset)
        assert [removed.json()[name] for name in LIMITS] == [8, 4, None, None]
    assert [caller.endpoint()[name] for name in LIMITS] == [64, 64, None, None]


def test_limits_are_not_part_of_stripes_object(caller: Caller) -> None:
    made = caller.endpoint(rate_limit=2)
    assert not set(LIMITS) & set(caller.get(f"/v1/webhook_endpoints/{made['id']}").json())


def test_order_is_an_option_of_an_endpoint(caller: Caller) -> None:
    assert [caller.endpoint()[name] for name in ("ordered", "on_dead_letter")] == [False, "continue"]
    made = caller.endpoint(ordered=True, on_dead_letter="stop")
    path = f"/webhook_endpoints/{made['id']}/"
    assert (made["ordered"], made["on_dead_letter"]) == (True, "stop")
    assert "ordered" not in caller.get(f"/v1{path}").json()
    changed = caller.form(path, "ordered=false").json()
    assert (changed["ordered"], changed["on_dead_letter"]) == (False, "stop")
    for parameters, refusal in (
        ({"ordered": "perhaps"}, (400, "parameter_invalid_boolean", "ordered")),
        ({"on_dead_letter": "wait"}, (400, "parameter_invalid_choice", "on_dead_letter")),
        ({"on_dead_letter": "stop"}, (400, "parameter_invalid", "on_dead_letter")),
    ):
        assert error_of(caller.post(path, parameters)) == refusal
        creation = {"url": HOOK, "enabled_events": ["*"], **parameters}
        assert error_of(caller.post("/webhook_endpoints/", creation)) == refusal


@pytest.mark.parametrize("dialect", ["", "/v1"])
def test_traceparent_is_an_option_of_an_endpoint(caller: Caller, dialect: str) -> None:
    plain = caller.endpoint()
    assert plain["send_traceparent"] is False
    path = f"/webhook_endpoints/{plain['id']}/"
    assert "send_traceparent" not in caller.get(f"/v1{path}").json()
    for given in (True, False):
        caller.form(f"{dialect}{path}", f"send_traceparent={str(given).lower()}")
        assert caller.get(path).json()["send_traceparent"] is given
    refusal = (400, "parameter_invalid_boolean", "send_traceparent")
    assert error_of(caller.post(f"{dialect}{path}", {"send_traceparent": "perhaps"})) == refusal
    creation = {"url": HOOK, "enabled_events": ["*"], "send_traceparent": "perhaps"}
    assert error_of(caller.post(f"{dialect}/webhook_endpoints", creation)) == refusal


def test_metadata_cannot_grow_past_its_limit_by_updates(caller: Caller) -> None:
    made = caller.endpoint(metadata={str(number): "v" for number in range(49)})
    path = f"/webhook_endpoints/{made['id']}/"
    assert caller.post(path, {"metadata": {"a": "1", "0": None, "b": "2"}}).status_code == 200
    assert error_of(caller.post(path, {"metadata": {"c": "3"}})) == (400, "metadata_too_large", "metadata")


def test_a_deleted_endpoint_is_gone_and_its_deliveries_stay(caller: Caller) -> None:
    delivery = caller.delivery()
    path = f"/webhook_endpoints/{delivery['endpoint']}/"
    deleted = caller.send("DELETE", path).json()
    assert deleted == {"id": delivery["endpoint"], "object": "webhook_endpoint", "deleted": True}
    assert error_of(caller.get(path))[:2] == (404, "resource_missing")
    assert caller.get(f"/deliveries/{delivery['id']}/").status_code == 200


def test_a_roll_gives_a_new_secret_and_says_how_long_the_old_one_signs(caller: Caller) -> None:
    made = caller.endpoint()
    rolled = caller.post(f"/webhook_endpoints/{made['id']}/roll_secret/").json()
    assert rolled["secret"] not in (None, made["secret"])
    assert rolled["previous_secret_expires_at"] is not None
    at_once = caller.post(f"/webhook_endpoints/{made['id']}/roll_secret/", {"overlap_seconds": 0}).json()
    assert at_once["previous_secret_expires_at"] is None


def test_an_account_has_a_limited_number_of_endpoints(caller: Caller) -> None:
    for _ in range(16):
        caller.endpoint()
    refused = caller.post("/webhook_endpoints/", {"url": HOOK, "enabled_events": ["*"]})
    assert error_of(refused) == (400, "webhook_endpoints_exceeded", None)


def test_a_test_event_is_a_manual_delivery_to_one_endpoint(caller: Caller) -> None:
    caller.endpoint()
    delivery = caller.delivery()
    assert (delivery["manual"], delivery["event_type"], delivery["state"]) == (
        True,
        "endpoint.test",
        "pending",
    )
    assert caller.get(f"/events/{delivery['event']}/").json()["pending_webhooks"] == 1


def test_a_resend_is_a_new_delivery_of_the_same_event(caller: Caller) -> None:
    delivery = caller.delivery()
    again = caller.post(f"/deliveries/{delivery['id']}/resend/")
    assert again.status_code == 201
    assert again.json()["event"] == delivery["event"]
    assert again.json()["id"] != delivery["id"]


def test_an_event_that_is_no_longer_kept_cannot_be_sent_again(caller: Caller) -> None:
    delivery = caller.delivery()
    Event.objects.all().delete()
    refused = caller.post(f"/deliveries/{delivery['id']}/resend/")
    assert error_of(refused) == (400, "event_expired", None)


def test_a_live_delivery_can_be_stopped_once(caller: Caller) -> None:
    delivery = caller.delivery()
    stop = f"/deliveries/{delivery['id']}/stop/"
    assert caller.post(stop).json()["state"] == "cancelled"
    assert error_of(caller.post(stop)) == (400, "delivery_unexpected_state", None)


def test_a_delivery_shows_its_attempts_with_the_response_escaped_and_masked(caller: Caller) -> None:
    delivery = caller.delivery()
    response = (
        b"HTTP/1.1 500 No\r\nSet-Cookie: session=abc\r\nX-Signature: v1=dead\r\nServer: x\r\n\r\n"
        b"\x00\xff <b>sk_test_0123456789</b>"
    )
    _attempt(delivery, number=1, status=500, response=response)
    shown = caller.get(f"/deliveries/{delivery['id']}/").json()["attempts"][0]
    assert shown["response"] == (
        "HTTP/1.1 500 No\nSet-Cookie: [redacted]\nX-Signature: [redacted]\nServer: x\n\n"
        "\\x00\\xff <b>[redacted]</b>"
    )
    assert (shown["number"], shown["status"], shown["milliseconds"]["total"]) == (1, 500, 12.5)


def _attempt(delivery: dict[str, Any], **fields: Any) -> None:
    Attempt.objects.create(
        id=new_uuid(),
        delivery_id=decode_id("dlv", delivery["id"]),
        endpoint_id=decode_id("we", delivery["endpoint"]),
        event_id=decode_id("evt", delivery["event"]),
        claim_no=1,
        started_at=timezone.now(),
        outcome="failed",
        total_ms=12.5,
        **fields,
    )

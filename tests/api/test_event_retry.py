"""`POST /v1/events/{id}/retry`: an event once more, to an endpoint or to the CLIs that listen."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api.cli_relay.feed import leave_session, open_session
from api.models import CliMessage, CliSession
from dispatcher.models import Delivery
from outbox.identifiers import decode_id
from outbox.models import Event
from tests.api.callers import Caller, error_of


@pytest.fixture
def event(caller: Caller) -> Event:
    caller.customer()
    return Event.objects.get(owner=caller.account.public_id)


def _listening(caller: Caller, feature: str = "webhooks") -> CliSession:
    token = caller.form("/v1/stripecli/sessions", f"websocket_features[]={feature}").json()["websocket_id"]
    listener = open_session(token)
    assert listener is not None
    return CliSession.objects.get(id=listener.session_id)


def test_it_goes_to_an_endpoint_that_was_never_sent_it(caller: Caller, event: Event) -> None:
    endpoint = caller.endpoint(enabled_events=["customer.created"])
    response = caller.form(f"/v1/events/{event.public_id}/retry", f"webhook_endpoint={endpoint['id']}")
    assert (response.status_code, response.json()["id"]) == (200, event.public_id)
    delivery = Delivery.objects.get()
    assert (delivery.endpoint_id, delivery.event_id) == (decode_id("we", endpoint["id"]), event.id)
    assert delivery.resend_no == 1
    assert response.json()["pending_webhooks"] == 1


def test_it_goes_to_every_cli_of_the_account_that_listens(
    caller: Caller, other_caller: Caller, event: Event
) -> None:
    sessions = {_listening(caller).id, _listening(caller).id}
    _listening(caller, "request_logs")
    _listening(other_caller)
    response = caller.form(f"/v1/events/{event.public_id}/retry", "for_stripecli=true")
    assert (response.status_code, response.json()["id"]) == (200, event.public_id)
    made = list(CliMessage.objects.values_list("session_id", "subject_id", "manual"))
    assert sorted(made) == sorted((session, event.id, True) for session in sessions)


def test_without_a_cli_that_listens_it_is_refused_as_stripe_does(caller: Caller, event: Event) -> None:
    caller.form("/v1/stripecli/sessions", "websocket_features[]=webhooks")
    response = caller.form(f"/v1/events/{event.public_id}/retry", "for_stripecli=true")
    assert error_of(response) == (400, None, "for_stripecli")
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert "Run 'stripe listen'" in response.json()["error"]["message"]


def test_a_cli_that_connects_anew_still_listens_for_a_moment(caller: Caller, event: Event) -> None:
    token = caller.form("/v1/stripecli/sessions", "websocket_features[]=webhooks").json()["websocket_id"]
    listener = open_session(token)
    assert listener is not None
    leave_session(listener)
    path = f"/v1/events/{event.public_id}/retry"
    assert caller.form(path, "for_stripecli=true").status_code == 200
    CliSession.objects.update(seen_at=Now() - timedelta(seconds=11))
    assert caller.form(path, "for_stripecli=true").status_code == 400


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", (400, "parameter_missing", "webhook_endpoint")),
        ("for_stripecli=false", (400, "parameter_missing", "webhook_endpoint")),
        ("webhook_endpoint=we_1", (404, "resource_missing", "webhook_endpoint")),
        ("for_stripecli=1", (400, "parameter_invalid_boolean", "for_stripecli")),
    ],
)
def test_a_receiver_must_be_named(
    caller: Caller, event: Event, body: str, error: tuple[int, str, str]
) -> None:
    assert error_of(caller.form(f"/v1/events/{event.public_id}/retry", body)) == error


def test_two_receivers_are_one_too_many(caller: Caller, event: Event) -> None:
    body = f"for_stripecli=true&webhook_endpoint={caller.endpoint()['id']}"
    response = caller.form(f"/v1/events/{event.public_id}/retry", body)
    assert error_of(response) == (400, "parameters_exclusive", "for_stripecli")


def test_events_and_endpoints_of_others_are_not_there(
    caller: Caller, other_caller: Caller, event: Event
) -> None:
    foreign = other_caller.endpoint()["id"]
    response = caller.form(f"/v1/events/{event.public_id}/retry", f"webhook_endpoint={foreign}")
    assert error_of(response)[:2] == (404, "resource_missing")
    _listening(other_caller)
    response = other_caller.form(f"/v1/events/{event.public_id}/retry", "for_stripecli=true")
    assert error_of(response) == (404, "resource_missing", "id")
    assert not Delivery.objects.exists()
    assert not CliMessage.objects.exists()

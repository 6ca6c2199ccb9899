"""`POST /v1/stripecli/sessions`: what the Stripe CLI is told before it opens its WebSocket."""

import base64
import json
from typing import Any

import pytest

from api.cli_relay.sessions import token_hash
from api.models import CliSecret, CliSession, RequestLog
from core.versions import STRIPE
from tests.api.callers import Caller, error_of

PATH = "/v1/stripecli/sessions"


def _session(caller: Caller, text: str = "websocket_features[]=webhooks", **options: Any) -> dict[str, Any]:
    response = caller.form(PATH, f"device_name=laptop&{text}", **options)
    assert response.status_code == 200, response.content
    session: dict[str, Any] = response.json()
    return session


def test_a_session_says_where_to_listen_and_what_signs(caller: Caller, settings: Any) -> None:
    settings.CLI_RELAY = {**settings.CLI_RELAY, "URL": "wss://relay.test/"}
    session = _session(caller, "websocket_features[]=webhooks&forward_to_url=http://127.0.0.1:4242/hook")
    row = CliSession.objects.get(token_hash=token_hash(session["websocket_id"]))
    assert (row.account_id, row.feature) == (caller.account.id, "webhooks")
    assert (row.device_name, row.forward_url) == ("laptop", "http://127.0.0.1:4242/hook")
    assert session["websocket_url"] == "wss://relay.test/"
    assert session["websocket_authorized_feature"] == "webhooks"
    assert session["default_version"] == session["latest_version"] == STRIPE
    assert session["reconnect_delay"] > 0
    assert session["device_token"] == row.public_id
    assert len(base64.b64decode(session["secret"].removeprefix("whsec_"), validate=True)) == 24


def test_the_token_is_kept_as_a_hash_only(caller: Caller) -> None:
    token = _session(caller)["websocket_id"]
    kept = CliSession.objects.values_list(named=False).get()
    assert token not in str(kept)
    assert bytes(CliSession.objects.get().token_hash) == token_hash(token)


def test_the_secret_is_one_for_an_account_and_sealed(caller: Caller, other_caller: Caller) -> None:
    first, second = _session(caller), _session(caller)
    assert first["secret"] == second["secret"]
    assert first["websocket_id"] != second["websocket_id"]
    assert _session(other_caller)["secret"] != first["secret"]
    sealed = CliSecret.objects.get(account_id=caller.account.id).sealed_secret
    assert first["secret"] not in sealed


def test_a_retry_under_a_key_gets_the_same_session(caller: Caller) -> None:
    assert _session(caller, idempotency_key="k") == _session(caller, idempotency_key="k")
    assert CliSession.objects.count() == 1


@pytest.mark.parametrize(
    ("asked", "authorized"),
    [
        ("websocket_features[]=request_logs", "request_logs"),
        ("websocket_features[]=event_destinations&websocket_features[]=webhooks", "webhooks"),
    ],
)
def test_the_first_feature_that_exists_is_authorized(caller: Caller, asked: str, authorized: str) -> None:
    assert _session(caller, asked)["websocket_authorized_feature"] == authorized


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("device_name=a", (400, "parameter_missing", "websocket_features")),
        ("websocket_features[]=issuing", (400, "parameter_invalid_choice", "websocket_features")),
        ("websocket_features[]=webhooks&color=red", (400, "parameter_unknown", "color")),
    ],
)
def test_what_cannot_be_served_is_refused(caller: Caller, body: str, error: tuple[int, str, str]) -> None:
    assert error_of(caller.form(PATH, body)) == error
    assert not CliSession.objects.exists()


def test_filters_of_the_log_are_kept(caller: Caller) -> None:
    given = {"filter_http_method": ["post"], "filter_request_path": ["/v1/customers/"], "filter_source": [],
             "filter_status_code_type": ["4xx", "500"]}  # fmt: skip
    response = caller.post(PATH, {"websocket_features": ["request_logs"], "filters": json.dumps(given)})
    assert response.json()["display_connect_filter_warning"] is False
    assert CliSession.objects.get().filters == {
        "filter_http_method": ["POST"],
        "filter_request_path": ["/v1/customers"],
        "filter_status_code_type": ["400", "500"],
    }


def test_a_filter_by_account_is_warned_of(caller: Caller) -> None:
    filters = json.dumps({"filter_account": ["connect_in"]})
    response = caller.post(PATH, {"websocket_features": ["request_logs"], "filters": filters})
    assert response.json()["display_connect_filter_warning"] is True


@pytest.mark.parametrize(
    "filters",
    ["{", "[]", "1", '{"filter_color":["red"]}', '{"filter_source":"API"}', '{"filter_ip_address":["10.0.0.1"]}',
     '{"filter_source":["\\u0000"]}', '{"filter_source":[1]}', "[" * 4_000],
)  # fmt: skip
def test_filters_that_cannot_be_kept_are_refused(caller: Caller, filters: str) -> None:
    response = caller.post(PATH, {"websocket_features": ["request_logs"], "filters": filters})
    assert error_of(response) == (400, "parameter_invalid", "filters")


def test_the_request_log_holds_neither_token_nor_secret(caller: Caller) -> None:
    session = _session(caller, idempotency_key="k")
    logged = str(list(RequestLog.objects.values_list()))
    assert session["websocket_id"] not in logged
    assert session["secret"] not in logged

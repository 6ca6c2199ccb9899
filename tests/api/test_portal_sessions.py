"""`/portal_sessions/`: links to the portal, whom they let in and for how long."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from api.models import PortalSession
from api.portal.origins import checked_origins
from api.portal.sessions import find_session, forget_sessions, token_hash
from core.api_keys import create_api_key, key_uuid, revoke_api_key
from core.key_scopes import KeyKind
from core.versions import PLAIN, STRIPE
from tests.api.callers import Caller, error_of


def _token(made: dict[str, Any]) -> str:
    token: str = made["url"].split("/")[-2]
    return token


def test_a_link_is_shown_once_and_kept_as_a_hash(caller: Caller, settings: Any) -> None:
    settings.PUBLIC_URL = "https://pay.example"
    made = caller.post("/portal_sessions/", {"expires_in": 600}).json()
    assert made["object"] == "portal_session"
    assert made["status"] == "active"
    assert made["expires_at"] - made["created"] in (600, 601)
    assert made["url"].startswith("https://pay.example/portal/pst_")
    row = PortalSession.objects.get()
    assert bytes(row.token_hash) == token_hash(_token(made))
    shown = caller.get(f"/portal_sessions/{made['id']}/").json()
    assert shown == {name: value for name, value in made.items() if name != "url"}


def test_without_a_time_it_is_good_for_an_hour(caller: Caller) -> None:
    made = caller.form("/v1/portal_sessions", "").json()
    assert made["expires_at"] - made["created"] in (3_600, 3_601)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"expires_in": 3_601}, "parameter_invalid_integer", "expires_in"),
        ({"expires_in": 59}, "parameter_invalid_integer", "expires_in"),
        ({"expires_in": "600"}, "parameter_invalid_integer", "expires_in"),
        ({"allowed_origins": "https://shop.example"}, "parameter_invalid_array", "allowed_origins"),
        ({"allowed_origins": ["https://a.example"] * 11}, "parameter_too_long", "allowed_origins"),
        ({"allowed_origins": ["https://a.example", "*"]}, "origin_invalid", "allowed_origins[1]"),
        ({"return_url": "https://shop.example"}, "parameter_unknown", "return_url"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    caller: Caller, fields: dict[str, Any], code: str, param: str
) -> None:
    assert error_of(caller.post("/portal_sessions/", fields)) == (400, code, param)
    assert not PortalSession.objects.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://Shop.Example:443/", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(given: str, kept: str) -> None:
    assert checked_origins([given, kept]) == [kept]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("shop.example", "must begin with https://"),
        ("http://shop.example", "must be https"),
        ("javascript:alert(1)", "must begin with https://"),
        ("data:text/html,x", "no spaces, wildcards"),
        ("https://", "must begin with https:// and a host"),
        ("https://*.example", "wildcards"),
        ("https://shop.example/page", "no path"),
        ("https://shop.example?x", "no path, query"),
        ("https://shop.example#", "no path, query"),
        ("https://ada:x@shop.example", "user name"),
        ("https://shop.example 'unsafe-inline'", "no spaces"),
        ("https://shop.example;script-src", "separators"),
        ("https://shop.example,https://b.example", "separators"),
        ("https://shop.example\r\nX-Evil: 1", "no spaces"),
        ("https://bücher.example", "xn--"),
        ("https://shop_1.example", "not a valid name"),
        ("https://-shop.example", "not a valid name"),
        ("https://shop..example", "not a valid name"),
        ("https://shop.example:99999", "its port"),
        ("https://shop.example:0", "port 0"),
        ("https://[::1", "not valid"),
        ("null", "must begin with https://"),
    ],
)
def test_what_is_no_origin_is_refused_with_the_reason(caller: Caller, given: str, reason: str) -> None:
    refused = caller.post("/portal_sessions/", {"allowed_origins": [given]})
    assert error_of(refused) == (400, "origin_invalid", "allowed_origins[0]")
    assert reason in refused.json()["error"]["message"]


def test_a_link_opens_its_account_in_the_dialect_it_was_asked_in(caller: Caller) -> None:
    plain, stripe = (
        _token(caller.post(path, {}).json()) for path in ("/portal_sessions/", "/v1/portal_sessions")
    )
    opened = find_session(plain)
    assert opened is not None
    assert (opened.owner, opened.account_name) == (caller.account.public_id, caller.account.name)
    assert opened.api_version == PLAIN
    by_stripe = find_session(stripe)
    assert by_stripe is not None
    assert by_stripe.api_version == STRIPE


def test_a_link_ends_with_its_time_its_revocation_and_its_key(caller: Caller) -> None:
    expired, revoked, keyless = (caller.post("/portal_sessions/", {}).json() for _ in range(3))
    rows = PortalSession.objects.order_by("id")
    assert all(find_session(_token(made)) is not None for made in (expired, revoked, keyless))
    rows.filter(token_hash=token_hash(_token(expired))).update(expires_at=timezone.now())
    assert find_session(_token(expired)) is None
    assert caller.get(f"/portal_sessions/{expired['id']}/").json()["status"] == "expired"
    gone = caller.send("DELETE", f"/portal_sessions/{revoked['id']}/")
    assert gone.json() == {"id": revoked["id"], "object": "portal_session", "deleted": True}
    assert find_session(_token(revoked)) is None
    assert caller.get(f"/portal_sessions/{revoked['id']}/").json()["status"] == "revoked"
    assert caller.key is not None
    revoke_api_key(key_uuid(caller.key))
    assert find_session(_token(keyless)) is None


def test_revoking_again_changes_nothing(caller: Caller) -> None:
    made = caller.post("/portal_sessions/", {}).json()
    path = f"/v1/portal_sessions/{made['id']}"
    moments: list[datetime | None] = []
    for _ in range(2):
        assert caller.send("DELETE", path).status_code == 200
        moments.append(PortalSession.objects.get().revoked_at)
    assert moments[0] == moments[1] is not None


@pytest.mark.django_db(transaction=True)
def test_the_same_request_under_its_key_gets_the_same_link(caller: Caller) -> None:
    first, again = (
        caller.post("/portal_sessions/", {"expires_in": 60}, idempotency_key="once") for _ in range(2)
    )
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert PortalSession.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT encode(body, 'escape'), sealed FROM api_idempotency_key")
        body, sealed = cursor.fetchone()
    assert sealed
    assert _token(first.json()) not in body


def test_a_restricted_key_needs_the_scope(caller: Caller) -> None:
    key = create_api_key(
        account=caller.account, name="k", kind=KeyKind.RESTRICTED, scopes={"portal_sessions": "write"}
    )
    assert Caller(account=caller.account, key=key).post("/portal_sessions/", {}).status_code == 201


def test_sessions_are_forgotten_a_week_after_they_ended(caller: Caller) -> None:
    old, new = (caller.post("/portal_sessions/", {}).json() for _ in range(2))
    week = timezone.now() - timedelta(days=7, minutes=1)
    PortalSession.objects.filter(token_hash=token_hash(_token(old))).update(expires_at=week)
    assert forget_sessions(limit=10) == 1
    assert [row.public_id for row in PortalSession.objects.all()] == [new["id"]]

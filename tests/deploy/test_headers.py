"""Security headers stand on every answer of every kind, whoever makes it: views, refusals, pages, files, faults."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponseBase
from django.test import Client

from api.views.customers import CustomersView
from core.accounts import create_account
from core.api_keys import create_api_key
from tests.api.callers import Caller

pytestmark = pytest.mark.django_db

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
BUNDLE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
# Kind of route → (method, path, status); asked by a stranger.
STRANGERS = {
    "no key": ("GET", "/customers/", 401),
    "no key, Stripe's dialect": ("POST", "/v1/payment_intents", 401),
    "unknown path": ("GET", "/nothing/here", 404),
    "probe": ("GET", "/healthz", 200),
    "readiness": ("GET", "/readyz", 200),
    "schema": ("GET", "/schema/", 200),
    "docs": ("GET", "/docs/", 200),
    "file": ("GET", BUNDLE, 200),
    "no such file": ("GET", "/static/drf_spectacular_sidecar/nothing.js", 404),
    "no such payer": ("GET", "/authenticate/pi_1_secret_2/", 404),
    "page by another method": ("DELETE", "/authenticate/pi_1_secret_2/", 404),
    "options": ("OPTIONS", "/customers/", 401),
}
KEPT = {"schema": "max-age=300", "docs": "no-store", "file": "max-age=86400, public"}


@pytest.fixture
def caller() -> Caller:
    account = create_account(name="Shop")
    return Caller(account=account, key=create_api_key(account=account, name="tests"))


def assert_hardened(answer: HttpResponseBase, *, cache: str = "no-store") -> None:
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    assert answer["Cache-Control"] == cache
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["Content-Security-Policy"].startswith("default-src 'none';")
    assert "unsafe" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_a_stranger_gets(kind: str) -> None:
    method, path, status = STRANGERS[kind]
    answer = Client().generic(method, path)
    assert answer.status_code == status
    answer.close()
    assert_hardened(answer, cache=KEPT.get(kind, "no-store"))


def _fails(error: Exception) -> Callable[..., Any]:
    def get(*_: Any, **__: Any) -> None:
        raise error

    return get


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/customers/", None, 200),
        ("POST", "/customers/", {}, 201),
        ("POST", "/payment_intents/", {"amount": -1}, 400),
        ("POST", "/payment_intents/", b"{", 400),
        ("GET", "/customers/cus_0000000000000000000000/", None, 404),
        ("DELETE", "/customers/", None, 405),
        ("POST", "/customers/", b'{"name": "' + b"n" * 70_000 + b'"}', 413),
    ],
)
def test_what_a_merchant_gets(caller: Caller, method: str, path: str, body: Any, status: int) -> None:
    answer = caller.send(method, path, body)
    assert answer.status_code == status
    assert_hardened(answer)


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("ours"), 500), (OperationalError("gone"), 503)])
def test_what_comes_of_a_fault(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    monkeypatch.setattr(CustomersView, "get", _fails(error))
    answer = caller.get("/customers/")
    assert answer.status_code == status
    assert_hardened(answer)


@pytest.mark.django_db(transaction=True)
def test_a_refused_host_and_a_limited_caller(caller: Caller, settings: Any) -> None:
    refused = Client().get("/customers/", headers={"host": "evil.example"})
    assert refused.status_code == 400
    assert_hardened(refused)
    settings.API_RATE_LIMIT = 0.001
    assert [caller.get("/customers/").status_code for _ in range(2)] == [200, 429]
    assert_hardened(caller.get("/customers/"))


def test_the_page_of_a_payer_runs_and_loads_nothing_but_its_own_style(caller: Caller) -> None:
    intent = caller.intent(payment_method="pm_card_authenticationRequired", confirm=True)
    for answer in (
        caller.client.get(f"/authenticate/{intent['client_secret']}/"),
        caller.client.post(f"/authenticate/{intent['client_secret']}/", {"outcome": "neither"}),
        caller.client.post(f"/authenticate/{intent['client_secret']}/", {"outcome": "failed"}),
        caller.client.delete(f"/authenticate/{intent['client_secret']}/"),
    ):
        assert_hardened(answer)
    policy = caller.client.get(f"/authenticate/{intent['client_secret']}/")["Content-Security-Policy"]
    assert "script-src" not in policy
    assert re.search(r"style-src 'sha256-[\w+/]{43}='", policy)


@pytest.mark.parametrize("secure", [True, False])
def test_browsers_are_told_to_stay_on_https_in_production(settings: Any, secure: bool) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    forwarded = {"X-Forwarded-Proto": "https" if secure else "http"}
    for _, path, _ in STRANGERS.values():
        answer = Client().get(path, headers=forwarded)
        answer.close()
        assert answer.headers.get("Strict-Transport-Security") == ("max-age=31536000" if secure else None)

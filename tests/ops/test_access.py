"""Who opens the operations pages, and what strangers and old forms get."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.test import Client, RequestFactory

from api.ops.roles import Role
from api.ops.urls import urlpatterns

pytestmark = pytest.mark.django_db
People = Callable[[Role | None], User]
Browsers = Callable[[Role | None], Client]


def test_a_stranger_is_sent_to_the_login_and_back_afterwards(person: People) -> None:
    person(Role.VIEWER)
    client = Client(enforce_csrf_checks=True)
    sent = client.get("/ops/?range=1h")
    assert (sent.status_code, sent["Location"]) == (302, "/ops/login/?next=%2Fops%2F%3Frange%3D1h")
    asked = client.get(sent["Location"])
    assert 'value="/ops/?range=1h"' in asked.content.decode()
    form = {
        "username": "viewer",
        "password": "only for these tests 1",
        "next": "/ops/?range=1h",
        "csrfmiddlewaretoken": client.cookies["ministripe_csrf"].value,
    }
    assert client.post("/ops/login/", {**form, "password": "wrong"}).status_code == 400
    logged_in = client.post("/ops/login/", form)
    assert (logged_in.status_code, logged_in["Location"]) == (302, "/ops/?range=1h")
    assert client.get("/ops/").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/docs/", "/ops/../docs/\n"]
)
def test_the_login_leads_to_no_page_of_others(person: People, elsewhere: str) -> None:
    person(Role.VIEWER)
    form = {"username": "viewer", "password": "only for these tests 1", "next": elsewhere}
    sent = Client().post("/ops/login/", form)
    assert sent.status_code == 302
    assert sent["Location"].startswith("/ops/")


def _pages(patterns: Sequence[Any]) -> list[Any]:
    """The views below `/ops/` that are for people of a role."""
    return [entry.callback for entry in patterns if hasattr(entry.callback, "least_role")]


@pytest.mark.parametrize("view", _pages(urlpatterns), ids=lambda view: view.__name__)
def test_every_page_is_closed_to_strangers_and_to_staff_without_a_role(view: Any, person: People) -> None:
    request = RequestFactory().get("/ops/anything/")
    request.user = AnonymousUser()
    assert view(request)["Location"].startswith("/ops/login/?next=")
    request.user, request.session = person(None), SessionStore()
    with pytest.raises(PermissionDenied):
        view(request)


def test_staff_without_a_role_is_told_who_may(browser: Browsers) -> None:
    answer = browser(None).get("/ops/")
    assert answer.status_code == 403
    assert "needs the role viewer; nobody has no role" in answer.content.decode()


def test_a_form_without_its_token_changes_nothing(browser: Browsers) -> None:
    client = browser(Role.VIEWER)
    answer = client.post("/ops/logout/")
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()
    assert client.get("/ops/").status_code == 200


def test_unknown_pages_say_so_as_a_page(browser: Browsers) -> None:
    answer = browser(Role.VIEWER).get("/ops/nothing/here")
    assert answer.status_code == 404
    assert "There is no page /ops/nothing/here." in answer.content.decode()
    harmless = browser(None).get("/ops/no%00thing/%E2%80%AE%3Cb%3E/" + "a" * 5_000).content.decode()
    assert f"There is no page /ops/no?thing/?&lt;b&gt;/{'a' * 81}." in harmless
    assert answer["Content-Type"].startswith("text/html")


def test_cookies_are_for_these_pages_alone(person: People) -> None:
    person(Role.VIEWER)
    client = Client()
    client.post("/ops/login/", {"username": "viewer", "password": "only for these tests 1"})
    session = client.cookies["ministripe_session"]
    assert (session["path"], session["httponly"], session["samesite"]) == ("/ops/", True, "Lax")


@pytest.mark.parametrize("path", ["/ops/login/", "/ops/", "/ops/nothing"])
def test_pages_run_and_load_nothing_but_our_files(browser: Browsers, path: str) -> None:
    answer = browser(Role.VIEWER).get(path)
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer["Cache-Control"] == "no-store"
    body = answer.content.decode()
    assert " style=" not in body
    assert "<style" not in body
    assert "<script>" not in body


def test_forms_of_pages_tell_their_origin_to_us_alone(person: People) -> None:
    answer = Client().get("/ops/login/")
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (OperationalError("the connection is closed"), 503, "The database did not answer."),
        (RuntimeError("a fault of ours"), 500, "The fault is ours, and was written down."),
    ],
)
def test_a_page_that_failed_is_a_page_that_says_so(
    browser: Browsers, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int, words: str
) -> None:
    def fail(**_: Any) -> None:
        raise fault

    monkeypatch.setattr("api.ops.views.overview.overview", fail)
    answer = browser(Role.VIEWER).get("/ops/")
    text = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert words in text
    assert answer["Request-Id"] in text
    assert str(fault) not in text
    assert answer["Cache-Control"] == "no-store"
    assert ("Retry-After" in answer) == (status == 503)


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        ("name=" + "x" * 70_000, "application/x-www-form-urlencoded", 413, "larger than forms may be"),
        ("x=1&" * 1_001, "application/x-www-form-urlencoded", 400, "could not be read"),
        ("no form", "multipart/form-data", 400, "could not be read"),
    ],
)
def test_a_form_that_cannot_be_read_is_told_of_by_a_page(
    browser: Browsers, body: str, kind: str, status: int, words: str
) -> None:
    client = browser(Role.ADMIN)
    client.get("/ops/people/new/")
    answer = client.post("/ops/people/new/", body, content_type=kind)
    assert answer.status_code == status
    assert words in answer.content.decode()

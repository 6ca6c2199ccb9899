"""Who may show the portal in a frame, and what its pages load and keep."""

import pytest
from django.db import OperationalError
from django.test import Client

from tests.portal.visitors import Visitor, visit

pytestmark = pytest.mark.django_db


def test_no_page_may_frame_a_link_that_names_none(visitor: Visitor) -> None:
    answer = visitor.get()
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"


def test_the_origins_of_a_link_and_no_others_may_frame_it(visitor: Visitor) -> None:
    origins = ["https://shop.example", "http://localhost:3000"]
    framed = visit(visitor.caller, allowed_origins=origins)
    for below in ("", "deliveries/", "nowhere/", "find/"):
        answer = framed.get(below)
        policy = answer["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors https://shop.example http://localhost:3000")
        assert "X-Frame-Options" not in answer
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "no-store"


def test_a_page_that_says_that_its_link_ended_may_be_framed_and_has_nothing_to_press() -> None:
    answer = Client().get("/portal/pst_nobody/")
    assert "frame-ancestors *" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    body = answer.content.decode()
    assert "/portal/" not in body
    assert 'method="post"' not in body


def test_a_page_that_failed_is_shown_where_it_stands_and_has_nothing_to_press(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("the connection is closed")

    monkeypatch.setattr("api.portal.views.events.slice_of", fail)
    answer = visitor.get("events/")
    assert answer.status_code == 503
    assert "The database did not answer." in answer.content.decode()
    assert "frame-ancestors *" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    assert visitor.root not in answer.content.decode()


def test_pages_run_and_load_nothing_but_our_files_and_set_no_cookie(visitor: Visitor) -> None:
    made = visitor.caller.delivery()
    for below in (
        "",
        "endpoints/new/",
        f"deliveries/{made['id']}/",
        f"endpoints/{made['endpoint']}/",
        "nowhere/",
    ):
        answer = visitor.get(below)
        policy = answer["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert not answer.cookies
        body = answer.content.decode()
        for inline in (" style=", "<style", "<script>", " onclick="):
            assert inline not in body


def test_a_link_without_its_last_slash_leads_on(visitor: Visitor) -> None:
    answer = visitor.client.get(visitor.root.rstrip("/"))
    assert (answer.status_code, answer["Location"]) == (303, visitor.root)


def test_a_page_that_is_no_form_takes_none(visitor: Visitor) -> None:
    answer = visitor.client.post(visitor.root + "deliveries/")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


@pytest.mark.django_db(transaction=True)
def test_who_looks_too_often_is_told_to_wait(visitor: Visitor, settings: object) -> None:
    settings.API_RATE_LIMIT = 0.001  # type: ignore[attr-defined]
    assert [visitor.get().status_code for _ in range(2)] == [200, 429]
    refused = visitor.get()
    assert int(refused["Retry-After"]) > 0
    assert "One moment" in refused.content.decode()
    assert visitor.caller.get("/events/").status_code == 200  # a program has a bucket of its own

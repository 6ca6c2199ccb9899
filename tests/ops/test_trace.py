"""The page of a trace: any id in one box."""

from collections.abc import Callable

import pytest
from django.test import Client

from api.ops.roles import Role
from outbox.identifiers import encode_id, new_uuid
from tests.api.callers import HOOK, Caller
from tests.api.conftest import caller
from tests.dispatcher.scenes import REFUSED, claim, fan_out, finish
from tests.ops.test_delivery import page, words

__all__ = ["caller"]
pytestmark = pytest.mark.django_db
Browsers = Callable[[Role | None], Client]


def test_the_box_says_what_can_be_asked(browser: Browsers) -> None:
    told = words(page(browser(Role.VIEWER), "/ops/trace/"))
    assert "What can be traced req_… request pi_… payment" in told


def test_a_payment_is_traced_to_every_endpoints_decision(caller: Caller, browser: Browsers) -> None:
    caller.endpoint()
    caller.endpoint(url=f"{HOOK}/other", enabled_events=["refund.created"])
    payment = caller.intent(description="<i>")["id"]
    fan_out()
    finish(claim(), REFUSED)
    client = browser(Role.VIEWER)
    body = page(client, f"/ops/trace/?id=%20{payment}%20")
    told = words(body)
    assert f"Payment {payment}" in told
    assert "1 event, 1 delivery: 1 waiting." in told
    assert "$20.00 usd" in told
    assert "POST /payment_intents/" in told
    assert "Waiting for attempt 2 of 13" in told
    assert 'href="/docs/failure-codes/#http_5xx"' in body
    assert "Skipped: not subscribed" in told
    assert f'href="/ops/payments/{payment}/"' in body
    assert f'value="{payment}"' in body


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        ("nonsense", 400, "“nonsense” is no id."),
        ("event_1", 400, "Did you mean an event, evt_…?"),
        ("%3Cscript%3Ealert(1)%3C/script%3E", 400, "is no id"),
        ("%00", 400, "is no id"),
        ("x" * 2_000, 400, "is no id"),
    ],
)
def test_what_is_no_id_is_told_on_the_page(browser: Browsers, text: str, status: int, says: str) -> None:
    body = page(browser(Role.VIEWER), f"/ops/trace/?id={text}", status=status)
    assert says in body
    assert "<script>alert" not in body


def test_an_unknown_id_says_what_may_have_become_of_it(browser: Browsers) -> None:
    unknown = encode_id("evt", new_uuid())
    body = page(browser(Role.VIEWER), f"/ops/trace/?id={unknown}", status=404)
    assert f"There is no event {unknown}. By its digits it was made at" in body


def test_a_replay_is_shown_on_its_own_page(browser: Browsers) -> None:
    replay = encode_id("rpl", new_uuid())
    answer = browser(Role.VIEWER).get(f"/ops/trace/?id=%20{replay}")
    assert (answer.status_code, answer["Location"]) == (302, f"/ops/replays/{replay}/")


@pytest.mark.parametrize("secret", ["whsec_sesame", "sk_test_sesame", "sesame"])
def test_a_secret_in_the_box_is_not_repeated(browser: Browsers, secret: str) -> None:
    payment = encode_id("pi", new_uuid())
    text = f"{payment}_secret_sesame" if secret == "sesame" else secret
    body = page(browser(Role.VIEWER), f"/ops/trace/?id={text}", status=400)
    assert "sesame" not in body
    if secret == "sesame":
        assert f'href="/ops/trace/?id={payment}"' in body

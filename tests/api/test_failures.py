"""Failures explained, in answers and on the page that their `doc_url` leads to."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from dispatcher.failures import EXPLANATIONS, FailureCode
from dispatcher.outcomes import Outcome
from dispatcher.reasons import REASONS
from tests.api.callers import Caller
from tests.dispatcher.scenes import claim, finish

pytestmark = pytest.mark.django_db

BLOCKED = Outcome(succeeded=False, failure_code=FailureCode.BLOCKED_ADDRESS, detail="not public")


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_a_delivery_and_its_attempt_say_why_they_failed(caller: Caller, prefix: str) -> None:
    delivery = caller.delivery()
    assert delivery["failure"] is None
    finish(claim(), BLOCKED)
    shown = caller.get(f"{prefix}/deliveries/{delivery['id']}/").json()
    expected = EXPLANATIONS[FailureCode.BLOCKED_ADDRESS]
    assert shown["reason"] == shown["attempts"][0]["failure_code"] == "blocked_address"
    assert shown["failure"] == shown["attempts"][0]["failure"]
    assert shown["failure"] == {
        "code": "blocked_address",
        "doc_url": "http://127.0.0.1:8000/docs/failure-codes/#blocked_address",
        "likely_cause": expected.likely_cause,
        "may_have_been_processed": False,
        "message": expected.summary,
        "remedy": expected.remedy,
        "side": "endpoint",
    }


def test_a_delivery_that_was_stopped_says_so(caller: Caller) -> None:
    delivery = caller.delivery()
    stopped = caller.post(f"/deliveries/{delivery['id']}/stop/").json()
    assert (stopped["failure"]["code"], stopped["failure"]["side"]) == ("stopped", "nobody")


def test_an_attempt_whose_dispatcher_vanished_warns_that_it_may_have_been_processed(caller: Caller) -> None:
    delivery = caller.delivery()
    claim()
    caller.post(f"/deliveries/{delivery['id']}/stop/")
    attempt = caller.get(f"/deliveries/{delivery['id']}/").json()["attempts"][0]
    assert (attempt["outcome"], attempt["failure_code"]) == ("unknown", None)
    assert attempt["failure"]["code"] == "unknown"
    assert attempt["failure"]["may_have_been_processed"] is True


@pytest.mark.parametrize("code", [str(code) for code in (EXPLANATIONS | REASONS)])
def test_every_code_has_its_anchor_on_the_page(client: Client, code: str) -> None:
    answer = client.get(urlsplit(f"http://127.0.0.1:8000/docs/failure-codes/#{code}").path)
    assert answer.status_code == 200
    assert f'id="{code}"' in answer.content.decode()
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")

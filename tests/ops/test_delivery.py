"""The page of one delivery: its attempts explained, who sees what, and what can be done."""

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from api.models import AuditEntry
from api.ops.roles import Role
from api.templatetags.pages import breakable
from dispatcher.config import dispatcher_settings
from dispatcher.endpoints import delete_endpoint
from dispatcher.exchanges import Timings
from dispatcher.failures import EXPLANATIONS, FailureCode
from dispatcher.models import Attempt, Delivery, Endpoint, FinishedDelivery
from dispatcher.outcomes import Outcome
from dispatcher.signing import stripe_signature
from outbox.identifiers import encode_id, new_uuid
from outbox.models import Event
from tests.dispatcher.scenes import (
    OWNER,
    SUCCESS,
    claim,
    fan_out,
    finish,
    make_due,
    make_endpoint,
    query,
    record,
)

pytestmark = pytest.mark.django_db
Browsers = Callable[[Role | None], Client]

ANSWER = b"HTTP/1.1 503 Busy\r\nSet-Cookie: session=abc\r\nX-Kind: <b>\r\n\r\n<script>alert(1)</script>"
BUSY = Outcome(
    succeeded=False,
    failure_code=FailureCode.HTTP_5XX,
    status=503,
    peer_ip="93.184.216.34",
    timings=Timings(dns_ms=1.5, connect_ms=2.5, tls_ms=20.0, first_byte_ms=70.0, total_ms=100.0),
    response=ANSWER,
    detail="The endpoint answered 503.",
)


def made(outcome: Outcome | None = BUSY, **endpoint: Any) -> str:
    """A delivery with an attempt, by its id; None has none."""
    make_endpoint(**endpoint)
    record()
    fan_out()
    if outcome is not None:
        finish(claim(), outcome)
    found = Delivery.objects.values_list("id", flat=True).first()
    return encode_id("dlv", found or FinishedDelivery.objects.get().id)


def page(client: Client, path: str, *, status: int = 200, most: int = 12) -> str:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    assert answer.status_code == status, answer.content.decode()
    # Not the session's sign of life, which is written once a minute.
    asked = [
        one["sql"]
        for one in captured
        if not re.match(r'SAVEPOINT|RELEASE|UPDATE "django_session"', one["sql"])
    ]
    assert len(asked) <= most, asked
    body: str = answer.content.decode()
    assert " style=" not in body
    return body


def words(body: str) -> str:
    """What is read, without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", body.replace("<wbr>", "")).split())


def test_a_failed_attempt_is_explained_with_whose_problem_it_is(browser: Browsers) -> None:
    body = page(browser(Role.OPERATOR), f"/ops/deliveries/{made()}/")
    told = words(body)
    explanation = EXPLANATIONS[FailureCode.HTTP_5XX]
    assert explanation.summary in told
    assert explanation.likely_cause.replace("'", "&#x27;") in told
    assert explanation.remedy.replace("'", "&#x27;") in told
    assert "Whose problem the endpoint’s: its receiver, host or settings" in told
    assert "The receiver may have processed the request" in told
    assert 'href="/docs/failure-codes/#http_5xx"' in body
    assert "Attempt 1 ✕ failed" in told
    assert "Next: attempt 2 of 13" in told
    assert "93.184.216.34" in told
    assert "DNS 1.5 ms, TCP 2.5 ms, TLS 20.0 ms, waiting for the answer 70.0 ms" in body


def test_what_came_back_is_shown_as_text_without_its_secrets(browser: Browsers) -> None:
    body = page(browser(Role.OPERATOR), f"/ops/deliveries/{made()}/")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "<script>alert" not in body
    assert "X-Kind: &lt;b&gt;" in body
    assert "session=abc" not in body


def test_16_kib_of_nuls_are_shown_harmlessly(browser: Browsers) -> None:
    nuls = b"HTTP/1.1 500 Oops\r\n\r\n" + b"\0" * 16_000
    body = page(
        browser(Role.OPERATOR), f"/ops/deliveries/{made(BUSY._replace(response=nuls, truncated=True))}/"
    )
    assert "\0" not in body
    assert r"\x00" * 16_000 in body
    assert "There was more: 16 KiB are kept." in body


def test_signatures_are_masked_and_the_rest_of_the_request_is_exact(browser: Browsers) -> None:
    body = page(browser(Role.OPERATOR), f"/ops/deliveries/{made(url='https://shop.test/hook?key=hidden')}/")
    event = Event.objects.get()
    attempt = Attempt.objects.get()
    moment = int(attempt.started_at.timestamp())
    sent = dispatcher_settings().renderer(event.facts, Endpoint.objects.get().api_version)
    head = (
        f"POST /hook?••• HTTP/1.1\nHost: shop.test\nStripe-Signature: t={moment},v1=•••\n"
        f"webhook-id: {event.public_id}\nwebhook-timestamp: {moment}\nwebhook-signature: v1,•••\n"
        f"Content-Type: application/json; charset=utf-8\nUser-Agent: MiniStripe/1.0 (webhooks)\n"
        f"Content-Length: {len(sent)}"
    )
    assert head in body
    assert sent.decode().replace('"', "&quot;") in body


def test_a_viewer_sees_no_bodies_and_why(browser: Browsers) -> None:
    delivery = made()
    body = page(browser(Role.VIEWER), f"/ops/deliveries/{delivery}/")
    assert "Your role is viewer." in body
    assert "Bodies are shown to operators and admins" in body
    assert "alert(1)" not in body
    assert "&quot;number&quot;" not in body
    assert "WEBHOOK_SECRET" not in body
    assert f"/ops/deliveries/{delivery}/resend/" not in body
    assert browser(None).get(f"/ops/deliveries/{delivery}/").status_code == 403


@pytest.mark.parametrize("action", ["resend", "stop"])
def test_a_viewer_changes_nothing(browser: Browsers, action: str) -> None:
    answer = browser(Role.VIEWER).get(f"/ops/deliveries/{made()}/{action}/")
    assert answer.status_code == 403
    assert "needs the role operator" in answer.content.decode()


def confirmed(client: Client, path: str) -> dict[str, str]:
    asked = page(client, path)
    found = re.search(r'name="confirmation" value="([^"]+)"', asked)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', asked)
    assert found is not None
    assert token is not None
    return {"confirmation": found[1], "csrfmiddlewaretoken": token[1]}


def test_a_resend_is_confirmed_made_once_and_written_down(browser: Browsers) -> None:
    delivery = made(SUCCESS)
    client = browser(Role.OPERATOR)
    path = f"/ops/deliveries/{delivery}/resend/"
    form = confirmed(client, path)
    assert Delivery.objects.count() == 0
    sent = client.post(path, form)
    again = client.post(path, form)
    new = Delivery.objects.get()
    assert (sent.status_code, sent["Location"]) == (303, f"/ops/deliveries/{encode_id('dlv', new.id)}/")
    assert (again.status_code, again["Location"]) == (303, f"/ops/deliveries/{delivery}/")
    assert new.resend_no == 1
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.subject, entry.account) == (
        "operator",
        "delivery.resent",
        delivery,
        OWNER,
    )
    shown = page(client, sent["Location"])
    assert "resent by hand" in shown
    assert "Resent as" in shown


def test_a_resend_to_a_deleted_endpoint_is_refused_in_words(browser: Browsers) -> None:
    delivery = made(SUCCESS)
    client = browser(Role.OPERATOR)
    path = f"/ops/deliveries/{delivery}/resend/"
    form = confirmed(client, path)
    delete_endpoint(owner=OWNER, endpoint_id=Endpoint.objects.get().id)
    refused = client.post(path, form)
    assert refused.status_code == 409
    assert "The endpoint was deleted: there is nowhere to send it." in refused.content.decode()
    assert AuditEntry.objects.count() == 0


def test_a_stop_is_confirmed_made_once_and_written_down(browser: Browsers) -> None:
    delivery = made()
    client = browser(Role.OPERATOR)
    path = f"/ops/deliveries/{delivery}/stop/"
    form = confirmed(client, path)
    late = confirmed(client, path)
    assert client.post(path, form).status_code == 303
    assert client.post(path, form).status_code == 303
    assert FinishedDelivery.objects.get().reason == "stopped"
    assert [(one.action, one.before, one.after) for one in AuditEntry.objects.all()] == [
        ("delivery.stopped", {"state": "pending"}, {"state": "cancelled"})
    ]
    refused = client.post(path, late)
    assert (refused.status_code, "It has ended already" in refused.content.decode()) == (409, True)
    told = words(page(client, f"/ops/deliveries/{delivery}/"))
    assert "Cancelled: stopped by hand" in told
    assert "Whose problem nobody’s" in told


def test_the_last_attempt_is_announced_and_the_end_explained(browser: Browsers) -> None:
    delivery = made()
    query("UPDATE dispatcher_delivery SET attempts = 12")
    client = browser(Role.OPERATOR)
    told = words(page(client, f"/ops/deliveries/{delivery}/"))
    assert "Waiting for attempt 13 of 13, the last one." in told
    assert "It is the last one: if it fails, the delivery is dead-lettered." in told
    make_due()
    finish(claim(), BUSY)
    told = words(page(client, f"/ops/deliveries/{delivery}/"))
    assert "Dead-lettered after 13 attempts: the retry schedule is over" in told
    assert "What its last attempt failed with" in told


def test_a_redirect_names_where_it_led(browser: Browsers) -> None:
    moved = Outcome(
        succeeded=False,
        failure_code=FailureCode.REDIRECT_REFUSED,
        status=301,
        response=b"HTTP/1.1 301 Moved\r\nLocation: https://www.shop.test/hook/\r\n\r\n",
        detail="The endpoint answered 301, a redirect to https://www.shop.test/hook/; not followed.",
    )
    told = words(page(browser(Role.OPERATOR), f"/ops/deliveries/{made(moved)}/"))
    assert "a redirect to https://www.shop.test/hook/; not followed." in told
    assert "Set the endpoint&#x27;s URL to the final one." in told


def test_the_command_to_copy_signs_with_a_secret_of_its_users_and_holds_none(browser: Browsers) -> None:
    awkward = "https://shop.test/it's?a=$(id)&b=`id`"
    body = page(browser(Role.OPERATOR), f"/ops/deliveries/{made(url=awkward)}/")
    found = re.search(r'<pre id="curl"[^>]*>(.*?)</pre>', body, re.DOTALL)
    assert found is not None
    command = found[1]
    for entity, character in (("&#x27;", "'"), ("&quot;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        command = command.replace(entity, character)
    # What curl is called with, one argument a line, and between them the NUL that none of them holds.
    script = f"curl() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    environment = {"WEBHOOK_SECRET": "whsec_dGVzdA==", "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(["/bin/sh", "-c", script], capture_output=True, env=environment, check=True)
    arguments = ran.stdout.decode().split("\0")
    sent = dispatcher_settings().renderer(Event.objects.get().facts, Endpoint.objects.get().api_version)
    assert awkward in arguments
    assert arguments[arguments.index("--data-binary") + 1] == sent.decode()
    signed = next(one for one in arguments if one.startswith("Stripe-Signature: "))
    moment, _, given = signed.removeprefix("Stripe-Signature: t=").partition(",v1=")
    assert given == stripe_signature(b"whsec_dGVzdA==", moment.encode() + b"." + sent)


def test_a_report_can_be_printed_without_bodies(browser: Browsers) -> None:
    body = page(browser(Role.VIEWER), f"/ops/deliveries/{made()}/report/")
    told = words(body)
    assert "Delivery report" in told
    assert "May have been processed yes, by an attempt that counts as failed" in told
    assert "The endpoint answered 503." in told
    assert "alert(1)" not in body


@pytest.mark.parametrize(
    "url", ["https://shop.test/" + "x" * 1_980, "https://shop.test/‮gnp.exe", "https://xn--mgbh0fb.test/مثال"]
)
def test_long_and_backward_urls_are_isolated(browser: Browsers, url: str) -> None:
    body = page(browser(Role.OPERATOR), f"/ops/deliveries/{made(url=url)}/")
    assert f'<bdi class="id">{breakable(url)}</bdi>' in body
    assert len(re.findall(r"<h1>.*?</h1>", body)[0]) < 160


def test_a_delivery_outlives_its_event_and_says_so(browser: Browsers) -> None:
    delivery = made()
    Event.objects.all().delete()
    told = words(page(browser(Role.OPERATOR), f"/ops/deliveries/{delivery}/"))
    assert "The event is past its retention: its body is no longer stored." in told


@pytest.mark.parametrize(
    ("id", "says"),
    [
        ("dlv_short", "is too short: 22 letters and digits follow dlv_"),
        ("<b>x", "“b&gt;x” is no id."),
        ("whsec_abc", "That looks like a secret"),
        ("x" * 1_500, "is no id"),
    ],
)
def test_what_is_no_delivery_is_told(browser: Browsers, id: str, says: str) -> None:
    client = browser(Role.OPERATOR)
    for page_of in ("", "report/", "resend/", "stop/"):
        assert says in page(client, f"/ops/deliveries/{id}/{page_of}", status=404)


def test_an_unknown_delivery_and_ids_of_another_kind_say_what_they_are(browser: Browsers) -> None:
    client = browser(Role.VIEWER)
    unknown = encode_id("dlv", new_uuid())
    assert f"There is no delivery {unknown}." in page(client, f"/ops/deliveries/{unknown}/", status=404)
    event = encode_id("evt", new_uuid())
    body = page(client, f"/ops/deliveries/{event}/", status=404)
    assert f"{event} is the id of an event" in words(body).replace("&#x27;", "'")
    assert f'href="/ops/events/{event}/"' in body

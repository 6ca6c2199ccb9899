"""What the pages of the portal show."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.portal.urls import urlpatterns
from core.models import Account
from core.versions import PLAIN, event_types
from dispatcher.failures import EXPLANATIONS, FailureCode
from dispatcher.models import Endpoint, Replay
from dispatcher.outcomes import Outcome
from outbox.identifiers import decode_id, encode_id, new_uuid
from tests.api.callers import HOOK
from tests.dispatcher.scenes import REFUSED, claim, fan_out, finish, make_due, query, record
from tests.portal.visitors import Visitor

pytestmark = pytest.mark.django_db
MOST_STATEMENTS = 12


def _delivery(visitor: Visitor, *outcomes: Outcome) -> dict[str, Any]:
    """A delivery to a new endpoint, after attempts with these outcomes."""
    visitor.caller.endpoint()
    record(owner=visitor.caller.account.public_id, type="customer.created")
    fan_out()
    for outcome in outcomes:
        make_due()
        finish(claim(), outcome)
    shown: dict[str, Any] = visitor.caller.get("/deliveries/").json()["data"][0]
    return shown


def test_a_new_account_is_told_what_to_do_first(visitor: Visitor) -> None:
    assert "No endpoint yet" in visitor.text()
    assert "Nothing was sent yet" in visitor.text("deliveries/")
    assert "Nothing has happened yet" in visitor.text("events/")
    assert "No endpoint yet" in visitor.text("test/")
    assert "Shop" in visitor.text()


def test_an_endpoint_shows_how_it_is(visitor: Visitor) -> None:
    made = visitor.caller.endpoint(
        enabled_events=["customer.created", "payment_intent.failed"], description="Till"
    )
    text = visitor.text(f"endpoints/{made['id']}/")
    for word in (HOOK, "Till", "enabled", made["id"], made["api_version"], "payment_intent.failed"):
        assert word in text
    assert made["secret"] not in text
    assert "customer.created and 1 more" in visitor.text()
    visitor.caller.post(f"/webhook_endpoints/{made['id']}/roll_secret/", {})
    assert "signs too, and ends" in visitor.text(f"endpoints/{made['id']}/")


def test_an_endpoint_that_fails_says_what_is_the_matter(visitor: Visitor) -> None:
    _delivery(visitor)
    record(12, owner=visitor.caller.account.public_id, type="customer.created")
    fan_out()
    finish(claim(), REFUSED)
    endpoint = Endpoint.objects.get()
    assert "so deliveries pause" in visitor.text(f"endpoints/{endpoint.public_id}/")
    assert "failing" in visitor.text()


def test_a_failed_delivery_explains_itself(visitor: Visitor) -> None:
    timeout = Outcome(succeeded=False, failure_code=FailureCode.TIMEOUT_TOTAL, detail="no answer in 15.0 s")
    made = _delivery(visitor, REFUSED, timeout)
    text = visitor.text(f"deliveries/{made['id']}/")
    for code in (FailureCode.HTTP_5XX, FailureCode.TIMEOUT_TOTAL):
        explained = EXPLANATIONS[code]
        for words in (explained.summary, explained.likely_cause, explained.remedy):
            assert words.replace("'", "&#x27;") in text
    assert "may have processed" in text
    assert "Next: attempt 3 of 13" in text
    assert "hx-get" in text
    listed = visitor.text("deliveries/")
    assert "timeout total" in listed
    assert made["id"] in listed


def test_a_delivery_that_is_over_asks_for_nothing_more(visitor: Visitor) -> None:
    made = _delivery(visitor, Outcome(succeeded=True, status=204, response=b"HTTP/1.1 204 No\r\n\r\n"))
    text = visitor.text(f"deliveries/{made['id']}/")
    assert "hx-get" not in text
    assert "succeeded" in text
    assert "HTTP/1.1 204 No" in text
    assert "Stop" not in text


def test_the_body_is_the_one_that_is_sent(visitor: Visitor) -> None:
    made = visitor.caller.delivery()
    text = visitor.text(f"deliveries/{made['id']}/")
    shown = re.search(r'<pre id="body"[^>]*>(.*?)</pre>', text, re.DOTALL)
    assert shown is not None
    body = json.loads(shown[1].replace("&quot;", '"'))
    assert (body["id"], body["type"]) == (made["event"], "endpoint.test")
    assert visitor.text(f"events/{made['event']}/").count("endpoint.test") > 1


@pytest.mark.parametrize("answer", [b"<script>alert(1)</script>", bytes(16_384), "\u202eevil".encode()])
def test_what_a_receiver_answers_is_text(visitor: Visitor, answer: bytes) -> None:
    response = b"HTTP/1.1 500 No\r\nSet-Cookie: session=1\r\n\r\n" + answer
    failed = Outcome(succeeded=False, failure_code=FailureCode.HTTP_5XX, status=500, response=response)
    made = _delivery(visitor, failed)
    text = visitor.text(f"deliveries/{made['id']}/")
    assert "<script>alert" not in text
    assert "\0" not in text
    assert "session=1" not in text


def test_what_a_merchant_writes_is_text(visitor: Visitor) -> None:
    marked = '"><script>alert(1)</script>'
    long = "https://93.184.216.34/" + "a" * 2_000
    made = visitor.caller.endpoint(url=long, description=marked)
    for below in ("", f"endpoints/{made['id']}/", f"endpoints/{made['id']}/edit/", "test/", "deliveries/"):
        text = visitor.text(below)
        assert "<script>alert" not in text
    assert long in visitor.text(f"endpoints/{made['id']}/")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"state": "lost"}, "is not known; take one of pending"),
        ({"endpoint": "we_1"}, "is no id of an endpoint"),
        ({"event": "pi_0000000000000000000000"}, "is the id of a payment"),
        ({"range": "9y"}, "take one of 1h, 24h"),
        ({"code": "http_999"}, "is not known; take one of"),
        ({"type": "customer.exploded"}, "is not known; take one of"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "exchange them"),
        ({"cursor": "x"}, "begin with the first page"),
        ({"cursor": "attempt-" + "-".join(["0" * 32] * 2)}, "begin with the first page"),
        ({"state": "\0"}, "printable characters"),
        ({"event": "evt_" + "9" * 300}, "printable characters"),
        ({"endpoint": "\u202ewe_1"}, "printable characters"),
    ],
)
def test_a_filter_that_is_not_understood_is_named_and_left_out(
    visitor: Visitor, query: dict[str, str], told: str
) -> None:
    made = visitor.caller.delivery()
    text = visitor.text("deliveries/", status=400, **query)
    assert told in text
    assert made["id"] in text


def test_filters_find_what_they_say(visitor: Visitor) -> None:
    made = _delivery(visitor, REFUSED)
    other = visitor.caller.delivery()
    assert made["id"] in visitor.text("deliveries/", endpoint=made["endpoint"])
    assert other["id"] not in visitor.text("deliveries/", endpoint=made["endpoint"])
    assert made["id"] in visitor.text("deliveries/", event=made["event"], range="1h")
    assert "No delivery matches" in visitor.text("deliveries/", state="dead_lettered")
    for asked in (
        {"code": "http_5xx"},
        {"type": "customer.created"},
        {"state": "pending", "code": "http_5xx"},
    ):
        text = visitor.get("deliveries/", **asked).content.decode()
        assert made["id"] in text
        assert other["id"] not in text
    nothing = visitor.text("deliveries/", code="tls_untrusted")
    assert "No delivery matches" in nothing
    assert f'<a href="{visitor.root}deliveries/">Clear the filters</a>' in nothing
    assert made["event"] in visitor.text("events/", type="customer.created")
    assert other["event"] not in visitor.text("events/", type="customer.created")
    assert "is not known" in visitor.text("events/", status=400, type="customer.exploded")


@pytest.mark.parametrize(
    "below", ["catalogue/no%00%E2%80%AEthing/", "find/?id=no%00%E2%80%AEthing", "no%00%E2%80%AEthing/"]
)
def test_what_an_address_says_is_said_back_harmlessly(visitor: Visitor, below: str) -> None:
    page = visitor.get(below.format("no%00%E2%80%AEthing")).content.decode()
    assert "thing" in page
    assert not {"\0", "\u202e"} & set(page)


def test_what_was_not_found_yet_is_searched_for_further(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.listing.WINDOW", 1)
    made = _delivery(visitor, REFUSED)
    visitor.caller.post(f"/webhook_endpoints/{made['endpoint']}/test/", {})
    text = visitor.text("deliveries/", code="http_5xx")
    assert "No delivery matches so far" in text
    further = re.search(r'<a href="(\?code=http_5xx&amp;cursor=[^"]+)">Search further', text)
    assert further is not None
    found = visitor.client.get(
        f"{visitor.root}deliveries/{further[1].replace('&amp;', '&')}"
    ).content.decode()
    assert made["id"] in found


def test_a_type_is_chosen_by_the_name_that_the_links_version_has(visitor: Visitor) -> None:
    visitor.caller.endpoint()
    record(owner=visitor.caller.account.public_id, type="payment_intent.payment_failed")
    fan_out()
    assert "<td><a href" in visitor.text("deliveries/", type="payment_intent.failed")
    assert "is not known" in visitor.text("deliveries/", status=400, type="payment_intent.payment_failed")


def test_pages_of_deliveries_lead_on_and_back(visitor: Visitor) -> None:
    visitor.caller.endpoint()
    record(60, owner=visitor.caller.account.public_id, type="customer.created")
    fan_out()
    seen: list[str] = []
    query = "?state=pending"
    for _ in range(3):
        text = visitor.client.get(visitor.root + "deliveries/" + query).content.decode()
        seen += re.findall(r'deliveries/(dlv_\w+)/"', text)
        older = re.search(r'href="(\?[^"]*cursor=event-[^"]+)"', text)
        query = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 60
    assert not older
    assert '<a class="button" href="?state=pending&amp;">← Newest</a>' in text


def test_the_catalogue_shows_each_event_with_an_example_and_its_schema(visitor: Visitor) -> None:
    listed = visitor.text("catalogue/")
    names = re.findall(r'catalogue/([\w.]+)/"', listed)
    assert names == event_types(PLAIN)
    shown = visitor.text("catalogue/payment_intent.failed/")
    assert "The bank refused the payment." in shown
    assert "amount_received" in shown
    file = visitor.get("catalogue/payment_intent.failed/schema.json")
    assert json.loads(file.content)["title"] == "payment_intent.failed"
    assert "payment_intent.failed.schema.json" in file["Content-Disposition"]
    assert "Did you mean" in visitor.text("catalogue/payment_intent.faild/", status=404)


@pytest.mark.parametrize(
    ("id", "told"),
    [
        ("", "Enter the id of an event"),
        ("nonsense", "is no id"),
        ("pi_0000000000000000000000", "is the id of a payment"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_the_box_for_ids_says_what_it_takes(visitor: Visitor, id: str, told: str) -> None:
    assert told in visitor.text("find/", status=400, id=id)


def test_the_box_for_ids_leads_to_the_page(visitor: Visitor) -> None:
    made = visitor.caller.delivery()
    for wanted in (made["id"], made["event"], made["endpoint"]):
        assert wanted in visitor.follow(visitor.get("find/", id=f" {wanted} "))
    assert visitor.get("find/", id="evt_short").status_code == 404


@pytest.mark.parametrize(
    ("below", "told"),
    [
        ("endpoints/we_0000000000000000000000/", "There is no endpoint"),
        ("endpoints/dlv_0000000000000000000000/", "is the id of a delivery, not of an endpoint"),
        ("deliveries/dlv_0000000000000000000000/", "There is no delivery"),
        ("deliveries/x/", "is no id of a delivery"),
        ("events/evt_0000000000000000000000/", "There is no event"),
        ("nowhere/", "There is no page"),
    ],
)
def test_what_is_not_there_says_what_was_looked_for(visitor: Visitor, below: str, told: str) -> None:
    assert told in visitor.text(below, status=404)


def test_every_page_is_short_of_statements(visitor: Visitor) -> None:
    made = _delivery(visitor, REFUSED)
    for _ in range(3):
        visitor.caller.post(f"/deliveries/{made['id']}/resend/", {})
    replay = Replay.objects.create(
        id=new_uuid(),
        owner=visitor.caller.account.public_id,
        endpoint_id=decode_id("we", made["endpoint"]),
        kind="missing",
        since=timezone.now(),
        until=timezone.now(),
        rate=1.0,
        state="running",
        created_by="tests",
        created_at=timezone.now(),
    )
    ids = {
        "endpoints": made["endpoint"],
        "deliveries": made["id"],
        "events": made["event"],
        "replays": encode_id("rpl", replay.id),
    }
    tried = 0
    for entry in urlpatterns:
        route = str(entry.pattern).partition("/")[2]
        if entry.name == "portal-nothing":
            continue
        below = route.replace("<str:id>", ids.get(route.partition("/")[0], ""))
        below = below.replace("<str:name>", "customer.created")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert visitor.get(below).status_code in {200, 303, 400}, below
        statements = [one["sql"] for one in captured]
        assert len(statements) <= MOST_STATEMENTS, (below, statements)
        tried += 1
    assert tried >= 18
    with CaptureQueriesContext(connection) as captured:
        assert visitor.get(f"endpoints/{made['endpoint']}/replay/", only="missing").status_code == 200
    assert len(captured) <= MOST_STATEMENTS


def test_the_link_is_not_in_the_request_log(visitor: Visitor) -> None:
    visitor.get()
    visitor.client.get(f"/v1/portal/{visitor.token}/")
    logged = query("SELECT path FROM api_request_log")
    assert all(visitor.token not in path for (path,) in logged)
    assert any("redacted" in path for (path,) in logged)


def test_another_accounts_name_is_nowhere(visitor: Visitor) -> None:
    Account.objects.create(name="Somebody else", api_version="2026-10-28.endive")
    assert "Somebody else" not in visitor.text()

"""Endpoints: the list, one of them, and what is done with it."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from api.models import AuditEntry
from api.ops.roles import Role
from api.readings.endpoints import how_it_does
from dispatcher.health import endpoint_health
from dispatcher.models import Delivery, Endpoint, Lane
from dispatcher.sealing import unseal
from outbox.identifiers import encode_id
from tests.dispatcher.scenes import claim, fan_out, finish, make_endpoint, query, record
from tests.ops.scenes import form_of, roll_up, send
from tests.ops.test_delivery import words as told

pytestmark = pytest.mark.django_db(transaction=True)
MADE = uuid.UUID("019ace7b-5f52-70a7-87a3-b7ab6fc77acd")
Browsers = Callable[[Role | None], Client]


@pytest.fixture
def client_of(browser: Browsers) -> Callable[[Role], Client]:
    """Somebody of a role, whose forms carry their tokens by themselves."""

    def make(role: Role) -> Client:
        client = browser(role)
        client.handler.enforce_csrf_checks = False
        return client

    return make


def path(endpoint: Endpoint, action: str = "") -> str:
    return f"/ops/endpoints/{endpoint.public_id}/{action}"


# --- The list ---


def test_no_endpoints_yet(browser: Browsers):
    text = browser(Role.VIEWER).get("/ops/endpoints/").content.decode()
    assert "No endpoints yet" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"a", "b", "c"}),
        ("account=acct_other", {"b"}),
        ("status=disabled", {"b"}),
        ("status=failing", {"c"}),
        ("status=enabled", {"a", "c"}),
        ("status=deleted", {"d"}),
        ("url=SHOP.test/a", {"a"}),
        ("account=nobody", set()),
    ],
)
def test_the_list_is_filtered(browser: Browsers, query: str, found: set[str]):
    made = {
        "a": make_endpoint(url="https://shop.test/a"),
        "b": make_endpoint(url="https://shop.test/b", owner="acct_other", status="disabled"),
        "c": make_endpoint(url="https://shop.test/c"),
        "d": make_endpoint(url="https://shop.test/d", status="disabled"),
    }
    Lane.objects.filter(endpoint=made["c"]).update(failure_streak=3)
    Endpoint.objects.filter(id=made["d"].id).update(deleted_at=timezone.now())
    text = browser(Role.VIEWER).get(f"/ops/endpoints/?{query}").content.decode()
    assert {name for name, one in made.items() if path(one) in text} == found
    assert ("No endpoint matches" in text) == (not found)


def test_unknown_filters_are_told(browser: Browsers):
    make_endpoint()
    answer = browser(Role.VIEWER).get("/ops/endpoints/?status=borked&older=dlv_1")
    assert answer.status_code == 400
    text = answer.content.decode()
    assert "&#x27;borked&#x27; is not known; take one of enabled, disabled, failing, deleted." in text
    assert "https://shop.test/hook" in told(text)


def test_thousands_of_endpoints_cost_a_page(browser: Browsers, django_assert_max_num_queries: Any):
    query(
        "WITH made AS (INSERT INTO dispatcher_endpoint (id, owner, url, enabled_events, api_version, secret) "
        "SELECT gen_random_uuid(), 'acct_big', 'https://shop.test/' || n, '{*}', '2026-10-28.endive', 'sealed' "
        "FROM generate_series(1, 5000) AS n RETURNING id) "
        "INSERT INTO dispatcher_lane (endpoint_id, max_in_flight, quantum) SELECT id, 1, 1 FROM made"
    )
    client = browser(Role.VIEWER)
    client.get("/ops/")
    with django_assert_max_num_queries(12):
        text = client.get("/ops/endpoints/?account=acct_big").content.decode()
    assert text.count('<a class="url"') == 50
    assert "Older →" in text
    # The failures of each are one reading, whatever is on the page.
    assert text.count('class="spark"') == 50


# --- One of them ---


def test_one_says_how_it_does(browser: Browsers, django_assert_max_num_queries: Any):
    endpoint = make_endpoint()
    roll_up(endpoint=endpoint, ok=3, codes={"http_5xx": 1})
    record(2)
    fan_out()
    finish(claim(1))
    client = browser(Role.VIEWER)
    client.get("/ops/")
    with django_assert_max_num_queries(12):
        answer = client.get(path(endpoint))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "1 of 4 attempts, last 24 hours" in text
    assert f'href="/ops/deliveries/?endpoint={endpoint.public_id}&amp;code=http_5xx&amp;range=24h"' in text
    assert "64 at once, 64 a claim; no rate limit" in text
    assert text.count('<th scope="row"><a class="id" href="/ops/deliveries/dlv_') == 2


def test_a_long_address_and_right_to_left_text_are_text(browser: Browsers):
    endpoint = make_endpoint(url="https://shop.test/" + "a" * 2_000)
    Endpoint.objects.filter(id=endpoint.id).update(description="<b>متجر</b>")
    client = browser(Role.VIEWER)
    for where in (path(endpoint), "/ops/endpoints/"):
        text = client.get(where).content.decode()
        assert "<bdi>&lt;b&gt;متجر&lt;/b&gt;</bdi>" in text


@pytest.mark.parametrize(
    ("id", "words"),
    [
        (encode_id("we", MADE), "There is no endpoint we_"),
        (encode_id("dlv", MADE), "a delivery"),
        ("we_1", "is too short"),
        ("%3Cb%3E", "is no id"),
    ],
)
def test_ids_that_are_none_say_why(browser: Browsers, id: str, words: str):
    answer = browser(Role.VIEWER).get(f"/ops/endpoints/{id}/")
    assert answer.status_code == 404
    assert words in answer.content.decode()


def test_the_sentence_names_what_is_worst_first():
    endpoint = make_endpoint()
    now = timezone.now()

    def sentence(**lane: Any) -> tuple[str, str]:
        Lane.objects.filter(endpoint=endpoint).update(**lane)
        return how_it_does(endpoint, endpoint_health(endpoint_ids=[endpoint.id])[endpoint.id], now)

    assert sentence() == ("Nothing was sent here yet.", "idle")
    assert sentence(hold_until=now + timedelta(hours=1))[1] == "warn"
    assert sentence(failure_streak=1) == (
        "It asked us to wait: automatic deliveries are held back until then.",
        "warn",
    )
    assert sentence(failure_streak=4) == ("The last 4 attempts failed.", "bad")
    assert sentence(circuit_openings=1, circuit_until=now - timedelta(minutes=1))[0].startswith(
        "Its circuit is half-open"
    )
    assert sentence(circuit_until=now + timedelta(minutes=9))[0].startswith("Its circuit is open")
    assert sentence(failing_since=now - timedelta(days=3))[0].startswith(
        "Nothing but failures for 60 % of the time after which it is disabled, at "
    )


# --- Who may ---

ACTIONS = {
    "disable/": Role.OPERATOR,
    "enable/": Role.OPERATOR,
    "test/": Role.OPERATOR,
    "limits/?max_in_flight=3": Role.OPERATOR,
    "secret/": Role.ADMIN,
    "roll/": Role.ADMIN,
}


@pytest.mark.parametrize(("action", "least"), ACTIONS.items())
def test_each_change_is_for_its_role_alone(client_of: Callable[[Role], Client], action: str, least: Role):
    endpoint = make_endpoint()
    below = client_of(Role(least - 1))
    for answer in (below.get(path(endpoint, action)), below.post(path(endpoint, action))):
        assert answer.status_code == 403
        assert f"needs the role {least.group}" in answer.content.decode()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("action", ACTIONS)
def test_looking_at_a_question_changes_nothing_and_neither_does_a_form_without_confirmation(
    client_of: Callable[[Role], Client], action: str
):
    endpoint = make_endpoint()
    client = client_of(Role.ADMIN)
    before = Endpoint.objects.values().get()
    client.get(path(endpoint, action))
    answer = client.post(path(endpoint, action), {"confirmation": "made up", "overlap": "24"})
    assert answer.status_code == 409
    assert "Nothing was changed" in answer.content.decode()
    assert Endpoint.objects.values().get() == before
    assert not AuditEntry.objects.exists()
    assert not Delivery.objects.exists()


# --- Changes ---


def test_disabling_and_enabling_are_written_down_with_what_was_before(client_of: Callable[[Role], Client]):
    endpoint = make_endpoint()
    client = client_of(Role.OPERATOR)
    answer = send(client, path(endpoint, "disable/"))
    assert (answer.status_code, answer["Location"]) == (303, path(endpoint))
    assert "The endpoint is disabled." in client.get(path(endpoint)).content.decode()
    send(client, path(endpoint, "enable/"))
    assert Endpoint.objects.get().status == "enabled"
    off, on = AuditEntry.objects.order_by("id")
    assert (off.actor, off.role, off.action) == ("operator", "operator", "endpoint.disabled")
    assert (off.subject, off.account, off.network) == (endpoint.public_id, endpoint.owner, "127.0.0.1")
    assert (off.before, off.after) == (
        {"status": "enabled", "reason": None},
        {"status": "disabled", "reason": "by_request"},
    )
    assert (on.action, on.before) == ("endpoint.enabled", off.after)


def test_a_form_that_is_sent_twice_acts_once(client_of: Callable[[Role], Client]):
    endpoint = make_endpoint()
    client = client_of(Role.OPERATOR)
    form = form_of(client.get(path(endpoint, "test/")).content.decode())
    first, second = (client.post(path(endpoint, "test/"), form) for _ in range(2))
    assert first["Location"].startswith("/ops/deliveries/dlv_")
    assert (second.status_code, second["Location"]) == (303, path(endpoint))
    assert Delivery.objects.count() == 1
    assert [entry.action for entry in AuditEntry.objects.all()] == ["endpoint.tested"]
    assert "This was done already" in client.get(path(endpoint)).content.decode()


def test_what_is_so_already_is_not_asked(client_of: Callable[[Role], Client]):
    endpoint = make_endpoint()
    client = client_of(Role.OPERATOR)
    assert client.get(path(endpoint, "enable/"))["Location"] == path(endpoint)
    assert "It is enabled already." in client.get(path(endpoint)).content.decode()


def test_a_secret_is_shown_to_an_admin_once_and_the_log_says_so(client_of: Callable[[Role], Client]):
    endpoint = make_endpoint()
    client = client_of(Role.ADMIN)
    form = form_of(client.get(path(endpoint, "secret/")).content.decode())
    shown = client.post(path(endpoint, "secret/"), form)
    secret = unseal(Endpoint.objects.get().secret)
    assert secret in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    again = client.post(path(endpoint, "secret/"), form)
    assert again.status_code == 303
    assert secret not in client.get(path(endpoint)).content.decode()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.before, entry.after) == (
        "endpoint.secret_revealed",
        "admin",
        None,
        None,
    )


def test_a_secret_is_rolled_with_an_overlap_that_is_counted_down(client_of: Callable[[Role], Client]):
    endpoint = make_endpoint()
    old = unseal(endpoint.secret)
    client = client_of(Role.ADMIN)
    answer = send(client, path(endpoint, "roll/"), overlap="24")
    rolled = Endpoint.objects.get()
    assert unseal(rolled.secret) in answer.content.decode()
    assert rolled.previous_secret is not None
    assert unseal(rolled.previous_secret) == old
    assert "the old one signs too, for the last time" in client.get(path(endpoint)).content.decode()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after) == ("endpoint.secret_rolled", {"overlap": "24 hours"})


def test_an_overlap_that_is_none_rolls_nothing(client_of: Callable[[Role], Client]):
    endpoint = make_endpoint()
    answer = send(client_of(Role.ADMIN), path(endpoint, "roll/"), overlap="9999")
    assert answer.status_code == 409
    assert "Choose for how long the old secret signs too." in answer.content.decode()
    assert Endpoint.objects.get().secret == endpoint.secret
    assert not AuditEntry.objects.exists()

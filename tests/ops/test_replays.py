"""Replays: counted, confirmed, watched, paused, cancelled; and what an endpoint missed."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from api.models import AuditEntry
from api.ops.roles import Role
from api.pages.ranges import shown
from dispatcher.models import Delivery, Endpoint, EndpointStatus, FinishedDelivery, Replay
from dispatcher.replay_runs import Counted, start_replay
from dispatcher.skips import count_skipped
from outbox.identifiers import encode_id, new_uuid
from tests.dispatcher.scenes import OWNER, fan_out, make_endpoint, query, record
from tests.ops.scenes import form_of

pytestmark = pytest.mark.django_db(transaction=True)
Browsers = Callable[[Role | None], Client]
PAGE = "/ops/replays/"


@pytest.fixture
def missed() -> Endpoint:
    """An enabled endpoint that was not sent three events while it was disabled."""
    endpoint = make_endpoint(status="disabled")
    record(3)
    fan_out()
    Endpoint.objects.update(status=EndpointStatus.ENABLED)
    return endpoint


def begin(endpoint: Endpoint) -> Replay:
    run = start_replay(
        owner=OWNER,
        endpoint_id=endpoint.id,
        since=timezone.now() - timedelta(hours=1),
        only="missing",
        created_by="ada",
    )
    return Replay.objects.get(id=run.id)


def new(of: Endpoint, **query: str) -> str:
    asked = {
        "endpoint": of.public_id,
        "only": "missing",
        "since": shown(timezone.now() - timedelta(hours=1)),
    }
    return f"{PAGE}new/?{urlencode({**asked, **query})}"


# --- A new one ---


@pytest.mark.parametrize("counted", ["", "x", "-1", "9" * 30])
def test_a_count_that_was_changed_on_its_way_begins_nothing(operator: Client, missed: Endpoint, counted: str):
    path = new(missed)
    form = form_of(operator.get(path).content.decode())
    answer = operator.post(path, {**form, "counted": counted})
    assert answer.status_code == 409
    assert 'role="alert">' in answer.content.decode()
    assert not Replay.objects.exists()


def test_nothing_is_counted_before_it_is_said_of_what(operator: Client, missed: Endpoint):
    answer = operator.get(f"{PAGE}new/?endpoint={missed.public_id}")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "to replay</h2>" not in text
    assert f'value="{missed.public_id}"' in text


def test_it_is_counted_then_confirmed_then_begun_once(operator: Client, missed: Endpoint):
    path = new(missed)
    text = operator.get(path).content.decode()
    assert "3 to replay</h2>" in text
    assert "3 deliveries are made, 20 a second, which takes about 1 s." in text
    assert not Replay.objects.exists()
    first, second = (operator.post(path, form_of(text)) for _ in range(2))
    run = Replay.objects.get()
    assert (first.status_code, first["Location"]) == (303, f"{PAGE}{encode_id('rpl', run.id)}/")
    assert second["Location"] == PAGE
    assert (run.owner, run.kind, run.counted, run.created_by) == (OWNER, "missing", 3, "operator")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.account) == ("replay.started", "operator", OWNER)
    assert entry.after is not None
    assert (entry.after["endpoint"], entry.after["counted"], entry.after["rate"]) == (
        missed.public_id,
        "3",
        20.0,
    )


def test_more_than_the_limit_is_begun_only_by_whoever_writes_the_number(
    operator: Client, missed: Endpoint, settings: Any
):
    settings.DISPATCHER = {**settings.DISPATCHER, "REPLAY_LIMIT": 2}
    path = new(missed)
    text = operator.get(path).content.decode()
    assert "This is more than the limit of 2." in text
    refused = operator.post(path, {**form_of(text), "agreed": "yes"})
    assert refused.status_code == 409
    assert "3 are more than the limit of 2: write the number to confirm it." in refused.content.decode()
    assert not Replay.objects.exists()
    again = form_of(refused.content.decode())
    assert operator.post(path, {**again, "agreed": "3"}).status_code == 303
    assert Replay.objects.count() == 1


def test_a_count_that_no_longer_holds_begins_nothing(operator: Client, missed: Endpoint):
    path = new(missed)
    form = form_of(operator.get(path).content.decode())
    answer = operator.post(path, {**form, "counted": "500"})
    assert answer.status_code == 409
    assert "500 were confirmed, and now there are 3; look again" in answer.content.decode()
    assert not Replay.objects.exists()


@pytest.mark.parametrize("changed", [{"counted": "x"}, {"counted_since": "x"}, {"counted_until": ""}])
def test_a_form_that_was_changed_on_its_way_begins_nothing(
    operator: Client, missed: Endpoint, changed: dict[str, str]
):
    path = new(missed)
    answer = operator.post(path, {**form_of(operator.get(path).content.decode()), **changed})
    assert answer.status_code in (200, 409)
    assert not Replay.objects.exists()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"endpoint": "dlv_1"}, "is the id of a delivery; give one of an endpoint, we_…"),
        ({"endpoint": ""}, "Say which endpoint"),
        ({"endpoint": encode_id("we", new_uuid())}, "There is no endpoint we_"),
        ({"only": "all"}, "&#x27;all&#x27; is not known; take one of failed, missing."),
        ({"rate": "1e9"}, "is not known; take one of 1, 5, 20, 100, 500."),
        ({"until": "2020-01-01"}, "must be later than since"),
        ({"since": "tomorrow"}, "is no moment"),
    ],
    ids=["another kind", "none", "unknown", "what", "rate", "order", "moment"],
)
def test_what_is_not_understood_is_told_and_nothing_is_counted(
    operator: Client, missed: Endpoint, query: dict[str, str], words: str
):
    answer = operator.get(new(missed, **query))
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert "to replay</h2>" not in answer.content.decode()


def test_a_disabled_endpoint_is_to_be_enabled_first(operator: Client, missed: Endpoint):
    Endpoint.objects.update(status=EndpointStatus.DISABLED)
    answer = operator.get(new(missed))
    assert answer.status_code == 409
    assert "enable it first" in answer.content.decode()


def test_where_nothing_is_found_nothing_can_be_begun(operator: Client, missed: Endpoint):
    text = operator.get(new(missed, only="failed")).content.decode()
    assert "Nothing to replay" in text
    assert 'name="confirmation"' not in text


def test_a_viewer_begins_none(browser: Browsers, missed: Endpoint):
    client = browser(Role.VIEWER)
    client.handler.enforce_csrf_checks = False
    assert client.get(new(missed)).status_code == 403
    assert client.post(new(missed), {}).status_code == 403
    assert "New replay" not in client.get(PAGE).content.decode()


# --- Those that are ---


def test_one_reloads_itself_while_it_runs_and_only_then(operator: Client, missed: Endpoint):
    run = begin(missed)
    path = f"{PAGE}{encode_id('rpl', run.id)}/"
    Replay.objects.update(made=1)
    text = operator.get(path).content.decode()
    assert "<strong>1</strong> of 3 deliveries made" in text
    assert '<progress max="100" value="33"' in text
    assert f'hx-get="{path}" hx-select="#replay" hx-swap="outerHTML" hx-trigger="every 2s"' in text
    Replay.objects.update(state="finished", made=3, finished_at=timezone.now())
    text = operator.get(path).content.decode()
    assert "hx-trigger" not in text
    assert '<progress max="100" value="100"' in text
    assert "Cancel" not in text


def test_it_is_paused_resumed_and_cancelled_and_each_is_written_down(operator: Client, missed: Endpoint):
    run = begin(missed)
    path = f"{PAGE}{encode_id('rpl', run.id)}/"
    states = []
    for change in ("pause", "resume", "cancel"):
        form = form_of(operator.get(f"{path}{change}/").content.decode())
        assert operator.post(f"{path}{change}/", form)["Location"] == path
        states.append(Replay.objects.get().state)
    assert states == ["paused", "running", "cancelled"]
    entries = AuditEntry.objects.order_by("id")
    assert [entry.action for entry in entries] == ["replay.paused", "replay.resumed", "replay.cancelled"]
    assert entries[0].before == {"state": "running", "made": 0}
    form = form_of(operator.get(f"{path}resume/").content.decode())
    refused = operator.post(f"{path}resume/", form)
    assert refused.status_code == 409
    assert "is cancelled; that cannot be changed any more" in refused.content.decode()


def test_the_list_is_filtered_and_walked_by_key(operator: Client, django_assert_max_num_queries: Any):
    endpoint, other = make_endpoint(), make_endpoint(owner="acct_other")
    now = timezone.now()
    for number in range(60):
        Replay.objects.create(
            id=new_uuid(), owner=OWNER, endpoint_id=endpoint.id, kind="failed", since=now - timedelta(days=1),
            until=now, rate=20, state="finished", created_by="ada", created_at=now, made=number,
        )  # fmt: skip
    Replay.objects.create(
        id=new_uuid(), owner="acct_other", endpoint_id=other.id, kind="missing", since=now - timedelta(days=1),
        until=now, rate=20, state="paused", created_by="bob", created_at=now,
    )  # fmt: skip

    def rows(text: str) -> int:
        return len(re.findall(r'<th scope="row"', text))

    operator.get("/ops/audit/")
    with django_assert_max_num_queries(12):
        text = operator.get(PAGE).content.decode()
    assert rows(text) == 50
    older = re.search(r'href="(\?older=[^"]*)">Older', text)
    assert older is not None
    assert rows(operator.get(PAGE + older[1]).content.decode()) == 11
    for asked, found in (
        ("state=paused", 1),
        ("account=acct_other", 1),
        (f"endpoint={other.public_id}", 1),
        ("account=nobody", 0),
    ):
        assert rows(operator.get(f"{PAGE}?{asked}").content.decode()) == found
    assert operator.get(f"{PAGE}?state=borked").status_code == 400


def test_before_the_first_it_says_what_they_are_for(browser: Browsers):
    assert "Nothing was replayed yet" in browser(Role.VIEWER).get(PAGE).content.decode()


def test_an_id_of_nothing_says_so(browser: Browsers):
    answer = browser(Role.VIEWER).get(f"{PAGE}{encode_id('rpl', new_uuid())}/")
    assert answer.status_code == 404
    assert "There is no replay rpl_" in answer.content.decode()


# --- What was missed ---


def test_what_was_skipped_is_offered_until_it_is_made_up_for(operator: Client, missed: Endpoint):
    since = timezone.now() - timedelta(days=1)
    path = f"/ops/endpoints/{missed.public_id}/"
    text = operator.get(path).content.decode()
    assert "3 events were skipped while it was disabled" in text
    link = re.search(r'href="(/ops/replays/new/[^"]*only=missing[^"]*)"', text)
    assert link is not None
    assert "3 to replay</h2>" in operator.get(link[1].replace("&amp;", "&")).content.decode()
    skipped = list(FinishedDelivery.objects.filter(state="skipped").order_by("event_id"))
    # One was resent and arrived, one is on its way again.
    query(
        "INSERT INTO dispatcher_finished_delivery SELECT gen_random_uuid(), owner, endpoint_id, event_id, 'succeeded', "
        "NULL, 1, 1, now() FROM dispatcher_finished_delivery WHERE id = %s",
        skipped[0].id,
    )
    query("UPDATE dispatcher_finished_delivery SET id = %s WHERE state = 'succeeded'", new_uuid())
    Delivery.objects.create(
        id=new_uuid(),
        owner=OWNER,
        endpoint_id=missed.id,
        event_id=skipped[1].event_id,
        due_at=timezone.now(),
        resend_no=1,
    )
    assert count_skipped(endpoint_id=missed.id, since=since) == Counted(found=1, more=False)
    assert count_skipped(endpoint_id=missed.id, since=since, most=1) == Counted(found=1, more=True)
    assert "1 event was skipped" in operator.get(path).content.decode()

"""What is changed in the portal: by a form, once, and written down."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from api.models import AuditEntry
from dispatcher.models import DeliveryRecord, Endpoint, Replay
from dispatcher.replay_runs import start_replay
from outbox.identifiers import decode_id
from outbox.models import Event
from tests.api.callers import FORM, HOOK, Caller
from tests.dispatcher.scenes import fan_out, record
from tests.portal.visitors import Visitor, visit

pytestmark = pytest.mark.django_db
NEW = {"url": HOOK, "which": "all", "description": "Till"}


def _actions() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("id").values_list("action", "subject"))


def _secret(page: str) -> str:
    found = re.search(r'id="secret">(whsec_[^<]+)<', page)
    assert found is not None
    return found[1]


def test_a_new_endpoint_shows_its_secret_once(visitor: Visitor) -> None:
    made = visitor.send("endpoints/new/", NEW)
    assert made.status_code == 200
    secret = _secret(made.content.decode())
    endpoint = Endpoint.objects.get()
    assert (endpoint.url, endpoint.enabled_events, endpoint.description) == (HOOK, ["*"], "Till")
    assert endpoint.owner == visitor.caller.account.public_id
    assert secret not in visitor.text(f"endpoints/{endpoint.public_id}/")
    assert _actions() == [("endpoint.created", endpoint.public_id)]
    entry = AuditEntry.objects.get()
    assert re.fullmatch(r"portal:ps_\w{22}", entry.actor)
    assert entry.account == visitor.caller.account.public_id
    assert secret not in str(entry.after)


def test_a_form_that_is_sent_twice_acts_once_and_shows_the_same(visitor: Visitor) -> None:
    form = visitor.form_of("endpoints/new/")
    first, again = (visitor.send("endpoints/new/", NEW, form=form).content.decode() for _ in range(2))
    assert _secret(first) == _secret(again)
    assert Endpoint.objects.count() == AuditEntry.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT bool_and(sealed), string_agg(encode(body, 'escape'), '') FROM api_idempotency_key"
                       " WHERE endpoint LIKE '%portal%'")  # fmt: skip
        sealed, kept = cursor.fetchone()
    assert sealed
    assert _secret(first) not in kept


def test_a_form_that_is_sent_again_with_other_values_changes_nothing(visitor: Visitor) -> None:
    form = visitor.form_of("endpoints/new/")
    visitor.send("endpoints/new/", NEW, form=form)
    refused = visitor.send("endpoints/new/", {**NEW, "description": "Another"}, form=form)
    assert refused.status_code == 409
    assert "This form was sent before, with other values." in refused.content.decode()
    assert Endpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({**NEW, "url": "http://shop.example/"}, "https"),
        ({**NEW, "url": "https://127.0.0.1/hook"}, "address"),
        ({**NEW, "url": "nonsense"}, "URL"),
        ({**NEW, "url": ""}, "url"),
        ({**NEW, "url": "https://93.184.216.34/" + "a" * 2_100}, "2048"),
        ({"url": HOOK, "which": "chosen"}, "Choose at least one event"),
        ({"url": HOOK, "which": "chosen", "enabled_events[]": "customer.exploded"}, "customer.exploded"),
        ({**NEW, "secret": "x"}, "unknown parameter: secret"),
        ({**NEW, "description": "a\0b"}, "NUL"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(visitor: Visitor, fields: dict[str, str], told: str) -> None:
    refused = visitor.send("endpoints/new/", fields)
    page = refused.content.decode()
    assert refused.status_code == 400
    assert told in page
    assert not Endpoint.objects.exists()


def test_more_endpoints_than_allowed_are_refused(visitor: Visitor, settings: Any) -> None:
    settings.DISPATCHER = {**settings.DISPATCHER, "MAX_ENDPOINTS_PER_OWNER": 1}
    visitor.send("endpoints/new/", NEW)
    refused = visitor.send("endpoints/new/", NEW)
    assert refused.status_code == 400
    assert "at most 1 webhook endpoints" in refused.content.decode()


def test_a_form_without_its_name_changes_nothing(visitor: Visitor) -> None:
    for name in ("", "x", "y" * 23):
        refused = visitor.send("endpoints/new/", NEW, form=name)
        assert refused.status_code == 400
        assert "This form is incomplete" in refused.content.decode()
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"form=%zz", 400),
        (b"form=%ff%fe", 400),
        (b"form=\xff", 400),
        (b"&".join(b"a%d=" % number for number in range(1_001)), 400),
        (b"url=a&url=b", 400),
        (b"url[=", 400),
        (b'{"form": 1}', 400),
        (b"url=" + b"a" * 70_000, 413),
    ],
    ids=["escape", "no UTF-8", "raw byte", "too many", "twice", "brackets", "JSON", "too large"],
)
def test_what_is_no_form_of_ours_is_refused_as_a_page(visitor: Visitor, body: bytes, status: int) -> None:
    refused = visitor.client.post(visitor.root + "endpoints/new/", body, content_type=FORM)
    assert refused.status_code == status
    assert "Nothing was changed" in refused.content.decode()
    assert not Endpoint.objects.exists()


def test_an_endpoint_is_edited(visitor: Visitor) -> None:
    made = visitor.caller.endpoint(description="Old", enabled_events=["payment_intent.failed"])
    below = f"endpoints/{made['id']}/edit/"
    assert 'value="payment_intent.failed" checked' in visitor.text(below)
    chosen = [
        ("url", HOOK + "/2"),
        ("description", ""),
        ("which", "chosen"),
        ("enabled_events[]", "payment_intent.failed"),
        ("enabled_events[]", "customer.created"),
    ]
    assert "Saved." in visitor.follow(visitor.send(below, chosen))
    row = Endpoint.objects.get()
    assert (row.url, row.description) == (HOOK + "/2", None)
    assert row.enabled_events == ["payment_intent.payment_failed", "customer.created"]
    entry = AuditEntry.objects.get()
    assert entry.before is not None
    assert (entry.action, entry.before["description"]) == ("endpoint.updated", "Old")
    visitor.follow(visitor.send(below, chosen))
    assert AuditEntry.objects.count() == 1


def test_an_edit_that_is_refused_shows_what_was_entered(visitor: Visitor) -> None:
    made = visitor.caller.endpoint()
    refused = visitor.send(
        f"endpoints/{made['id']}/edit/",
        {"url": "https://10.0.0.1/x", "which": "all", "description": "New words"},
    )
    page = refused.content.decode()
    assert refused.status_code == 400
    assert "https://10.0.0.1/x" in page
    assert "New words" in page
    assert Endpoint.objects.get().url == HOOK


def test_disabling_and_enabling_twice_is_written_down_once(visitor: Visitor) -> None:
    made = visitor.caller.endpoint()
    for action in ("disable", "enable"):
        below = f"endpoints/{made['id']}/{action}/"
        form = visitor.form_of(below)
        for _ in range(2):
            assert f"{action}d" in visitor.follow(visitor.send(below, form=form))
        assert Endpoint.objects.get().status == f"{action}d"
    assert _actions() == [("endpoint.disabled", made["id"]), ("endpoint.enabled", made["id"])]


def test_a_deleted_endpoint_is_gone_from_the_list_and_stays_so(visitor: Visitor) -> None:
    made = visitor.caller.endpoint()
    below = f"endpoints/{made['id']}/delete/"
    form = visitor.form_of(below)
    for _ in range(2):
        assert "Deleted." in visitor.follow(visitor.send(below, form=form))
    assert "No endpoint yet" in visitor.text()
    assert _actions() == [("endpoint.deleted", made["id"])]
    assert "was deleted" in visitor.text(f"endpoints/{made['id']}/", status=404)


def test_a_get_changes_nothing(visitor: Visitor) -> None:
    made = visitor.caller.delivery()
    for below in ("enable", "disable", "delete", "roll"):
        visitor.text(f"endpoints/{made['endpoint']}/{below}/")
    for below in (f"deliveries/{made['id']}/resend/", f"deliveries/{made['id']}/stop/"):
        visitor.text(below)
    assert Endpoint.objects.get().status == "enabled"
    assert DeliveryRecord.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_a_roll_shows_the_new_secret_and_when_the_old_one_ends(visitor: Visitor) -> None:
    made = visitor.caller.endpoint()
    below = f"endpoints/{made['id']}/roll/"
    form = visitor.form_of(below)
    first, again = (visitor.send(below, {"overlap": "3600"}, form=form).content.decode() for _ in range(2))
    assert _secret(first) == _secret(again) != made["secret"]
    assert "signs too, and ends" in first
    assert _actions() == [("endpoint.secret_rolled", made["id"])]
    assert visitor.send(below, {"overlap": "99"}).status_code == 409
    at_once = visitor.send(below, {"overlap": "0"}).content.decode()
    assert "signs too" not in at_once
    assert Endpoint.objects.get().previous_secret is None


def test_a_test_event_leads_to_its_delivery(visitor: Visitor) -> None:
    made = visitor.caller.endpoint(enabled_events=["customer.created"])
    form = visitor.form_of("test/")
    for _ in range(2):
        page = visitor.follow(visitor.send("test/", {"endpoint": made["id"]}, form=form))
        assert "endpoint.test" in page
    assert DeliveryRecord.objects.get().manual
    assert _actions() == [("endpoint.tested", made["id"])]
    assert visitor.send("test/", {}).status_code == 400
    assert visitor.send("test/", {"endpoint": "we_0000000000000000000000"}).status_code == 404


def test_an_endpoint_beyond_those_that_are_offered_is_chosen_all_the_same(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its page leads to: not the newest one in its place."""
    monkeypatch.setattr("api.portal.lookups.OFFERED", 1)
    old, newest = (visitor.caller.endpoint()["id"] for _ in range(2))
    for below in ("test/", "deliveries/"):
        page = visitor.text(below, endpoint=old)
        assert f'<option value="{old}" selected>' in page
        assert f'<option value="{newest}">' in page
    visitor.caller.send("DELETE", f"/webhook_endpoints/{old}/")
    assert f'<option value="{old}" selected>' in visitor.text("deliveries/", endpoint=old)
    assert "or it was deleted" in visitor.text("test/", status=404, endpoint=old)


def test_a_delivery_is_sent_once_more_for_each_form(visitor: Visitor) -> None:
    made = visitor.caller.delivery()
    below = f"deliveries/{made['id']}/resend/"
    form = visitor.form_of(below)
    for _ in range(2):
        page = visitor.follow(visitor.send(below, form=form))
        assert "Sent by hand" in page
    assert DeliveryRecord.objects.count() == 2
    visitor.follow(visitor.send(below))
    assert DeliveryRecord.objects.count() == 3
    assert _actions() == [("delivery.resent", made["id"])] * 2


def test_what_cannot_be_sent_again_says_why(visitor: Visitor) -> None:
    made = visitor.caller.delivery()
    below = f"deliveries/{made['id']}/resend/"
    form = visitor.form_of(below)
    visitor.caller.send("DELETE", f"/webhook_endpoints/{made['endpoint']}/")
    refused = visitor.send(below, form=form)
    assert refused.status_code == 409
    assert "nowhere to send it" in refused.content.decode()
    expired = visitor.caller.delivery()
    below = f"deliveries/{expired['id']}/resend/"
    form = visitor.form_of(below)
    Event.objects.all().delete()
    refused = visitor.send(below, form=form)
    assert refused.status_code == 409
    assert "no longer kept" in refused.content.decode()
    page = visitor.text(f"deliveries/{expired['id']}/")
    assert "past its retention" in page
    assert "Send once more" not in page


def test_a_delivery_is_stopped_once(visitor: Visitor) -> None:
    made = visitor.caller.delivery()
    below = f"deliveries/{made['id']}/stop/"
    form = visitor.form_of(below)
    assert "Stopped." in visitor.follow(visitor.send(below, form=form))
    assert "It had ended already" in visitor.follow(visitor.send(below, form=form))
    assert _actions() == [("delivery.stopped", made["id"])]


def test_an_event_goes_to_an_endpoint_that_never_had_it(visitor: Visitor) -> None:
    record(owner=visitor.caller.account.public_id, type="customer.created")
    fan_out()
    event = Event.objects.get()
    made = visitor.caller.endpoint(enabled_events=["charge.failed"])
    assert "It went nowhere" in visitor.text(f"events/{event.public_id}/")
    below = f"events/{event.public_id}/send/"
    form = visitor.form_of(below)
    for _ in range(2):
        visitor.follow(visitor.send(below, {"endpoint": made["id"]}, form=form))
    assert DeliveryRecord.objects.get().event_id == event.id
    assert _actions() == [("event.sent", event.public_id)]
    assert visitor.send(below, {}).status_code == 409


def test_a_change_is_the_links_own(visitor: Visitor) -> None:
    """Neither another link nor a program of the merchant's shares the name of a form."""
    form = visitor.form_of("endpoints/new/")
    visitor.send("endpoints/new/", NEW, form=form)
    visit(visitor.caller).send("endpoints/new/", NEW, form=form)
    Caller(account=visitor.caller.account, key=visitor.caller.key).post(
        "/webhook_endpoints/", {"url": HOOK, "enabled_events": ["*"]}, idempotency_key=form
    )
    assert Endpoint.objects.count() == 3


def test_a_link_is_ended_by_whoever_holds_it(visitor: Visitor) -> None:
    other = visit(visitor.caller)
    form = visitor.form_of("end/")
    assert "this link ends" in visitor.text()
    ended = visitor.send("end/", form=form)
    assert (ended.status_code, ended["Location"]) == (303, visitor.root)
    for again in (visitor.get(), visitor.get("deliveries/"), visitor.send("end/", form=form)):
        assert again.status_code == 404
        assert "This link has ended" in again.content.decode()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.account) == ("portal_session.ended", visitor.caller.account.public_id)
    assert entry.actor == f"portal:{entry.subject}"
    assert visitor.caller.get(f"/portal_sessions/{entry.subject}/").json()["status"] == "revoked"
    assert other.get().status_code == 200


def _missed(visitor: Visitor, count: int = 3) -> str:
    """A disabled endpoint that was not sent so many events; its id."""
    made = visitor.caller.endpoint()
    visitor.follow(visitor.send(f"endpoints/{made['id']}/disable/"))
    record(count, owner=visitor.caller.account.public_id, type="customer.created")
    fan_out()
    endpoint_id: str = made["id"]
    return endpoint_id


def test_enabling_leads_to_what_was_missed_which_is_counted_confirmed_and_replayed_once(
    visitor: Visitor,
) -> None:
    endpoint = _missed(visitor)
    page = visitor.client.get(visitor.send(f"endpoints/{endpoint}/enable/")["Location"]).content.decode()
    assert "Replay 3 deliveries?" in page
    assert "it was not sent meanwhile" in page
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    assert (fields["only"], fields["count"]) == ("missing", "3")
    form = fields.pop("form")
    below = f"endpoints/{endpoint}/replay/"
    for _ in range(2):
        assert "0 of 3 made." in visitor.follow(visitor.send(below, fields, form=form))
    replay = Replay.objects.get()
    assert replay.created_by.startswith("portal:ps_")
    assert AuditEntry.objects.filter(action="replay.started").count() == 1
    second = visitor.send(below, fields, form=visitor.form_of("endpoints/new/"))
    assert second.status_code == 409
    assert "has a replay that is running" in second.content.decode()


def test_a_replay_is_paused_goes_on_and_is_cancelled(visitor: Visitor) -> None:
    endpoint = _missed(visitor)
    visitor.send(f"endpoints/{endpoint}/enable/")
    replay = start_replay(
        owner=visitor.caller.account.public_id,
        endpoint_id=decode_id("we", endpoint),
        since=timezone.now() - timedelta(hours=1),
        only="missing",
        created_by="tests",
    )
    for change, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        below = f"replays/{replay.public_id}/{change}/"
        form = visitor.form_of(below)
        assert state in visitor.follow(visitor.send(below, form=form))
        assert Replay.objects.get().state == state
    refused = visitor.send(f"replays/{replay.public_id}/resume/")
    assert refused.status_code == 409
    assert [action for action, _ in _actions()][-3:] == [
        "replay.paused",
        "replay.resumed",
        "replay.cancelled",
    ]
    assert visitor.get(f"replays/{replay.public_id}/explode/").status_code == 404


def test_a_replay_that_cannot_be_says_why(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = _missed(visitor)
    below = f"endpoints/{endpoint}/replay/"
    assert "enable it first" in visitor.text(below, status=409, only="failed")
    visitor.send(f"endpoints/{endpoint}/enable/")
    assert "Nothing was found in the last hour." in visitor.text(below, only="failed", range="1h")
    assert "is not known" in visitor.text(below, status=400, only="everything")
    reversed_range = {"since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"}
    assert "exchange them" in visitor.text(below, status=400, only="failed", **reversed_range)
    form = visitor.form_of("endpoints/new/")
    for fields in (
        {},
        {"only": "missing", "count": "x", "range": "1h"},
        {"only": "missing", "count": "9" * 20},
    ):
        assert visitor.send(below, fields, form=form).status_code == 400
    many = visitor.send(below, {"only": "missing", "range": "1h", "count": "5000"}, form=form)
    assert many.status_code == 409
    assert "now there are 3" in many.content.decode()
    monkeypatch.setattr("api.portal.views.replays.MOST", 2)
    assert "There are 2 or more: choose a shorter time" in visitor.text(below, only="missing")
    assert not Replay.objects.exists()

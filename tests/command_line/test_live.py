"""`webhooks listen`, `trigger`, `tail`, `probe` and `trace`, with a dispatcher that delivers."""

import io
import json
import signal
from argparse import Namespace
from typing import Any

import pytest
from django.db import OperationalError

from api.command_line.listen import open_receiver, remove, warn_without_dispatcher
from api.command_line.output import Output
from api.command_line.scenes import SCENES, TAKEN
from core.versions import EVENT_TYPES
from dispatcher.models import Endpoint, Process
from outbox.models import Event
from tests.command_line.running import webhooks, within
from tests.dispatcher.scenes import make_endpoint, query, record
from tests.processes import Command, worker_database_url
from tools.demo.ports import reserved_port

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]


def started(*arguments: str) -> Command:
    return Command("webhooks", *arguments)


def lines(command: Command) -> list[dict[str, Any]]:
    return [json.loads(line) for line in command.stdout]


def test_listen_receives_verifies_forwards_and_leaves_nothing_behind(delivering, shop, account):
    url = f"http://127.0.0.1:{shop.port}/hook"
    with started(
        "listen", "--forward-to", url, "--events", "payment_intent.succeeded", "--print-json"
    ) as listening:
        listening.says('"ready"')
        ready = lines(listening)[0]
        assert ready["secret"].startswith("whsec_")
        triggered = webhooks("trigger", "payment_intent.succeeded", "--override", "amount=5000")
        assert triggered.code == 0, triggered.talk
        (wanted,) = (one for one in triggered.records if one["wanted"])
        listening.says('"received"')
        listening.signal(signal.SIGINT)
        assert listening.wait() == 0, listening.output()
    (received,) = lines(listening)[1:]
    assert (received["type"], received["event"]) == ("payment_intent.succeeded", wanted["event"])
    assert received["verified"] == {"stripe": True, "standard": True}
    assert (received["answered"], received["forwarded"]["status"], received["attempt"]) == (200, 200, 1)
    assert received["body"]["data"]["object"]["amount"] == 5000
    assert wanted["event"] in [one.event_id for one in shop.received]
    row = Endpoint.objects.get()
    assert row.public_id == ready["endpoint"]
    assert row.deleted_at is not None
    traced = webhooks("trace", wanted["event"])
    assert traced.code == 0, traced.talk
    decisions = [decision for event in traced.record["events"] for decision in event["decisions"]]
    assert [one["verdict"] for one in decisions if one["delivery"]] == ["delivered"]


def test_tail_shows_what_happens_and_probe_reaches_what_deliveries_reach(delivering, shop, account):
    endpoint = make_endpoint(owner=account.public_id, url=f"http://127.0.0.1:{shop.port}/hook")
    with started("tail", "--endpoint", endpoint.public_id) as tailing:
        tailing.says("Following")
        (event,) = record(owner=account.public_id, type="customer.created")
        tailing.says('"succeeded"')
        tailing.signal(signal.SIGTERM)
        assert tailing.wait() == 0, tailing.output()
    shown = lines(tailing)
    assert [one["kind"] for one in shown] == ["delivery", "attempt"]
    assert {one["event"] for one in shown} == {event.public_id}
    assert shown[1]["status"] == 200
    assert within("tail", "--since", "1m", "--no-follow", "--failed").data == ""
    past = within("tail", "--since", "1m", "--no-follow", "--type", "customer.created", "--text")
    assert f"--> customer.created [{event.public_id}]" in past.data
    assert "<-- [200] POST" in past.data
    probed = webhooks("probe", endpoint.public_id)
    assert probed.code == 0, probed.talk
    assert [one["stage"] for one in probed.records] == ["url", "dns", "policy", "tcp", "tls", "ping"]


def test_tail_goes_on_behind_an_outage_and_shows_what_happened_meanwhile(delivering, shop, account):
    endpoint = make_endpoint(owner=account.public_id, url=f"http://127.0.0.1:{shop.port}/hook")
    separator = "&" if "?" in worker_database_url() else "?"
    address = f"{worker_database_url()}{separator}application_name=of_this_tail"
    with Command("webhooks", "tail", "--endpoint", endpoint.public_id, DATABASE_URL=address) as tailing:
        tailing.says("Following")
        ended = query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'of_this_tail'"
        )
        assert ended == [(True,)]
        (event,) = record(owner=account.public_id, type="customer.created")
        tailing.says("PostgreSQL answers again")
        tailing.says('"succeeded"')
        tailing.signal(signal.SIGINT)
        assert tailing.wait() == 0, tailing.output()
    assert [(one["kind"], one["event"]) for one in lines(tailing)] == [
        ("delivery", event.public_id),
        ("attempt", event.public_id),
    ]
    assert "going on as soon as it answers" in tailing.output()


def test_every_event_that_can_be_made_to_happen_does(account, settings):
    settings.BANK = {**settings.BANK, "SEED": 1}
    for name, scene in SCENES.items():
        if scene.by_settlement:
            continue
        ended = within("trigger", name)
        assert ended.code == 0, (name, ended.talk)
        assert [one["type"] for one in ended.records if one["wanted"]] == [name]
    assert set(SCENES) | {"endpoint.test", "endpoint.failing", "endpoint.disabled"} == set(EVENT_TYPES)


def test_what_only_the_bank_brings_about_is_waited_for(delivering, account):
    assert within("trigger", "refund.failed", "--wait", "30s").code == 0


def test_what_needs_settlement_says_so_where_none_runs(account, monkeypatch):
    ended = within("trigger", "refund.failed", "--wait", "0s")
    assert (ended.code, "run_settlement" in ended.talk) == (4, True)


def test_overrides_reach_the_object_and_wrong_ones_are_refused(account):
    within("trigger", "customer.created", "--override", "name=Zoë", "--override", "metadata[order]=7")
    made = Event.objects.get().decoded_data()
    assert (made["name"], made["metadata"]) == ("Zoë", {"order": "7"})
    for override, words in [
        ("amount=5", "'amount' cannot be overridden here; there are name"),
        ("metadata=7", "metadata is written metadata[order]=7"),
        ("name[first]=Zoë", "metadata is written metadata[order]=7"),
    ]:
        ended = within("trigger", "customer.created", "--override", override)
        assert (ended.code, ended.data) == (2, "")
        assert words in ended.talk
    assert "is a whole number" in within("trigger", "charge.failed", "--override", "amount=1.5").talk
    ended = within("trigger", "charge.failed", "--override", "amount=1")
    assert (ended.code, "argument --override: amount: Amount must be" in ended.talk) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["payment_intent.suceeded"], 2, "did you mean payment_intent.succeeded"),
        (["endpoint.disabled"], 1, "cannot be made to happen"),
        (["endpoint.test"], 2, "argument --endpoint: "),
    ],
)
def test_a_type_that_cannot_be_is_refused(account, arguments, code, words):
    ended = within("trigger", *arguments)
    assert (ended.code, ended.data) == (code, "")
    assert words in ended.talk


def test_types_are_listed_and_a_test_event_goes_to_its_endpoint(endpoint):
    assert {one["type"] for one in within("trigger").records} == set(EVENT_TYPES)
    assert "payment_intent.succeeded" in within("trigger", "--text").data
    taken = {name for names in TAKEN.values() for name in names}
    assert taken == {name for scene in SCENES.values() for name in scene.takes}
    sent = within("trigger", "endpoint.test", "--endpoint", endpoint.public_id)
    assert sent.record["type"] == "endpoint.test"
    # The plain dialect's name is the same event's.
    assert within("trigger", "payment_intent.failed").code == 0


def test_listen_says_what_keeps_it_from_being_reached(account, settings):
    settings.DISPATCHER = {**settings.DISPATCHER, "ALLOW_HTTP": False}
    ended = within("listen")
    assert ended.code == 2
    assert "WEBHOOK_ALLOW_HTTP=true" in ended.talk
    assert not Endpoint.objects.exists()
    ended = within("listen", "--public-url", "http://tunnel.test/")
    assert "argument --public-url: the URL must begin with https://" in ended.talk
    assert "argument --events" in within("listen", "--events", "nonsense").talk


def test_listen_takes_a_port_that_dispatchers_may_send_to(settings):
    with reserved_port(0) as port:
        settings.DISPATCHER = {**settings.DISPATCHER, "EXTRA_PORTS": [str(port)]}
        asked = Namespace(host="127.0.0.1", port=0, forward_to=None, public_url=None)
        with open_receiver(asked) as receiver:
            assert receiver.port in (port, 8443)
        with (
            reserved_port(0) as chosen,
            open_receiver(Namespace(**{**vars(asked), "port": chosen})) as receiver,
        ):
            assert receiver.port == chosen


def test_a_killed_listen_leaves_an_endpoint_that_the_next_one_removes(account):
    with started("listen") as killed:
        killed.says('"ready"')
        killed.kill()
    assert Endpoint.objects.filter(deleted_at=None).count() == 1
    with started("listen") as listening:
        listening.says('"ready"')
        assert Endpoint.objects.filter(deleted_at=None).count() == 1


def test_listen_says_what_it_leaves_where_the_database_went_away(account, monkeypatch):
    def lost(**_: object) -> None:
        raise OperationalError("no server")

    endpoint = make_endpoint(owner=account.public_id)
    talk = io.StringIO()
    monkeypatch.setattr("api.command_line.listen.delete_endpoint", lost)
    remove(endpoint, Output(stdout=io.StringIO(), stderr=talk))
    assert f"so {endpoint.public_id} stays" in talk.getvalue()
    monkeypatch.undo()
    remove(endpoint, Output(stdout=io.StringIO(), stderr=talk))
    assert f"{endpoint.public_id} is removed." in talk.getvalue()
    assert not Endpoint.objects.filter(deleted_at=None).exists()


def test_listen_warns_where_nobody_would_send(account):
    talk = io.StringIO()
    Process.objects.all().delete()
    warn_without_dispatcher(Output(stdout=io.StringIO(), stderr=talk))
    assert "manage.py run_dispatcher" in talk.getvalue()


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ("evt_0355TFrH8aMHaGq6BF9BOk", 1, "There is no event"),
        ("nonsense", 2, "argument ID: "),
        ("whsec_abc", 2, "looks like a secret"),
    ],
)
def test_an_id_that_leads_nowhere_is_told(given, code, words):
    ended = within("trace", given)
    assert (ended.code, ended.data) == (code, "")
    assert words in ended.talk


def test_a_trace_is_readable(endpoint):
    within("trigger", "payment_intent.succeeded", "--override", "amount=1234")
    intent = Event.objects.filter(type="payment_intent.succeeded").get().object_id
    shown = within("trace", intent, "--text").data
    assert "$12.34 usd, succeeded" in shown
    assert f"→ {endpoint.url}" in shown
    assert "payment_intent.succeeded evt_" in shown

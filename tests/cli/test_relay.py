"""`manage.py run_cli_relay` as a process, over real WebSockets, on PostgreSQL alone."""

import json
import signal
import socket as sockets
import urllib.request
from typing import Any

import pytest
import stripe
from django.db import connection
from websockets.exceptions import InvalidStatus

from api.cli_relay.messages import UNKNOWN_ID
from api.cli_relay.metrics import CATALOGUE
from api.cli_relay.sessions import NewSession, create_session
from api.cli_relay.switchboard import REPLACED
from api.models import CliFeature, CliMessage, CliSession, RequestLog
from core.accounts import create_account
from core.api_keys import ApiKeyIdentity, authenticate, create_api_key
from core.customers import create_customer
from core.writes import Write
from outbox.identifiers import new_uuid
from outbox.models import Event
from tests.cli.relays import acknowledge, answer, end_of, received, relay_url, running_relay, socket_to
from tests.processes import Command, until
from tests.scrapes import moves, scrape
from tools.demo.ports import reserved_port

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def identity() -> ApiKeyIdentity:
    return _identity("Shop")


def _identity(name: str) -> ApiKeyIdentity:
    return authenticate(create_api_key(account=create_account(name=name), name="tests"))


def _session(identity: ApiKeyIdentity, feature: CliFeature = CliFeature.WEBHOOKS) -> NewSession:
    return create_session(identity=identity, feature=feature)


def _customer(identity: ApiKeyIdentity) -> str:
    """A new customer; gives the id of its event."""
    write = Write(account_id=identity.account_id, owner=identity.owner)
    made = create_customer(write=write, fields={"name": "A"})
    return Event.objects.get(object_id=made["id"]).public_id


def _event_ids(messages: list[dict[str, Any]]) -> list[str]:
    return [json.loads(message["event_payload"])["id"] for message in messages]


def _refusal(url: str, token: str, **options: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refused, socket_to(url, token, **options):
        raise AssertionError("it was admitted")
    response = refused.value.response
    return response.status_code, json.loads(response.body)["error"]["message"]


def test_an_event_is_pushed_signed_and_its_answer_is_written_down(identity: ApiKeyIdentity) -> None:
    session = _session(identity)
    with running_relay() as relay, socket_to(relay_url(relay), session.token) as socket:
        assert socket.subprotocol == "stripecli-devproxy-v1"
        event_id = _customer(identity)
        (message,) = received(socket, 1)
        assert _event_ids([message]) == [event_id]
        event = stripe.Webhook.construct_event(
            message["event_payload"], message["http_headers"]["Stripe-Signature"], session.secret
        )
        assert event["type"] == "customer.created"
        acknowledge(socket, message)
        answer(socket, message, status=201, body="created")
        until(lambda: CliMessage.objects.get().status == 201, what="the answer's row")
    row = CliMessage.objects.get()
    assert (row.body, row.forward_url) == ("created", "http://127.0.0.1:4242/hook")


def test_metrics_tell_who_listens_and_what_was_pushed(identity: ApiKeyIdentity) -> None:
    session = _session(identity)
    with reserved_port(0) as port, running_relay("--metrics-port", str(port)) as relay:
        assert scrape(port).described() == {one.name: (one.type, one.help) for one in CATALOGUE}
        with pytest.raises(InvalidStatus), socket_to(relay_url(relay), "nobody's"):
            raise AssertionError("it was admitted")
        with socket_to(relay_url(relay), session.token) as socket:
            _customer(identity)
            (message,) = received(socket, 1)
            acknowledge(socket, message)
            answer(socket, message)
            shown = moves(port, ("cli_relay_words_total", "answer"), 1)
            assert shown["cli_relay_sessions", "webhooks"] == 1
            assert shown["cli_relay_sessions", "request_logs"] == 0
            assert shown["cli_relay_admissions_total", "admitted"] == 1
            assert shown["cli_relay_admissions_total", "unknown"] == 1
            assert shown["cli_relay_messages_pushed_total", "webhooks"] == 1
            assert shown["cli_relay_words_total", "acknowledgement"] == 1
            assert shown["cli_relay_database_up"] == 1
        moves(port, ("cli_relay_sessions", "webhooks"), 0)


def test_requests_are_pushed_as_they_are_logged(identity: ApiKeyIdentity) -> None:
    session = _session(identity, CliFeature.REQUEST_LOGS)
    with running_relay() as relay, socket_to(relay_url(relay), session.token) as socket:
        row = RequestLog.objects.create(
            id=new_uuid(), method="GET", path="/v1/customers/cus_1", status=404, milliseconds=1.0,
            api_version="v", account_id=identity.account_id, error_code="resource_missing",
        )  # fmt: skip
        (message,) = received(socket, 1)
        payload = json.loads(message["event_payload"])
        assert (payload["request_id"], payload["status"]) == (row.public_id, 404)
        acknowledge(socket, message)
        until(lambda: CliMessage.objects.get().acknowledged_at, what="the acknowledgement's row")


def test_another_process_goes_on_where_a_dead_one_stopped(identity: ApiKeyIdentity) -> None:
    session = _session(identity)
    with running_relay() as relay, socket_to(relay_url(relay), session.token) as socket:
        first, second = _customer(identity), _customer(identity)
        messages = received(socket, 2)
        assert _event_ids(messages) == [first, second]
        acknowledge(socket, messages[0])
        until(
            lambda: CliMessage.objects.filter(acknowledged_at__isnull=False).exists(),
            what="the acknowledgement's row",
        )
        relay.kill()
        assert end_of(socket) == (None, "")
    third = _customer(identity)
    with running_relay() as relay, socket_to(relay_url(relay), session.token) as socket:
        assert _event_ids(received(socket, 2)) == [second, third]
        fourth = _customer(identity)
        assert _event_ids(received(socket, 1)) == [fourth]


def test_an_id_that_nobody_has_is_refused_in_the_words_that_the_cli_knows(
    identity: ApiKeyIdentity,
) -> None:
    over = _session(identity)
    CliSession.objects.filter(id=over.row.id).update(expires_at="2026-01-01T00:00:00Z")
    with running_relay() as relay:
        url = relay_url(relay)
        for token in ("", "clis_guessed", over.token, "x" * 1_000):
            assert _refusal(url, token) == (404, UNKNOWN_ID)
        status, message = _refusal(url, _session(identity).token, subprotocols=None)
        assert status == 400
        assert "stripecli-devproxy-v1" in message


def test_a_full_process_says_so(identity: ApiKeyIdentity) -> None:
    first, second = _session(identity), _session(identity)
    with running_relay("--max-sessions", "1") as relay:
        url = relay_url(relay)
        with socket_to(url, first.token):
            assert _refusal(url, second.token)[0] == 503
        until(lambda: not _is_connected(first), what="the departure")
        with socket_to(url, second.token):
            until(lambda: _is_connected(second), what="the arrival")


def _is_connected(session: NewSession) -> bool:
    return CliSession.objects.get(id=session.row.id).connection is not None


def test_a_second_connection_takes_the_session_over(identity: ApiKeyIdentity) -> None:
    session = _session(identity)
    with running_relay() as relay:
        url = relay_url(relay)
        with socket_to(url, session.token) as old, socket_to(url, session.token) as new:
            assert end_of(old) == (1008, REPLACED)
            event_id = _customer(identity)
            assert _event_ids(received(new, 1)) == [event_id]


def test_sessions_of_accounts_are_apart(identity: ApiKeyIdentity) -> None:
    other = _identity("Another shop")
    with running_relay() as relay:
        url = relay_url(relay)
        with (
            socket_to(url, _session(identity).token) as one,
            socket_to(url, _session(identity).token) as two,
            socket_to(url, _session(other).token) as foreign,
        ):
            mine, theirs = _customer(identity), _customer(other)
            assert _event_ids(received(one, 1)) == _event_ids(received(two, 1)) == [mine]
            assert _event_ids(received(foreign, 1)) == [theirs]


@pytest.mark.parametrize(
    ("said", "code"),
    [("shout", 1008), ("[]", 1008), (b"\x00", 1003), ('{"type":"event_ack"}' + " " * 200_000, 1009)],
)
def test_who_does_not_speak_the_protocol_is_hung_up_on(
    identity: ApiKeyIdentity, said: str | bytes, code: int
) -> None:
    with running_relay() as relay:
        url = relay_url(relay)
        with socket_to(url, _session(identity).token) as socket:
            socket.send(said)
            assert end_of(socket)[0] == code
        with socket_to(url, _session(identity).token) as socket:
            socket.send('{"type":"something new"}')
            event_id = _customer(identity)
            assert _event_ids(received(socket, 1)) == [event_id]


def test_a_cli_that_reads_nothing_holds_back_no_other(identity: ApiKeyIdentity) -> None:
    """A window is pushed to it, the rest stays in PostgreSQL."""
    with running_relay() as relay:
        url = relay_url(relay)
        stuck, lively = _session(identity), _session(identity)
        with socket_to(url, stuck.token), socket_to(url, lively.token) as socket:
            events = [_customer(identity) for _ in range(100)]
            seen: list[str] = []
            while len(seen) < len(events):
                (message,) = received(socket, 1)
                seen += _event_ids([message])
                acknowledge(socket, message)
            assert seen == events
            assert CliMessage.objects.filter(session_id=stuck.row.id).count() == 64


def test_it_outlives_an_outage_of_postgresql(identity: ApiKeyIdentity) -> None:
    with running_relay() as relay, socket_to(relay_url(relay), _session(identity).token) as socket:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] >= 1
        event_id = _customer(identity)
        assert _event_ids(received(socket, 1)) == [event_id]


def test_the_first_signal_closes_the_connections_and_exits_well(identity: ApiKeyIdentity) -> None:
    session = _session(identity)
    with running_relay() as relay, socket_to(relay_url(relay), session.token) as socket:
        relay.signal(signal.SIGTERM)
        assert end_of(socket)[0] == 1012
        assert relay.wait() == 0, relay.output()
    assert not _is_connected(session)


def test_a_probe_is_answered_and_nothing_else(db: None) -> None:
    with running_relay() as relay:
        base = relay_url(relay).replace("ws://", "http://")
        with urllib.request.urlopen(f"{base}healthz") as response:
            assert json.load(response) == {"status": "ok"}
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(base)
        assert refused.value.code == 404
        refused.value.close()


def test_a_busy_port_is_an_error_of_usage(db: None) -> None:
    with sockets.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Command("run_cli_relay", "--port", str(port)) as relay:
            assert relay.wait() == 2
    assert f"cannot listen on 127.0.0.1:{port}" in relay.output()


def test_a_database_that_is_away_at_the_start_is_said(db: None) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    with Command("run_cli_relay", "--port", "0", DATABASE_URL=url) as relay:
        assert relay.wait() == 3
    assert "cannot reach PostgreSQL" in relay.output()

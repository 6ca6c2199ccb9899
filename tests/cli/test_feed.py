"""What a connected CLI is told: everything, once acknowledged no more, whoever serves it."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from api.cli_relay import feed
from api.cli_relay.feed import (
    WINDOW,
    Listener,
    find_messages,
    forget_messages,
    keep_sessions,
    leave_session,
    note_words,
    open_session,
    take_messages,
)
from api.cli_relay.messages import Acknowledgement, ForwardedAnswer
from api.cli_relay.sessions import NewSession, create_session
from api.models import CliFeature, CliMessage, CliSession, RequestLog
from core.accounts import create_account
from core.api_keys import ApiKeyIdentity, authenticate, create_api_key, revoke_api_key
from outbox.identifiers import floor_uuid, new_uuid
from outbox.models import Event

pytestmark = pytest.mark.django_db


def _identity(name: str) -> ApiKeyIdentity:
    account = create_account(name=name)
    return authenticate(create_api_key(account=account, name="tests"))


@pytest.fixture
def identity() -> ApiKeyIdentity:
    return _identity("Shop")


@pytest.fixture
def session(identity: ApiKeyIdentity) -> NewSession:
    return create_session(identity=identity, feature=CliFeature.WEBHOOKS)


def _connected(session: NewSession) -> Listener:
    listener = open_session(session.token)
    assert listener is not None
    return listener


def _event(owner: str, *, age: timedelta = timedelta(0), type: str = "customer.created") -> uuid.UUID:
    """Recorded now by a transaction that made its id `age` ago."""
    made = uuid.UUID(int=new_uuid().int - (int(age.total_seconds() * 1000) << 80))
    Event.objects.create(id=made, owner=owner, type=type, object_id="cus_1", data="{}")
    return made


def _look(listener: Listener, *, later: timedelta = timedelta(0)) -> list[uuid.UUID]:
    """The subjects that are pushed now."""
    if listener.room > 0:
        find_messages(listener.feature, [listener], now=datetime.now(tz=UTC) + later)
    taken = take_messages(listener.feature, [listener])
    return [message.subject.id for _, messages in taken for message in messages]


def _acknowledge(listener: Listener) -> None:
    note_words([(listener, Acknowledgement(one)) for one in listener.in_flight])
    listener.in_flight.clear()


def test_events_are_pushed_once_and_in_their_order(session: NewSession, identity: ApiKeyIdentity) -> None:
    listener = _connected(session)
    events = [_event(identity.owner) for _ in range(3)]
    assert _look(listener) == events
    assert _look(listener) == []
    assert not CliMessage.objects.filter(acknowledged_at__isnull=False).exists()


def test_nothing_from_before_the_session_and_nothing_of_others(
    session: NewSession, identity: ApiKeyIdentity
) -> None:
    listener = _connected(session)
    _event(identity.owner, age=timedelta(minutes=1))
    _event(_identity("Another shop").owner)
    _event(identity.owner, type="endpoint.test")
    assert _look(listener) == []


def test_what_commits_late_is_not_missed(session: NewSession, identity: ApiKeyIdentity) -> None:
    CliSession.objects.update(cursor=floor_uuid(datetime.now(tz=UTC) - timedelta(minutes=1)))
    listener = _connected(session)
    early = _event(identity.owner)
    assert _look(listener) == [early]
    late = _event(identity.owner, age=timedelta(seconds=10))
    assert late < early
    assert _look(listener) == [late]


def test_the_cursor_moves_on_behind_the_overlap(session: NewSession, identity: ApiKeyIdentity) -> None:
    listener = _connected(session)
    before = listener.cursor
    _event(identity.owner)
    _look(listener)
    assert listener.cursor == before
    _look(listener, later=timedelta(minutes=1))
    assert listener.cursor > before
    keep_sessions([listener])
    assert CliSession.objects.get().cursor == listener.cursor


def test_a_full_look_leaves_the_cursor_at_what_it_found(
    session: NewSession, identity: ApiKeyIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "WINDOW", 2)
    listener = _connected(session)
    events = [_event(identity.owner) for _ in range(5)]
    later = timedelta(hours=1)
    assert find_messages(listener.feature, [listener], now=datetime.now(tz=UTC) + later)
    assert listener.cursor == events[1]
    assert _look(listener) == events[:2]
    _acknowledge(listener)
    assert _look(listener, later=later) == events[2:4]
    _acknowledge(listener)
    assert _look(listener, later=later) == events[4:]


def test_no_more_than_a_window_is_under_way(session: NewSession, identity: ApiKeyIdentity) -> None:
    listener = _connected(session)
    events = [_event(identity.owner) for _ in range(WINDOW + 5)]
    assert _look(listener) == events[:WINDOW]
    assert listener.room == 0
    assert take_messages(listener.feature, [listener]) == []
    assert CliMessage.objects.count() == WINDOW
    _acknowledge(listener)
    assert _look(listener) == events[WINDOW:]


def test_the_next_connection_gets_what_was_not_acknowledged(
    session: NewSession, identity: ApiKeyIdentity
) -> None:
    first = _connected(session)
    events = [_event(identity.owner) for _ in range(3)]
    assert _look(first) == events
    acknowledged = CliMessage.objects.get(subject_id=events[1])
    note_words([(first, Acknowledgement(acknowledged.id))])
    leave_session(first)
    second = _connected(session)
    assert _look(second) == [events[0], events[2]]
    assert set(CliMessage.objects.values_list("pushes", flat=True)) == {1, 2}


def test_a_connection_that_was_replaced_gets_nothing_more(
    session: NewSession, identity: ApiKeyIdentity
) -> None:
    old, new = _connected(session), _connected(session)
    event = _event(identity.owner)
    assert _look(old) == []
    assert keep_sessions([old, new]) == {new.session_id}
    assert keep_sessions([old]) == set()
    leave_session(old)
    assert _look(new) == [event]


def test_a_session_ends_with_its_key(session: NewSession, identity: ApiKeyIdentity) -> None:
    listener = _connected(session)
    assert keep_sessions([listener]) == {listener.session_id}
    revoke_api_key(identity.key_id)
    assert keep_sessions([listener]) == set()
    assert open_session(session.token) is None


def test_a_session_that_is_over_or_unknown_cannot_be_opened(session: NewSession) -> None:
    assert open_session("clis_guessed") is None
    CliSession.objects.update(expires_at=Now())
    assert open_session(session.token) is None


def test_a_connected_session_is_extended(session: NewSession) -> None:
    listener = _connected(session)
    CliSession.objects.update(expires_at=Now())
    keep_sessions([listener])
    assert CliSession.objects.get().expires_at > datetime.now(tz=UTC) + timedelta(minutes=30)


def test_an_answer_is_written_down(session: NewSession, identity: ApiKeyIdentity) -> None:
    listener = _connected(session)
    _event(identity.owner)
    _look(listener)
    (message_id,) = listener.in_flight
    answer = ForwardedAnswer(
        message_id=message_id,
        status=422,
        body="no stock",
        headers='{"Content-Type":"text/plain"}',
        forward_url="http://127.0.0.1:4242/hook",
    )
    note_words([(listener, Acknowledgement(message_id)), (listener, answer)])
    row = CliMessage.objects.get()
    assert (row.status, row.body, row.headers) == (422, "no stock", {"Content-Type": "text/plain"})
    assert row.forward_url == "http://127.0.0.1:4242/hook"
    assert row.acknowledged_at is not None
    assert row.answered_at is not None


def test_a_session_cannot_speak_for_another(session: NewSession, identity: ApiKeyIdentity) -> None:
    listener = _connected(session)
    _event(identity.owner)
    _look(listener)
    stranger = _connected(create_session(identity=_identity("Stranger"), feature=CliFeature.WEBHOOKS))
    note_words([(stranger, Acknowledgement(one)) for one in listener.in_flight])
    assert CliMessage.objects.get().acknowledged_at is None


def test_one_look_serves_many_sessions(identity: ApiKeyIdentity, django_assert_num_queries: Any) -> None:
    listeners = [
        _connected(create_session(identity=identity, feature=CliFeature.WEBHOOKS)) for _ in range(20)
    ]
    event = _event(identity.owner)
    with django_assert_num_queries(3):
        find_messages(CliFeature.WEBHOOKS, listeners, now=datetime.now(tz=UTC))
        taken = take_messages(CliFeature.WEBHOOKS, listeners)
    assert {session_id for session_id, _ in taken} == {one.session_id for one in listeners}
    assert {message.subject.id for _, messages in taken for message in messages} == {event}


def _logged(identity: ApiKeyIdentity, **fields: Any) -> uuid.UUID:
    values = {"method": "GET", "path": "/v1/customers", "status": 200, **fields}
    row = RequestLog.objects.create(
        id=new_uuid(), milliseconds=1.0, api_version="v", account_id=identity.account_id, **values
    )
    return row.id


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, lambda row: True),
        ({"filter_http_method": ["POST"]}, lambda row: row["method"] == "POST"),
        ({"filter_request_path": ["/v1/events"]}, lambda row: row["path"].startswith("/v1/events")),
        ({"filter_status_code": ["402", "404"]}, lambda row: row["status"] in {402, 404}),
        ({"filter_status_code_type": ["400"]}, lambda row: 400 <= row["status"] < 500),
        ({"filter_request_status": ["FAILED"]}, lambda row: row["status"] >= 400),
        ({"filter_source": ["DASHBOARD"]}, lambda row: False),
        ({"filter_http_method": ["POST"], "filter_status_code": ["402"]}, lambda row: row["status"] == 402),
    ],
)
def test_the_log_is_narrowed_by_filters(
    identity: ApiKeyIdentity,
    filters: dict[str, list[str]],
    passes: Callable[[dict[str, Any]], bool],
) -> None:
    session = create_session(identity=identity, feature=CliFeature.REQUEST_LOGS, filters=filters)
    listener = _connected(session)
    rows: list[dict[str, Any]] = [
        {"method": "GET", "path": "/v1/customers", "status": 200},
        {"method": "POST", "path": "/v1/payment_intents", "status": 402},
        {"method": "GET", "path": "/v1/events/", "status": 404},
        {"method": "POST", "path": "/customers/", "status": 500},
    ]
    expected = [made for made, row in [(_logged(identity, **row), row) for row in rows] if passes(row)]
    _logged(identity, method="POST", path="/v1/stripecli/sessions")
    _logged(_identity("Another shop"))
    assert _look(listener) == expected


def test_what_is_a_week_old_is_forgotten(
    session: NewSession, identity: ApiKeyIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = _connected(session)
    _event(identity.owner)
    _look(listener)
    assert forget_messages(limit=10) == 0
    CliSession.objects.update(expires_at=Now() - timedelta(days=8))
    monkeypatch.setattr(feed, "_KEPT_FOR", timedelta(microseconds=-1_000_000))
    assert forget_messages(limit=10) == 2
    assert not CliMessage.objects.exists()
    assert not CliSession.objects.exists()


def test_the_plan_of_a_look_follows_indexes(session: NewSession, identity: ApiKeyIdentity) -> None:
    """A look is made twice a second: it must not read what lies before the cursor."""
    from django.db import connection

    listener = _connected(session)
    statement = "EXPLAIN (FORMAT JSON) " + feed._SQL["find_cli_events"]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            statement,
            {
                **feed._named([listener]),
                "cursors": [listener.cursor],
                "rooms": [1],
                "left_out": "endpoint.test",
            },
        )
        plan = json.dumps(cursor.fetchone()[0])
    assert "outbox_event" in plan
    assert '"Node Type": "Seq Scan"' not in plan

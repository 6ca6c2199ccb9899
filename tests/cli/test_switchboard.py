"""The database thread of a relay, with lines that only note what is said to them."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError

from api.cli_relay import switchboard as module
from api.cli_relay.feed import Listener, Message
from api.cli_relay.messages import Acknowledgement
from api.cli_relay.sessions import NewSession, create_session
from api.cli_relay.switchboard import REPLACED, Admission, Switchboard, TooManySessions
from api.models import CliFeature, CliMessage, CliSession
from core.accounts import create_account
from core.api_keys import ApiKeyIdentity, authenticate, create_api_key, revoke_api_key
from outbox.identifiers import new_uuid
from outbox.models import Event
from tests.processes import until

pytestmark = pytest.mark.django_db(transaction=True)


class NotedLine:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.reasons: list[str] = []

    def push(self, messages: Sequence[Message]) -> None:
        self.messages += messages

    def hang_up(self, reason: str) -> None:
        self.reasons.append(reason)


@pytest.fixture
def identity() -> ApiKeyIdentity:
    return authenticate(create_api_key(account=create_account(name="Shop"), name="tests"))


@pytest.fixture
def session(identity: ApiKeyIdentity) -> NewSession:
    return create_session(identity=identity, feature=CliFeature.WEBHOOKS)


@contextmanager
def _running(**options: Any) -> Iterator[Switchboard]:
    switchboard = Switchboard(**{"poll_interval": 0.01, "max_sessions": 10, **options})
    switchboard.start()
    try:
        yield switchboard
    finally:
        switchboard.stop()


def _admitted(switchboard: Switchboard, token: str, line: NotedLine) -> Listener | TooManySessions | None:
    answers: list[Listener | TooManySessions | None] = []
    switchboard.admit(Admission(token, line, answers.append))
    until(lambda: answers, what="an answer")
    return answers[0]


def _listener(switchboard: Switchboard, session: NewSession, line: NotedLine) -> Listener:
    listener = _admitted(switchboard, session.token, line)
    assert isinstance(listener, Listener)
    return listener


def _event(identity: ApiKeyIdentity) -> Event:
    return Event.objects.create(
        id=new_uuid(), owner=identity.owner, type="customer.created", object_id="cus_1", data="{}"
    )


def test_a_connection_ends_with_the_key_of_its_session(
    identity: ApiKeyIdentity, session: NewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEEP_EVERY", 0.01)
    line = NotedLine()
    with _running() as switchboard:
        _listener(switchboard, session, line)
        revoke_api_key(identity.key_id)
        until(lambda: line.reasons, what="the hanging up")
        assert line.reasons == [REPLACED]
        assert _admitted(switchboard, session.token, NotedLine()) is None


def test_what_a_cli_said_in_an_outage_is_written_down_after_it(
    identity: ApiKeyIdentity, session: NewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, tries, written = NotedLine(), [], threading.Event()

    def away(words: object) -> None:
        tries.append(words)
        monkeypatch.undo()
        raise OperationalError("server closed the connection unexpectedly")

    with _running() as switchboard:
        listener = _listener(switchboard, session, line)
        _event(identity)
        until(lambda: line.messages, what="the event")
        monkeypatch.setattr(module, "note_words", away)
        switchboard.take_in(listener, Acknowledgement(line.messages[0].id), written.set)
        assert written.wait(60)
        assert len(tries) == 1
        assert listener.in_flight == set()
        assert CliMessage.objects.get().acknowledged_at is not None
        later = _event(identity)
        until(lambda: len(line.messages) == 2, what="the next event")
    assert line.messages[1].subject.id == later.id


def test_a_fault_of_ours_ends_the_process(session: NewSession, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()
    fault = RuntimeError("a fault of ours")

    def faulty(*args: object, **options: object) -> bool:
        raise fault

    with _running(on_failure=failed.set) as switchboard:
        monkeypatch.setattr(module, "find_messages", faulty)
        switchboard.admit(Admission(session.token, NotedLine(), lambda _: None))
        assert failed.wait(60)
        assert switchboard.failure is fault
        assert not switchboard.is_connected


def test_a_stop_leaves_its_sessions(session: NewSession) -> None:
    with _running() as switchboard:
        _listener(switchboard, session, NotedLine())
        assert CliSession.objects.get().connection is not None
    assert CliSession.objects.get().connection is None


def test_a_departure_makes_room(identity: ApiKeyIdentity, session: NewSession) -> None:
    other = create_session(identity=identity, feature=CliFeature.WEBHOOKS)
    with _running(max_sessions=1) as switchboard:
        listener = _listener(switchboard, session, NotedLine())
        assert isinstance(_admitted(switchboard, other.token, NotedLine()), TooManySessions)
        switchboard.release(listener)
        _listener(switchboard, other, NotedLine())

"""What connected CLIs are told, out of PostgreSQL: found, taken, acknowledged, answered.

A message is a row: one a session and event, or line of the request log. It is pushed on each connection of
its session until the CLI has acknowledged it, so that any process can go on where another one stopped.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from api.cli_relay.messages import Acknowledgement, ForwardedAnswer, Word
from api.cli_relay.sessions import token_hash
from api.config import cli_session_lifetime
from api.models import CliFeature, RequestLog
from dispatcher.endpoints import TEST_EVENT_TYPE
from dispatcher.sealing import signing_keys
from dispatcher.signing import SigningKeys
from outbox.database import execute, fetch_all
from outbox.facts import EventFacts
from outbox.identifiers import floor_uuid, new_uuid
from outbox.models import Event
from outbox.sql import statements

_SQL = statements("api.sql")

# Messages under way to one CLI that it has not acknowledged: what is more waits in PostgreSQL.
WINDOW = 64
# An id is made before its row is committed, so what is younger is looked through again. A transaction that records an
# event does it last, and waits for no lock longer than 10 s; a request has its id from its first byte on.
_OVERLAP = {
    CliFeature.WEBHOOKS: timedelta(seconds=15),
    CliFeature.REQUEST_LOGS: timedelta(seconds=60),
}
_FIND = {CliFeature.WEBHOOKS: "find_cli_events", CliFeature.REQUEST_LOGS: "find_cli_requests"}
_KEPT_FOR = timedelta(days=7)


@dataclass(slots=True, eq=False, kw_only=True)
class Listener:
    """A connected session. Belongs to the thread that feeds it."""

    session_id: uuid.UUID
    connection: uuid.UUID  # fences: a later connection of the session has another one
    feature: CliFeature
    api_version: str
    keys: SigningKeys
    cursor: uuid.UUID  # everything up to here has been looked at
    in_flight: set[uuid.UUID] = field(default_factory=set)  # pushed on this connection, not acknowledged

    @property
    def room(self) -> int:
        return WINDOW - len(self.in_flight)


@dataclass(frozen=True, slots=True)
class Message:
    """One to be pushed: an event, or a line of the request log."""

    id: uuid.UUID
    subject: EventFacts | RequestLog


def open_session(token: str) -> Listener | None:
    """Take a session over for a new connection; None where it is unknown or over, or its key may not call any more."""
    rows = fetch_all(
        _SQL["open_cli_session"],
        {
            "token_hash": token_hash(token),
            "connection": new_uuid(),
            "lifetime": cli_session_lifetime(),
        },
    )
    if not rows:
        return None
    session_id, connection, feature, api_version, cursor, sealed_secret = rows[0]
    return Listener(
        session_id=session_id,
        connection=connection,
        feature=CliFeature(feature),
        api_version=api_version,
        keys=signing_keys(sealed_secret),
        cursor=cursor,
    )


def keep_sessions(listeners: Sequence[Listener]) -> set[uuid.UUID]:
    """Extend the sessions and note how far they are; gives those that may go on."""
    rows = fetch_all(
        _SQL["keep_cli_sessions"],
        {
            **_named(listeners),
            "cursors": [listener.cursor for listener in listeners],
            "lifetime": cli_session_lifetime(),
        },
    )
    return {row[0] for row in rows}


def leave_session(listener: Listener) -> None:
    """Note that nobody is connected any more, unless somebody else is by now."""
    execute(
        _SQL["leave_cli_session"],
        {"id": listener.session_id, "connection": listener.connection, "cursor": listener.cursor},
    )


def find_messages(feature: CliFeature, listeners: Sequence[Listener], *, now: datetime) -> bool:
    """Write down what has happened since the last look, as messages; says whether there may be more of it."""
    rows = fetch_all(
        _SQL[_FIND[feature]],
        {
            **_named(listeners),
            "cursors": [listener.cursor for listener in listeners],
            "rooms": [listener.room for listener in listeners],
            "left_out": TEST_EVENT_TYPE,
        },
    )
    found: dict[uuid.UUID, list[uuid.UUID]] = {listener.session_id: [] for listener in listeners}
    for session_id, subject_id in rows:
        found[session_id].append(subject_id)
    settled = floor_uuid(now - _OVERLAP[feature])
    any_more = False
    for listener in listeners:
        subjects = found[listener.session_id]
        whole = len(subjects) < listener.room
        reached = settled if whole else min(settled, max(subjects))
        listener.cursor = max(listener.cursor, reached)
        any_more = any_more or not whole
    return any_more


def take_messages(
    feature: CliFeature, listeners: Sequence[Listener]
) -> list[tuple[uuid.UUID, list[Message]]]:
    """What is to be pushed now, by session, oldest first: each is under way from here on. Two statements."""
    rows = fetch_all(
        _SQL["take_cli_messages"],
        {**_named(listeners), "rooms": [listener.room for listener in listeners]},
    )
    if not rows:
        return []
    subjects = _subjects(feature, {subject_id for _, _, subject_id in rows})
    taken: dict[uuid.UUID, list[Message]] = {listener.session_id: [] for listener in listeners}
    for message_id, session_id, subject_id in rows:
        if subject_id in subjects:
            taken[session_id].append(Message(message_id, subjects[subject_id]))
    for listener in listeners:
        listener.in_flight.update(message.id for message in taken[listener.session_id])
    return [(session_id, messages) for session_id, messages in taken.items() if messages]


def note_words(words: Iterable[tuple[Listener, Word]]) -> None:
    """Write down what CLIs said, in two statements; said twice it is noted once."""
    acknowledged: dict[uuid.UUID, uuid.UUID] = {}
    answers: dict[uuid.UUID, tuple[uuid.UUID, ForwardedAnswer]] = {}
    for listener, word in words:
        match word:
            case Acknowledgement(message_id):
                acknowledged[message_id] = listener.session_id
            case ForwardedAnswer():
                answers[word.message_id] = (listener.session_id, word)
    if acknowledged:
        execute(
            _SQL["acknowledge_cli_messages"],
            {"ids": list(acknowledged), "sessions": list(acknowledged.values())},
        )
    if answers:
        execute(
            _SQL["answer_cli_messages"],
            {
                "ids": list(answers),
                "sessions": [session_id for session_id, _ in answers.values()],
                "statuses": [word.status for _, word in answers.values()],
                "bodies": [word.body for _, word in answers.values()],
                "headers": [word.headers for _, word in answers.values()],
                "urls": [word.forward_url for _, word in answers.values()],
            },
        )


def forget_messages(*, limit: int) -> int:
    """Delete up to `limit` messages, and as many sessions, that are a week old, oldest first; gives how many."""
    bound = datetime.now(tz=UTC) - _KEPT_FOR
    gone = execute(_SQL["forget_cli_messages"], {"bound": floor_uuid(bound), "limit": limit})
    return gone + execute(_SQL["forget_cli_sessions"], {"bound": bound, "limit": limit})


def _named(listeners: Sequence[Listener]) -> dict[str, list[uuid.UUID]]:
    return {
        "sessions": [listener.session_id for listener in listeners],
        "connections": [listener.connection for listener in listeners],
    }


def _subjects(feature: CliFeature, ids: set[uuid.UUID]) -> dict[uuid.UUID, EventFacts | RequestLog]:
    match feature:
        case CliFeature.WEBHOOKS:
            return {row.id: row.facts for row in Event.objects.filter(id__in=ids)}
        case CliFeature.REQUEST_LOGS:
            return {row.id: row for row in RequestLog.objects.filter(id__in=ids)}

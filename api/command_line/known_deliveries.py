"""What the database knows of a delivery that somebody holds in his hand."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import Error

from api.command_line.accounts import find_endpoint
from api.command_line.errors import CommandRefused
from api.command_line.output import Output
from dispatcher.config import dispatcher_settings
from dispatcher.diagnosis.signatures import KnownSecret
from dispatcher.errors import SecretUndecryptable
from dispatcher.models import Endpoint
from dispatcher.sealing import unseal
from outbox.errors import InvalidIdentifier
from outbox.facts import EventFacts
from outbox.identifiers import decode_id
from outbox.models import Event

_MOST_ENDPOINTS = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    """The event, and the secrets that could have signed it."""

    facts: EventFacts | None = None
    endpoints: Sequence[Endpoint] = ()
    secrets: Sequence[KnownSecret] = field(default=(), repr=False)
    version: str | None = None  # that the body names

    def sent_body(self, secret: str) -> bytes | None:
        """The bytes that were sent, to the endpoint of this secret where it is one's."""
        if self.facts is None:
            return None
        owner = next((known.owner for known in self.secrets if known.secret == secret), None)
        versions = [row.api_version for row in self.endpoints if owner and row.public_id in owner]
        version = next(iter(versions), self.version)
        return None if version is None else dispatcher_settings().renderer(self.facts, version)


def what_is_known(headers: Mapping[str, str], body: bytes, output: Output) -> Known:
    """At most two queries. A database out of reach is told, and nothing is known then."""
    named, version = _named_by(body)
    event_id = headers.get("webhook-id") or named
    try:
        facts = None if event_id is None else _facts(event_id)
        rows = Endpoint.objects.order_by("-id")
        if facts is not None:
            rows = rows.filter(owner=facts.owner)
        elif event_id is not None:
            output.warning(
                f"There is no event {event_id[:40]!r} here: is this another installation's, or past its retention?"
            )
        endpoints = list(rows[:_MOST_ENDPOINTS])
    except Error:
        output.warning(
            "The database is out of reach; going on without the event as it was sent and the other secrets."
        )
        return Known()
    secrets = [secret for row in endpoints for secret in _secrets(row)]
    versions = {row.api_version for row in endpoints}
    return Known(facts, endpoints, secrets, version if version in versions else None)


def secrets_of(endpoint_id: uuid.UUID) -> list[KnownSecret]:
    """The endpoint's own first. Raises CommandRefused."""
    row = find_endpoint(endpoint_id)
    if not (found := list(_secrets(row))):
        raise CommandRefused(f"The secret of {row.public_id} cannot be read: {SecretUndecryptable()}")
    return found


def _secrets(row: Endpoint) -> list[KnownSecret]:
    found = []
    for sealed, name in ((row.secret, "endpoint"), (row.previous_secret, "the previous one of endpoint")):
        if sealed is not None:
            try:
                found.append(KnownSecret(f"{name} {row.public_id}", unseal(sealed)))
            except SecretUndecryptable:
                continue
    return found


def _facts(public_id: str) -> EventFacts | None:
    try:
        row = Event.objects.filter(id=decode_id("evt", public_id)).first()
    except InvalidIdentifier:
        return None
    return None if row is None else row.facts


def _named_by(body: bytes) -> tuple[str | None, str | None]:
    """The event's id and the version that the body has, as far as it can be read."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return None, None
    if not isinstance(parsed, dict):
        return None, None
    named, version = parsed.get("id"), parsed.get("api_version")
    return named if isinstance(named, str) else None, version if isinstance(version, str) else None

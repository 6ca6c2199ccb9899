"""Sessions of the Stripe CLI: what `POST /stripecli/sessions` makes and a WebSocket then names.

The CLI sends its API key only with this request. The WebSocket is opened with the session's token alone, so
that is 256 random bits of which only a hash is kept, and it ends with the key that it was made with.
"""

import hashlib
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from api.config import cli_session_lifetime
from api.models import CliFeature, CliSecret, CliSession
from core.api_keys import ApiKeyIdentity
from core.versions import STRIPE
from dispatcher.sealing import seal, unseal
from dispatcher.signing import new_secret
from outbox.database import fetch_all
from outbox.identifiers import floor_uuid, moment_of, new_uuid
from outbox.sql import statements

_SQL = statements("api.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """What the CLI is told, this once."""

    row: CliSession
    token: str
    secret: str  # signs what the session is sent; the same for every session of the account


def create_session(
    *,
    identity: ApiKeyIdentity,
    feature: CliFeature,
    api_version: str = STRIPE,
    device_name: str | None = None,
    forward_url: str | None = None,
    filters: Mapping[str, Sequence[str]] | None = None,
) -> NewSession:
    """A session that hears of what happens from now on. Joins an open transaction."""
    token = f"clis_{secrets.token_urlsafe(32)}"
    session_id = new_uuid()
    row = CliSession(
        id=session_id,
        token_hash=token_hash(token),
        account_id=identity.account_id,
        owner=identity.owner,
        key_id=identity.key_id,
        feature=feature,
        filters={name: list(values) for name, values in (filters or {}).items()},
        api_version=api_version,
        device_name=device_name,
        forward_url=forward_url,
        cursor=floor_uuid(moment_of(session_id)),
        expires_at=timezone.now() + cli_session_lifetime(),
    )
    row.save(force_insert=True)
    return NewSession(row=row, token=token, secret=_secret_of(identity.account_id))


def resend_to_sessions(*, account_id: uuid.UUID, event_id: uuid.UUID) -> int:
    """Push an event once more to every CLI of the account that listens; gives to how many. One statement."""
    return len(fetch_all(_SQL["resend_to_cli"], {"account_id": account_id, "event_id": event_id}))


def token_hash(token: str) -> bytes:
    """A token has 256 random bits: its hash cannot be searched for, and needs no key."""
    return hashlib.sha256(token.encode()).digest()


def session_object(session: NewSession, *, websocket_url: str) -> dict[str, Any]:
    """The answer, in the words of the CLI."""
    return {
        "object": "stripecli_session",
        "websocket_url": websocket_url,
        "websocket_id": session.token,
        "websocket_authorized_feature": session.row.feature,
        "secret": session.secret,
        "reconnect_delay": _RECONNECT_SECONDS,
        "display_connect_filter_warning": "filter_account" in session.row.filters,
        "default_version": session.row.api_version,
        "latest_version": STRIPE,
        "device_token": session.row.public_id,
    }


# The CLI opens its connection anew after as long; nothing is lost by it, and nothing gained.
_RECONNECT_SECONDS = 3_600


def _secret_of(account_id: uuid.UUID) -> str:
    row, _ = CliSecret.objects.get_or_create(
        account_id=account_id, defaults={"sealed_secret": seal(new_secret())}
    )
    return unseal(row.sealed_secret)

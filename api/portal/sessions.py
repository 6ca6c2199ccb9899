"""Sessions of the portal: a link that opens one account's pages for at most an hour.

The link's path holds 256 random bits, of which only a hash is kept: whoever has the link is let in, so there is no
cookie that a frame would lose, and nothing that a browser would send along with a forged form. A session ends with
its time, when it is revoked, or with the API key that it was made with.
"""

import hashlib
import secrets
import string
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models.functions import Coalesce, Now

from api.models import PortalSession
from core.api_keys import ApiKeyIdentity
from core.config import public_url
from dispatcher.deliveries import database_now
from outbox.database import execute, fetch_all
from outbox.identifiers import encode_id, new_uuid
from outbox.sql import statements

LONGEST = timedelta(hours=1)
SHORTEST = timedelta(minutes=1)
TOKEN_PREFIX = "pst_"
_ALPHABET = string.digits + string.ascii_letters
_DIGITS = 43  # 62^43 > 2^256
# What the audit log names can still be looked up for so long.
_KEPT_FOR = timedelta(days=7)
_SQL = statements("api.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """Who has opened the portal, and what its pages need to know of them."""

    id: uuid.UUID
    account_id: uuid.UUID
    owner: str  # the account's public id
    account_name: str
    api_version: str  # events are named so, and new endpoints get it
    allowed_origins: tuple[str, ...]
    expires_at: datetime

    @property
    def public_id(self) -> str:
        return encode_id("ps", self.id)

    @property
    def actor(self) -> str:
        """Who did it, as the audit log has it."""
        return f"portal:{self.public_id}"


def create_session(
    *, identity: ApiKeyIdentity, api_version: str, lifetime: timedelta, allowed_origins: list[str]
) -> tuple[PortalSession, str]:
    """A session and its token, which is shown this once. Joins an open transaction.

    Args:
        lifetime: SHORTEST to LONGEST, by the database's clock.
        allowed_origins: as `checked_origins` gives them.
    """
    token = TOKEN_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_DIGITS))
    row = PortalSession(
        id=new_uuid(),
        token_hash=token_hash(token),
        account_id=identity.account_id,
        owner=identity.owner,
        key_id=identity.key_id,
        api_version=api_version,
        allowed_origins=allowed_origins,
        expires_at=database_now() + lifetime,
    )
    row.save(force_insert=True)
    return row, token


def find_session(token: str) -> OpenSession | None:
    """The session that a link opens; None where it is over or never was. One statement, whatever the token is."""
    rows = fetch_all(_SQL["find_portal_session"], {"token_hash": token_hash(token)})
    if not rows:
        return None
    session_id, account_id, owner, name, api_version, origins, expires_at = rows[0]
    return OpenSession(
        id=session_id,
        account_id=account_id,
        owner=owner,
        account_name=name,
        api_version=api_version,
        allowed_origins=tuple(origins),
        expires_at=expires_at,
    )


def get_session(*, account_id: uuid.UUID, session_id: uuid.UUID) -> PortalSession | None:
    """A session of this account, also one that is over, as long as it is kept."""
    return PortalSession.objects.filter(account_id=account_id, id=session_id).first()


def revoke_session(*, account_id: uuid.UUID, session_id: uuid.UUID) -> bool:
    """Whether there is such a session of this account; from the next page on its link opens nothing. One statement."""
    row = PortalSession.objects.filter(account_id=account_id, id=session_id)
    return bool(row.update(revoked_at=Coalesce("revoked_at", Now())))


def forget_sessions(*, limit: int) -> int:
    """Delete up to `limit` sessions that were over a week ago, oldest first; gives how many. One statement."""
    bound = datetime.now(tz=UTC) - _KEPT_FOR
    return execute(_SQL["forget_portal_sessions"], {"bound": bound, "limit": limit})


def token_hash(token: str) -> bytes:
    """A token has 256 random bits: its hash cannot be searched for, and needs no key."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def session_object(row: PortalSession, *, now: datetime, token: str | None = None) -> dict[str, Any]:
    """A session as the API shows it; its link only where it is new."""
    shown: dict[str, Any] = {
        "id": row.public_id,
        "object": "portal_session",
        "allowed_origins": row.allowed_origins,
        "created": int(row.created_at.timestamp()),
        "expires_at": int(row.expires_at.timestamp()),
        "livemode": False,
        "status": _status(row, now),
    }
    if token is not None:
        shown["url"] = f"{public_url().rstrip('/')}/portal/{token}/"
    return shown


def _status(row: PortalSession, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "active" if row.expires_at > now else "expired"

"""Links by which somebody enters the operations pages once: the first time, or with a password forgotten.

The link is a secret of 256 bits, of which only a hash is stored. Opening it changes nothing, so that a mail program
that looks at links uses none up; the button on its page does.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.contrib.auth.models import User
from django.utils import timezone

from api.models import EntryLink
from outbox.database import execute, fetch_all
from outbox.identifiers import floor_uuid, new_uuid
from outbox.sql import statements

GOOD_FOR = timedelta(hours=1)
_PREFIX = "opl_"  # by which core/redaction.py knows it
_KEPT_FOR = timedelta(days=7)  # for so long a link that is over can say so
_SQL = statements("api.sql")


class LinkState(StrEnum):
    """What a link is worth."""

    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSeen:
    """A link as it was looked at, and who it is for."""

    state: LinkState
    name: str | None = None
    moment: datetime | None = None  # when it was used, or was over; until when it is good


def new_entry_link(user: User) -> tuple[str, datetime]:
    """The path of a new link, and until when it is good. One statement, joins an open transaction."""
    token = f"{_PREFIX}{secrets.token_hex(32)}"
    expires_at = timezone.now() + GOOD_FOR
    EntryLink.objects.create(id=new_uuid(), token_hash=_hashed(token), user_id=user.pk, expires_at=expires_at)
    return f"/ops/enter/{token}/", expires_at


def look_at(token: str) -> LinkSeen:
    """What a link is worth now; changes nothing. At most two statements."""
    link = EntryLink.objects.filter(token_hash=_hashed(token)).first()
    if link is None:
        return LinkSeen(state=LinkState.UNKNOWN)
    user = User.objects.filter(pk=link.user_id, is_active=True).first()
    if user is None:
        return LinkSeen(state=LinkState.UNKNOWN)
    name = user.get_username()
    if link.used_at is not None:
        return LinkSeen(state=LinkState.USED, name=name, moment=link.used_at)
    state = LinkState.GOOD if timezone.now() < link.expires_at else LinkState.EXPIRED
    return LinkSeen(state=state, name=name, moment=link.expires_at)


def use_link(token: str) -> User | None:
    """Whose link it was, which is used up now; None where it is not good. However many try at once, one gets it."""
    rows = fetch_all(_SQL["use_entry_link"], {"token_hash": _hashed(token)})
    return User.objects.filter(pk=rows[0][0], is_active=True).first() if rows else None


def end_links_of(user: User) -> None:
    """Links of theirs that nobody used are over from now on. One statement, joins an open transaction."""
    now = timezone.now()
    EntryLink.objects.filter(user_id=user.pk, used_at=None, expires_at__gt=now).update(expires_at=now)


def forget_entry_links(*, limit: int) -> int:
    """Delete up to `limit` links whose time was over long ago; gives how many. A transaction of its own."""
    bound = floor_uuid(timezone.now() - GOOD_FOR - _KEPT_FOR)
    return execute(_SQL["forget_entry_links"], {"bound": bound, "limit": limit})


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

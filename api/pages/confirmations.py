"""A form that changes something is good for one change: a double click, a reload or a second tab acts once.

A page that asks puts a confirmation into its form. It is signed, so nothing is stored until it is used, and it names
who may use it and what for.
"""

import uuid
from datetime import timedelta
from enum import StrEnum

from django.core import signing

from outbox.database import execute
from outbox.identifiers import floor_uuid, moment_of, new_uuid
from outbox.sql import statements

FIELD = "confirmation"
GOOD_FOR = timedelta(hours=2)
_KEPT_FOR = timedelta(days=1)
_SALT = "api.pages.confirmations"
_SQL = statements("api.sql")


class Confirmed(StrEnum):
    """What a confirmation is worth."""

    NOW = "now"  # act
    BEFORE = "before"  # it was acted upon already
    NEVER = "never"  # it is none, for something else, or too old: ask again


def new_confirmation(*, holder: str, purpose: str) -> str:
    """A confirmation for a form. No statement.

    Args:
        holder: who may use it, as `user:7`.
        purpose: what it confirms, with its subject: `endpoint.disable:we_…`.
    """
    return signing.dumps([new_uuid().hex, holder, purpose], salt=_SALT)


def confirm(token: str, *, holder: str, purpose: str) -> Confirmed:
    """Use a confirmation. One statement, which joins no open transaction's fate: call it before the change.

    It is used up by then, so that whatever becomes of the change, it is not made twice.
    """
    try:
        key, for_whom, for_what = signing.loads(token, salt=_SALT, max_age=GOOD_FOR)
    except (signing.BadSignature, ValueError):
        return Confirmed.NEVER
    if (for_whom, for_what) != (holder, purpose):
        return Confirmed.NEVER
    added = execute(_SQL["use_confirmation"], {"id": uuid.UUID(key)})
    return Confirmed.NOW if added else Confirmed.BEFORE


def forget_confirmations(*, limit: int) -> int:
    """Delete up to `limit` used ones that are too old to come again; gives how many. A transaction of its own."""
    bound = floor_uuid(moment_of(new_uuid()) - _KEPT_FOR)
    return execute(_SQL["forget_confirmations"], {"bound": bound, "limit": limit})

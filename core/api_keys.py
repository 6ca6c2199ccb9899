"""API keys: `sk_test_`, `rk_test_` or `pk_test_` (secret, restricted, publishable), the key's public id (22
base62 digits), and 256 random bits (43 base62 digits).

The database keeps an HMAC-SHA256 of the whole text under a key of its own, so a copy of the table signs
nobody in. The public id is the row's primary key: knowing a caller takes one indexed query.
"""

import hashlib
import hmac
import json
import secrets
import string
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce, Least, Now

from core.config import api_key_hash_key
from core.errors import (
    ApiKeyNotFound,
    ExpiredKey,
    InvalidScope,
    KeyNotRotatable,
    MalformedKey,
    RevokedKey,
    UnknownKey,
)
from core.key_scopes import KeyKind, Scopes, check_scopes
from core.models import Account, ApiKey
from core.sql import SQL
from outbox.database import execute, fetch_all
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id, encode_id
from outbox.sql import prepared

PREFIXES = {
    KeyKind.SECRET: "sk_test_",
    KeyKind.RESTRICTED: "rk_test_",
    KeyKind.PUBLISHABLE: "pk_test_",
}
MAX_KEY_OVERLAP = timedelta(days=7)
_PREFIX_LENGTH = 8
_ID_DIGITS = 22
_SECRET_DIGITS = 43  # 62^43 > 2^256
_ALPHABET = string.digits + string.ascii_letters


@dataclass(frozen=True, slots=True)
class ApiKeyIdentity:
    """Who calls."""

    key_id: uuid.UUID
    account_id: uuid.UUID
    owner: str  # the account's public id
    api_version: str  # the account's, for requests that name none
    kind: KeyKind = KeyKind.SECRET
    scopes: Scopes = field(default_factory=dict)  # of a restricted key


def create_api_key(
    *,
    account: Account,
    name: str,
    expires_at: datetime | None = None,
    kind: KeyKind = KeyKind.SECRET,
    scopes: Scopes | None = None,
) -> str:
    """The key's text, which nobody can show again. One statement; joins an open transaction.

    Args:
        scopes: of a restricted key, and of no other: what it may do.

    Raises:
        InvalidScope: a scope that does not exist; none for a restricted key, or any for another one.
    """
    if kind == KeyKind.RESTRICTED:
        check_scopes(scopes or {})
    elif scopes is not None:
        raise InvalidScope(f"A {kind.value} key has no scopes.")
    row = ApiKey(account=account, name=name, expires_at=expires_at, kind=kind.value, scopes=scopes)
    digits = encode_id("key", row.id).removeprefix("key_")
    token = PREFIXES[kind] + digits + "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_DIGITS))
    row.token_hash = _hash(token)
    row.save(force_insert=True)
    return token


def authenticate(token: str) -> ApiKeyIdentity:
    """Who holds this key. One query, and at most once a minute a second one that notes the use.

    Raises:
        MalformedKey, UnknownKey: nobody.
        RevokedKey, ExpiredKey: somebody who may not call any more. Told only to who has the whole key.
    """
    key_id = key_uuid(token)
    rows = fetch_all(prepared("core.sql", "authenticate"), {"id": key_id})
    if not rows:
        raise UnknownKey(token)
    account_id, api_version, kind, scopes, token_hash, revoked, expired, use_unnoted = rows[0]
    if not hmac.compare_digest(bytes(token_hash), _hash(token)):
        raise UnknownKey(token)
    if revoked:
        raise RevokedKey(token)
    if expired:
        raise ExpiredKey(token)
    if use_unnoted:
        execute(SQL["touch_api_key"], {"id": key_id})
    return ApiKeyIdentity(
        key_id=key_id,
        account_id=account_id,
        owner=encode_id("acct", account_id),
        api_version=api_version,
        kind=KeyKind(kind),
        scopes={} if scopes is None else json.loads(scopes),
    )


def revoke_api_key(key_id: uuid.UUID) -> ApiKey:
    """From the next request on the key is refused; a key revoked before keeps its moment.

    Raises:
        ApiKeyNotFound: no such key.
    """
    ApiKey.objects.filter(id=key_id).update(revoked_at=Coalesce("revoked_at", Now()))
    row = ApiKey.objects.filter(id=key_id).first()
    if row is None:
        raise ApiKeyNotFound(encode_id("key", key_id))
    return row


def rotate_api_key(
    key_id: uuid.UUID, *, overlap: timedelta, expires_at: datetime | None = None
) -> tuple[str, ApiKey]:
    """A new key of the same account, name, kind and scopes; and the old one, which is good for `overlap` longer.

    The old key's time never grows by it. Joins an open transaction, or opens its own.

    Raises:
        ApiKeyNotFound: no such key.
        KeyNotRotatable: it is revoked or has expired already, or the overlap is not within a week.
    """
    if not timedelta(0) <= overlap <= MAX_KEY_OVERLAP:
        raise KeyNotRotatable("The overlap must be between 0 and 7 days.")
    with transaction.atomic():
        old = ApiKey.objects.select_for_update(no_key=True).filter(id=key_id).first()
        if old is None:
            raise ApiKeyNotFound(encode_id("key", key_id))
        good = ApiKey.objects.filter(id=key_id, revoked_at=None).exclude(expires_at__lte=Now())
        ends = good.update(expires_at=Least(Coalesce("expires_at", Now() + overlap), Now() + overlap))
        if not ends:
            raise KeyNotRotatable(f"{old.public_id} is revoked or has expired; nobody could go on with it.")
        old.refresh_from_db()
        token = create_api_key(
            account=old.account,
            name=old.name,
            expires_at=expires_at,
            kind=KeyKind(old.kind),
            scopes=old.scopes,
        )
    return token, old


def api_keys_of(account: Account) -> QuerySet[ApiKey]:
    """Newest first; those that are over, too. `last_used_at` is right to the minute."""
    return ApiKey.objects.filter(account=account).order_by("-id")


def key_named(text: str) -> uuid.UUID:
    """A key by its id (`key_…`) or its whole text. Raises InvalidIdentifier, MalformedKey."""
    return decode_id("key", text) if text.startswith("key_") else key_uuid(text)


def key_uuid(token: str) -> uuid.UUID:
    """The id within a key's text. Raises MalformedKey."""
    prefix, body = token[:_PREFIX_LENGTH], token[_PREFIX_LENGTH:]
    if prefix not in PREFIXES.values() or len(body) != _ID_DIGITS + _SECRET_DIGITS or not token.isascii():
        raise MalformedKey(token)
    try:
        return decode_id("key", f"key_{body[:_ID_DIGITS]}")
    except InvalidIdentifier:
        raise MalformedKey(token) from None


def _hash(token: str) -> bytes:
    return hmac.digest(api_key_hash_key(), token.encode(), hashlib.sha256)

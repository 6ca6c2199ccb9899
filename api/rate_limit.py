"""How often somebody may do something: a bucket of tokens for each subject, shared by all processes.

The buckets are rows of PostgreSQL, each changed by one atomic statement. Their table is not logged: taking a token
waits for no disk, and a crash of PostgreSQL fills every bucket.
"""

import math
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from django.http import HttpRequest
from rest_framework.request import Request

from api.client_address import client_network
from api.config import address_rate_limit, failed_keys_per_minute, rate_limit
from api.errors import RateLimited
from core.api_keys import ApiKeyIdentity
from core.key_scopes import KeyKind
from outbox.database import execute, fetch_all
from outbox.sql import prepared, statements

_SQL = statements("api.sql")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, then one more after each `each`."""

    burst: int  # at least 1
    each: timedelta

    @classmethod
    def per_second(cls, number: float) -> Self:
        """A second's worth at once, and one at least."""
        return cls(burst=max(1, math.floor(number)), each=timedelta(seconds=1 / number))

    @classmethod
    def per_minute(cls, number: int) -> Self:
        """A minute's worth at once."""
        return cls(burst=number, each=timedelta(minutes=1) / number)


def take_token(subject: str, rate: Rate) -> int:
    """Seconds until the subject's bucket has a token; 0 where one was there, and is taken now.

    One statement, which forbids an open transaction: within one its row would stay locked until the end.

    Any text is a subject. Whoever limits something new puts the name of it before what is counted, as a login that
    lets nobody try more than five passwords a minute:

        if wait := take_token(f"login:{client_network(request)}", Rate.per_minute(5)):
            raise TooManyLogins(retry_after=wait)
    """
    parameters = {"subject": subject, "each": rate.each, "whole": rate.each * rate.burst}
    wait: int = fetch_all(prepared("api.sql", "take_token"), parameters)[0][0]
    return wait


def check_address(request: HttpRequest | Request) -> None:
    """Before anybody looks who calls. Raises RateLimited; no statement where addresses have no limit."""
    if limit := address_rate_limit():
        _take(f"address:{client_network(request)}", Rate.per_second(limit))


def check_account(identity: ApiKeyIdentity) -> None:
    """Raises RateLimited; no statement where accounts have no limit.

    A publishable key is in everybody's hands: its requests have a bucket of their own, so that no payer can use up the
    merchant's.
    """
    if limit := rate_limit():
        holders = "payers" if identity.kind == KeyKind.PUBLISHABLE else "account"
        _take(f"{holders}:{identity.account_id}", Rate.per_second(limit))


def check_portal(account_id: uuid.UUID) -> None:
    """A page of the portal. Raises RateLimited; no statement where accounts have no limit.

    A bucket of its own: who looks at pages keeps no program of the merchant's from its work.
    """
    if limit := rate_limit():
        _take(f"portal:{account_id}", Rate.per_second(limit))


def note_failed_key(request: HttpRequest | Request) -> None:
    """A key was refused. Raises RateLimited: the address has tried too many.

    Only those who fail are counted and refused: a good key works from the same address all the while, and a request
    without a key, which guesses nothing, costs no statement.
    """
    if limit := failed_keys_per_minute():
        _take(f"failed-keys:{client_network(request)}", Rate.per_minute(limit))


def forget_buckets(*, limit: int) -> int:
    """Delete up to `limit` buckets that are full again; gives how many. One statement, a transaction of its own."""
    return execute(_SQL["forget_buckets"], {"limit": limit})


def _take(subject: str, rate: Rate) -> None:
    if wait := take_token(subject, rate):
        raise RateLimited(wait=wait)

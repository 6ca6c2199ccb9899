"""Identifiers: UUIDv7 in the database, prefix and base62 outside (`evt_01JD…`).

UUIDv7 (RFC 9562, section 5.7) begins with 48 bits of Unix milliseconds, so ids sort by time, inserts
stay local, and an id alone tells the day its row belongs to.
"""

import uuid
from datetime import UTC, datetime

from uuid_utils.compat import uuid7

from outbox.errors import InvalidIdentifier

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
# 62^22 > 2^128: twenty-two digits hold every UUID, and a fixed width keeps text order equal to time order.
_WIDTH = 22
# Two digits at a time: identifiers are encoded several times for every delivery.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_PAIR = 62**2


def new_uuid() -> uuid.UUID:
    """A fresh UUIDv7 from this machine's clock."""
    return uuid7()


def encode_id(prefix: str, value: uuid.UUID) -> str:
    """`encode_id("evt", uuid)` → `"evt_…"`, 22 base62 digits after the prefix, sorted like the UUIDs."""
    # The upper ten digits and the lower twelve, so that the rest is arithmetic on machine words.
    upper, lower = divmod(value.int, 62**12)
    pairs = []
    for number, count in ((lower, 6), (upper, 5)):
        for _ in range(count):
            number, pair = divmod(number, _PAIR)
            pairs.append(_PAIRS[pair])
    pairs.reverse()
    return f"{prefix}_{''.join(pairs)}"


def decode_id(prefix: str, text: str) -> uuid.UUID:
    """The UUID of `text`.

    Raises:
        InvalidIdentifier: another prefix, another length, a foreign character, or a number over 128 bits.
    """
    head, _, digits = text.partition("_")
    if head != prefix or len(digits) != _WIDTH:
        raise InvalidIdentifier(prefix=prefix, text=text)
    number = 0
    for digit in digits:
        value = _VALUES.get(digit)
        if value is None:
            raise InvalidIdentifier(prefix=prefix, text=text)
        number = number * 62 + value
    if number >> 128:
        raise InvalidIdentifier(prefix=prefix, text=text)
    return uuid.UUID(int=number)


def moment_of(value: uuid.UUID) -> datetime:
    """When the UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, tz=UTC)


def floor_uuid(moment: datetime) -> uuid.UUID:
    """The smallest UUIDv7-ordered value of that moment: a bound for `id >=` and `id <` on time."""
    milliseconds = int(moment.timestamp() * 1000)
    return uuid.UUID(int=max(0, min(milliseconds, (1 << 48) - 1)) << 80)

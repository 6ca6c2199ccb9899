"""What an id names, and what to say where it names nothing."""

import difflib
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id, encode_id, moment_of

_SHOWN = 60  # characters of what was given that are repeated
_DIGITS = 22
_CLIENT_SECRET = re.compile(r"((?:pi|seti)_[0-9A-Za-z]{22})_secret_", re.ASCII)
_SECRET = re.compile(r"(whsec|sk|rk|pk)_|Bearer ", re.IGNORECASE)
_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
_OLD = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Kind:
    """What ids of a prefix name."""

    prefix: str
    noun: str

    @property
    def article(self) -> str:
        return "an" if self.noun[0] in "aeiou" else "a"


KINDS = {
    kind.prefix: kind
    for kind in (
        Kind("req", "request"),
        Kind("pi", "payment"),
        Kind("ch", "charge"),
        Kind("re", "refund"),
        Kind("cus", "customer"),
        Kind("evt", "event"),
        Kind("dlv", "delivery"),
        Kind("att", "attempt"),
        Kind("we", "endpoint"),
        Kind("rpl", "replay"),
        Kind("acct", "account"),
        Kind("pm", "payment method"),
        Kind("seti", "setup intent"),
    )
}
"""Kinds that can be traced, by their prefix."""

_NEAR = {
    "event": "evt",
    "delivery": "dlv",
    "attempt": "att",
    "endpoint": "we",
    "webhook": "we",
    "payment": "pi",
    "payment_intent": "pi",
    "request": "req",
    "customer": "cus",
    "charge": "ch",
    "refund": "re",
    "replay": "rpl",
    "account": "acct",
}


class NotTraceable(Exception):
    """The text is no id of a kind that is known; the message says what to give instead."""

    def __init__(self, message: str, *, nearest: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.nearest = nearest  # an id to try instead


class NothingKnown(Exception):
    """An id is well-formed, and nothing is stored under it; the message says what may have become of it."""

    def __init__(self, named: "Named") -> None:
        self.named = named
        self.message = f"There is no {named.kind.noun} {named.text}. {_fate(named)}"
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Named:
    """An id, taken apart."""

    kind: Kind
    value: uuid.UUID

    @property
    def text(self) -> str:
        return encode_id(self.kind.prefix, self.value)


def identify(text: str) -> Named:
    """What an id names, before anything is looked up.

    Raises:
        NotTraceable: it is none, or of a kind that is not known.
    """
    given = text.strip().strip("\"'`<>,;")
    if not given:
        raise NotTraceable(f"Give an id: {_known()}.")
    if secret := _CLIENT_SECRET.match(given):
        raise NotTraceable("That is a client secret. Give the id it begins with.", nearest=secret[1])
    if _SECRET.match(given):
        raise NotTraceable("That looks like a secret or a key, which is not an id. It is not repeated here.")
    prefix, _, digits = given.partition("_")
    if prefix not in KINDS or not digits:
        raise _unknown_kind(given)
    kind = KINDS[prefix]
    try:
        return Named(kind, decode_id(prefix, given))
    except InvalidIdentifier:
        raise NotTraceable(_what_is_wrong(given, kind, digits)) from None


def expect(text: str, *, prefix: str) -> uuid.UUID:
    """The UUID of an id of one kind.

    Raises:
        NotTraceable: as identify.
        AnotherKind: it is an id, of another kind.
    """
    named = identify(text)
    if named.kind.prefix != prefix:
        raise AnotherKind(named, prefix=prefix)
    return named.value


class AnotherKind(Exception):
    """An id was given where one of another kind is asked for."""

    def __init__(self, named: Named, *, prefix: str) -> None:
        self.named = named
        self.message = self.words(named, prefix=prefix)
        super().__init__(self.message)

    @staticmethod
    def words(named: Named, *, prefix: str) -> str:
        kind = KINDS[prefix]
        return (
            f"{named.text} is the id of {named.kind.article} {named.kind.noun}; "
            f"{kind.article} {kind.noun}'s, {prefix}_…, is asked for."
        )


def _unknown_kind(given: str) -> NotTraceable:
    word = given.rpartition("_")[0] or given
    near = _NEAR.get(word.lower()) or next(iter(difflib.get_close_matches(word.lower(), KINDS, n=1)), None)
    if near is None:
        return NotTraceable(f"“{_shortened(given)}” is no id. Ids are {_known()}.")
    kind = KINDS[near]
    return NotTraceable(
        f"“{_shortened(given)}” is no id. Did you mean {kind.article} {kind.noun}, {near}_…? Ids are {_known()}."
    )


def _what_is_wrong(given: str, kind: Kind, digits: str) -> str:
    begins = f"“{_shortened(given)}” begins as {kind.article} {kind.noun}'s id"
    foreign = next((one for one in digits if not (one.isascii() and one.isalnum())), None)
    if foreign is not None:
        return f"{begins}, but {foreign!a} cannot stand in one: {_DIGITS} letters and digits follow."
    if len(digits) != _DIGITS:
        length = "too short" if len(digits) < _DIGITS else "too long"
        return f"{begins}, but is {length}: {_DIGITS} letters and digits follow {kind.prefix}_, here {len(digits)}."
    return f"{begins}, but its digits are no id that was ever made. Was it mistyped?"


def _fate(named: Named) -> str:
    made = moment_of(named.value) if _plausible(named.value) else None
    if made is None:
        return "Its digits hold no plausible moment, so it was not made by this service: was it mistyped?"
    when = f"By its digits it was made at {made:%Y-%m-%d %H:%M:%S} UTC"
    if datetime.now(UTC) - made > _OLD:
        return f"{when}: it may be past its retention, or belong to another installation."
    return f"{when}: its transaction may have been rolled back, or it belongs to another installation."


def _plausible(value: uuid.UUID) -> bool:
    milliseconds = (value.int >> 80) / 1000
    return _EARLIEST.timestamp() < milliseconds < datetime.now(UTC).timestamp() + 86_400


def _known() -> str:
    return ", ".join(f"{kind.prefix}_… ({kind.noun})" for kind in KINDS.values())


def _shortened(text: str) -> str:
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"

"""The types of the arguments: text in, a value out, or a sentence that says what it should have been."""

import argparse
import math
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from core.management.spans import span
from dispatcher.management.commands.replay_deliveries import moment
from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id

__all__ = [
    "KINDS",
    "account_id",
    "add_account",
    "bounded",
    "delivery_id",
    "endpoint_id",
    "event_id",
    "moment",
    "override",
    "rate",
    "readable_file",
    "replay_id",
    "short_span",
    "span",
]

# Prefix of an id → what it is the id of.
KINDS = {
    "acct": "an account",
    "att": "an attempt",
    "ch": "a charge",
    "cus": "a customer",
    "dlv": "a delivery",
    "evt": "an event",
    "key": "an API key",
    "pi": "a payment intent",
    "pm": "a payment method",
    "re": "a refund",
    "req": "an API request",
    "rpl": "a replay",
    "seti": "a setup intent",
    "we": "a webhook endpoint",
}
_RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]+)?)(?:/(s|m|h))?")
_PER = {"s": 1, "m": 60, "h": 3600, None: 1}
_LONGEST_WAIT = timedelta(hours=1)


def _identifier(prefix: str) -> Callable[[str], uuid.UUID]:
    def read(text: str) -> uuid.UUID:
        try:
            return decode_id(prefix, text)
        except InvalidIdentifier:
            given = KINDS.get(text.partition("_")[0])
            is_other = f"is the id of {given}" if given and not text.startswith(f"{prefix}_") else "is no id"
            raise argparse.ArgumentTypeError(
                f"{text[:80]!r} {is_other}; that of {KINDS[prefix]} is {prefix}_ and 22 letters and digits"
            ) from None

    return read


account_id = _identifier("acct")
delivery_id = _identifier("dlv")
endpoint_id = _identifier("we")
event_id = _identifier("evt")
replay_id = _identifier("rpl")


def rate(text: str) -> float:
    """A second: `20/s`, `1200/m`, or a number alone."""
    found = _RATE.fullmatch(text)
    value = float(found[1]) / _PER[found[2]] if found else math.nan
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is no rate: 20/s, 1200/m, 5000/h")
    return value


def short_span(text: str) -> timedelta:
    """How long a command waits."""
    read = span(text)
    if read > _LONGEST_WAIT:
        raise argparse.ArgumentTypeError(f"{text!r} is longer than an hour")
    return read


def bounded(low: int, high: int) -> Callable[[str], int]:
    """A whole number between both."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text[:80]!r} is no whole number between {low:,} and {high:,}")
        return int(text)

    return read


def override(text: str) -> tuple[str, str]:
    """`name=value`, or `name[member]=value`."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[a-z_]+(\[[^\]\[]+\])?", name):
        raise argparse.ArgumentTypeError(
            f"{text[:80]!r} is not name=value, such as amount=2000 or metadata[order]=7"
        )
    return name, value


def readable_file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text[:200]!r}")
    try:
        path.open("rb").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text[:200]!r} cannot be read: {error.strerror}") from None
    return path


def add_account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--account",
        metavar="acct_…",
        type=account_id,
        help="whose (default: the only account there is)",
    )

"""The filters of a page, out of its URL: each is read or told of, and the page is shown in any case."""

import uuid
from collections.abc import Collection, Mapping
from urllib.parse import urlencode

from outbox.errors import InvalidIdentifier
from outbox.identifiers import decode_id

# What ids name, for whoever gives one of another kind.
KINDS = {
    "acct": "an account",
    "att": "an attempt",
    "aud": "an entry of the audit log",
    "ch": "a charge",
    "cus": "a customer",
    "dlv": "a delivery",
    "evt": "an event",
    "pi": "a payment",
    "pm": "a payment method",
    "ps": "a portal session",
    "re": "a refund",
    "req": "a request",
    "rpl": "a replay",
    "we": "an endpoint",
}
_LONGEST = 200


class Filters:
    """Reads filters one by one; what is wrong with any is in `problems`, what was read in `given`."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self.given: dict[str, str] = {}
        self.problems: dict[str, str] = {}

    def text(self, name: str) -> str | None:
        """Any text, without blanks around it; None where there is none."""
        value = self._query.get(name, "").strip()
        if not value:
            return None
        if len(value) > _LONGEST or not value.isprintable():
            self.problems[name] = f"must be at most {_LONGEST} printable characters."
            return None
        self.given[name] = value
        return value

    def choice(self, name: str, known: Collection[str]) -> str | None:
        """One of some words."""
        value = self.text(name)
        if value is None or value in known:
            return value
        del self.given[name]
        self.problems[name] = f"{value[:40]!r} is not known; take one of {', '.join(known)}."
        return None

    def id(self, name: str, prefix: str) -> uuid.UUID | None:
        """A public id of that kind."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return decode_id(prefix, value)
        except InvalidIdentifier:
            del self.given[name]
            self.problems[name] = wrong_id(value, prefix)
            return None

    @property
    def status(self) -> int:
        return 400 if self.problems else 200

    @property
    def query(self) -> str:
        """What was given, for links: `a=b&`; empty where nothing was."""
        return f"{urlencode(self.given)}&" if self.given else ""


def wrong_id(value: str, prefix: str) -> str:
    """What is wrong with text that is no id of that kind."""
    other = KINDS.get(value.partition("_")[0])
    if other is not None and not value.startswith(f"{prefix}_"):
        return f"{value[:40]!r} is the id of {other}; give one of {KINDS[prefix]}, {prefix}_…"
    return f"{value[:40]!r} is no id of {KINDS[prefix]}: {prefix}_ and 22 letters or digits."

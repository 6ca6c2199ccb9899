"""Texts on their way to where many read them: what looks like a secret is taken out."""

import re

REDACTED = "[redacted]"
_SECRET_TEXT = re.compile(
    r"\b(?:sk|rk)_(?:test|live)_\w+|\b(?:pst|opl)_\w{8,}|\bwhsec_[\w+/=]+|\b(?:pi|seti)_\w+_secret_\w+"
)
# Thirteen to nineteen digits, in groups or not: a card's number, wherever somebody wrote it.
_CARD_NUMBER = re.compile(r"\b\d(?:[ .\u00a0-]?\d){12,18}\b")
# What a URL may carry beside its address: user and password, and whatever its owner put into the query.
_URL_USER = re.compile(r"(?<=://)[^/\s@]+@")
# An address without a query is matched too, and left as it is: else its every part would be tried as a beginning.
_URL_QUERY = re.compile(r"(\bhttps?://[^\s?#]+)([?#]\S+)?")
# Where an error of PostgreSQL quotes the row or the statement at fault, up to the end of the error.
_QUOTED_ROW = re.compile(r"^(DETAIL|CONTEXT|LINE \d+):.*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


def without_secrets(text: str) -> str:
    """Text with what looks like a key, a signing secret or a card number taken out."""
    text = _URL_QUERY.sub(_without_query, _URL_USER.sub(f"{REDACTED}@", text))
    return _CARD_NUMBER.sub(REDACTED, _SECRET_TEXT.sub(REDACTED, text))


def loggable(text: str) -> str:
    """The same of an error or its traceback, without the rows and statements that PostgreSQL quotes in it."""
    return without_secrets(_QUOTED_ROW.sub(rf"\1: {REDACTED}", text))


def _without_query(url: re.Match[str]) -> str:
    return url[0] if url[2] is None else f"{url[1]}?{REDACTED}"

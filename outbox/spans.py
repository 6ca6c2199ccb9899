"""Spans of time as people write them on a command line: `90m`, `2h`, `3d`."""

import re
from datetime import timedelta

_SPAN = re.compile(r"(\d{1,9}(?:\.\d+)?)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_span(text: str) -> timedelta | None:
    """None where the text is no span. Raises OverflowError: longer than a timedelta can be."""
    found = _SPAN.fullmatch(text)
    return None if found is None else timedelta(**{_UNITS[found[2]]: float(found[1])})

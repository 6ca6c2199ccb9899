"""Flags that are spans of time."""

import argparse
from datetime import timedelta

from outbox.spans import parse_span

_LONGEST = timedelta(days=3_660)


def span(text: str) -> timedelta:
    """For argparse."""
    try:
        read = parse_span(text)
    except OverflowError:
        read = _LONGEST * 2
    if read is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no span (90m, 2h, 3d)")
    if read > _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is longer than ten years")
    return read

"""How much work a call does, counted instead of timed: the lines of Python it runs and the text these make."""

import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

# Text below this is made in no time worth counting; a line is dearer.
_WORTH_COUNTING = 64
# Four times the input may cost a little more than four times the work.
_TOLERANCE = 1.25
# Lines, and characters made, for each character of the smaller input: more is no parser.
_MOST_A_CHARACTER = 1_000


class TooMuchWork(AssertionError):
    """The call was broken off."""


def work_of(call: Callable[[], object], *, refusals: tuple[type[Exception], ...] = (), limit: int) -> int:
    """Lines run by `call`, those of the standard library included, plus the length of every text they bound or gave.

    Parameters:
        refusals: exceptions that are an answer like any other.

    Raises:
        TooMuchWork: over `limit`.
    """
    done = 0
    texts: dict[int, object] = {}  # those counted; held, so that no other takes the identity of one

    def count(value: object) -> None:
        nonlocal done
        if not isinstance(value, str | bytes | bytearray) or len(value) < _WORTH_COUNTING:
            return
        if id(value) not in texts:
            texts[id(value)] = value
            done += len(value)

    def trace(frame: FrameType, event: str, result: Any) -> Any:
        nonlocal done
        done += 1
        for value in frame.f_locals.values():
            count(value)
        if event == "return":
            count(result)
        if done > limit:
            raise TooMuchWork
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except refusals:
        pass
    finally:
        sys.settrace(before)
    return done


def assert_linear(
    parse: Callable[[Any], object],
    make: Callable[[int], Any],
    *,
    refusals: tuple[type[Exception], ...],
    size: int = 1_000,
) -> None:
    """Four times the input takes about four times the work, and no more."""
    small, large = make(size), make(4 * size)
    with suppress(*refusals):
        parse(make(2 * size))  # what is imported or compiled once for all is done
    least = work_of(lambda: parse(small), refusals=refusals, limit=_MOST_A_CHARACTER * size)
    most = int(4 * _TOLERANCE * least) + 1_000
    work_of(lambda: parse(large), refusals=refusals, limit=most)

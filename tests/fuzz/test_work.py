"""The measure itself: it tells linear work from quadratic, whether that is of lines or of text."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import api
import core
import dispatcher
import outbox
from tests.fuzz.work import TooMuchWork, assert_linear

# What Python itself reads a pattern with; type stubs do not have it.
_constants: Any = importlib.import_module("re._constants")
_parser: Any = importlib.import_module("re._parser")

# To import these is to start something.
_PROGRAMS = {"core.asgi", "core.settings", "core.wsgi", "dispatcher.worker"}


def linear(text: str) -> int:
    return sum(character == "x" for character in text)


def quadratic_by_lines(text: str) -> int:
    return sum(character == other for character in text for other in text)


def quadratic_by_text(text: str) -> str:
    told = ""
    for character in text:
        told = f"{told}{character}"
    return told


def test_linear_work_passes() -> None:
    assert_linear(linear, lambda size: "x" * size, refusals=())


@pytest.mark.parametrize("parse", [quadratic_by_lines, quadratic_by_text])
def test_quadratic_work_is_broken_off(parse: Any) -> None:
    with pytest.raises(TooMuchWork):
        assert_linear(parse, lambda size: "x" * size, refusals=(), size=60)


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Every compiled pattern of the product, by where it stands."""
    for room in (api, core, dispatcher, outbox):
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if found.name in _PROGRAMS or ".migrations" in found.name:
                continue
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    yield f"{found.name}.{name}", value


def repeats_a_repetition(tree: Any, *, within: bool = False) -> bool:
    """Whether something of no certain length is repeated without end: what backtracking takes exponential time for."""
    for operator, argument in tree:
        if operator in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            _, most, inner = argument
            endless = most is _constants.MAXREPEAT
            if (endless and within) or repeats_a_repetition(inner, within=within or endless):
                return True
            continue
        for part in argument if isinstance(argument, list | tuple) else [argument]:
            for branch in part if isinstance(part, list) else [part]:
                if isinstance(branch, _parser.SubPattern) and repeats_a_repetition(branch, within=within):
                    return True
    return False


def test_no_pattern_can_take_exponential_time() -> None:
    found = dict(patterns())

    assert len(found) > 10
    assert [name for name, one in found.items() if repeats_a_repetition(_parser.parse(one.pattern))] == []


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|b*)*c", "(?:x(?:y+z)?)*"])
def test_a_repeated_repetition_is_seen(pattern: str) -> None:
    assert repeats_a_repetition(_parser.parse(pattern))

"""When a delivery that waits is sent, and what holds it until then."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatcher.models import Endpoint, Lane
from dispatcher.pause import pause_deliveries, resume_deliveries
from dispatcher.waiting import Holder, NextAttempt, next_attempt, with_lanes
from tests.dispatcher.scenes import make_endpoint

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NEVER = datetime(1, 1, 1, tzinfo=UTC)
OPEN: dict[str, Any] = {"circuit_openings": 1, "circuit_until": NOW + timedelta(minutes=5)}
HALF_OPEN: dict[str, Any] = {"circuit_openings": 1, "circuit_until": NOW - timedelta(seconds=1)}


@dataclass(frozen=True)
class Waits:
    next_attempt_at: datetime | None
    manual: bool = False


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def waits(due: float, *, manual: bool = False, paused: bool = False, **lane: Any) -> NextAttempt | None:
    values = {"hold_until": NEVER, "circuit_until": NEVER, "circuit_openings": 0, "in_flight": 0, **lane}
    endpoint = Endpoint()
    endpoint.lane = Lane(endpoint=endpoint, max_in_flight=64, **values)
    endpoint.paused = paused  # type: ignore[attr-defined]
    return next_attempt(Waits(at(due), manual), endpoint=endpoint, now=NOW)


@pytest.mark.parametrize("due", [-23, 20])
def test_nothing_holds_it_but_its_own_moment(due: float) -> None:
    assert waits(due) == NextAttempt(at=at(due), holder=None)


@pytest.mark.parametrize("due", [-23, 20])
def test_an_open_circuit_holds_it_until_it_tries_again(due: float) -> None:
    assert waits(due, **OPEN) == NextAttempt(at=at(300), holder=Holder.CIRCUIT)


def test_a_circuit_that_tries_again_earlier_holds_nothing() -> None:
    assert waits(301, **OPEN) == NextAttempt(at=at(301), holder=None)


def test_the_longer_of_circuit_and_wish_counts() -> None:
    assert waits(-1, **OPEN, hold_until=at(900)) == NextAttempt(at=at(900), holder=Holder.WISH)
    assert waits(-1, **OPEN, hold_until=at(200)) == NextAttempt(at=at(300), holder=Holder.CIRCUIT)
    assert waits(-1, hold_until=at(200)) == NextAttempt(at=at(200), holder=Holder.WISH)


def test_what_is_sent_by_hand_waits_for_neither() -> None:
    assert waits(-1, manual=True, **OPEN, hold_until=at(900)) == NextAttempt(at=at(-1), holder=None)


def test_a_half_open_circuit_has_others_wait_for_the_one_that_tries() -> None:
    assert waits(-1, **HALF_OPEN, in_flight=1) == NextAttempt(at=at(-1), holder=Holder.PROBE)
    assert waits(-1, **HALF_OPEN, in_flight=0) == NextAttempt(at=at(-1), holder=None)
    assert waits(-1, manual=True, **HALF_OPEN, in_flight=1) == NextAttempt(at=at(-1), holder=None)


@pytest.mark.parametrize("manual", [False, True])
def test_a_full_endpoint_holds_what_is_due(manual: bool) -> None:
    assert waits(-1, manual=manual, in_flight=64) == NextAttempt(at=at(-1), holder=Holder.ROOM)
    assert waits(20, manual=manual, in_flight=64) == NextAttempt(at=at(20), holder=None)


@pytest.mark.parametrize("manual", [False, True])
def test_a_pause_holds_everything(manual: bool) -> None:
    assert waits(-1, manual=manual, paused=True, **OPEN) == NextAttempt(at=at(-1), holder=Holder.PAUSE)


def test_what_is_not_due_has_no_next_attempt() -> None:
    assert next_attempt(Waits(None), endpoint=None, now=NOW) is None


def test_of_an_endpoint_that_nobody_knows_nothing_is_told_but_the_moment() -> None:
    told = next_attempt(Waits(at(3)), endpoint=None, now=NOW)
    assert told == NextAttempt(at=at(3), holder=None)


@pytest.mark.django_db
def test_all_that_is_read_of_an_endpoint_comes_in_one_statement(django_assert_num_queries: Any) -> None:
    make_endpoint()
    for change, holder in ((pause_deliveries, Holder.PAUSE), (resume_deliveries, None)):
        change()
        with django_assert_num_queries(1):
            (endpoint,) = with_lanes(Endpoint.objects.all())
            told = next_attempt(Waits(NOW), endpoint=endpoint, now=NOW)
        assert told == NextAttempt(at=NOW, holder=holder)

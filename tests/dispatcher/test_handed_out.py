"""What a dispatcher keeps in mind of the leases that it handed out, and how much more it may hand out."""

import time
from dataclasses import replace

import pytest

from dispatcher import handed_out
from dispatcher.claims import Claim
from dispatcher.handed_out import LOOK_SIZE, HandedOut, unbegun
from dispatcher.hints import HINTS_PER_MESSAGE
from tests.dispatcher.scenes import (
    begin,
    claim,
    expire_leases,
    fan_out,
    finish,
    hints_of,
    make_endpoint,
    record,
)

pytestmark = [pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _look_whenever_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handed_out, "_LOOK_INTERVAL", 0.0)


@pytest.fixture
def told() -> list[str]:
    return []


def claimed(count: int) -> list[Claim]:
    make_endpoint(max_in_flight=10_000)
    record(count)
    fan_out()
    claims = claim(count, begun=False)
    assert len(claims) == count
    return claims


def ended(claims: list[Claim]) -> list[Claim]:
    """As if their leases had been taken long ago, by this process's clock."""
    return [one._replace(lease=replace(one.lease, ends_at=time.monotonic() - 1)) for one in claims]


def test_room_is_what_the_cap_leaves(told):
    handed = HandedOut(100, tell=told.append)
    assert handed.room == 100
    handed.add(claimed(70))
    assert handed.room == 30
    handed.look()
    assert handed.room == 30


def test_what_workers_have_begun_makes_room(told):
    handed = HandedOut(10, tell=told.append)
    claims = claimed(10)
    handed.add(claims)
    assert handed.room == 0
    begun = begin(hints_of(claims[:4]))
    handed.look()
    assert handed.room == 4
    finish(begun)
    handed.look()
    assert handed.room == 4


def test_a_claim_of_somebody_else_is_none_of_ours(told):
    handed = HandedOut(10, tell=told.append)
    claims = claimed(10)
    handed.add(claims)
    expire_leases()
    again = claim(begun=False)
    assert unbegun(hints_of(claims)) == set()
    assert unbegun(hints_of(again)) == set(hints_of(again))
    handed.look()
    assert handed.room == 10


def test_what_a_broker_has_lost_does_not_hide_what_workers_begin(told):
    """More is lost than one look asks for; the next look asks for others."""
    handed = HandedOut(LOOK_SIZE + 50, tell=told.append)
    claims = claimed(LOOK_SIZE + 50)
    handed.add(claims)
    begin(hints_of(claims[-50:]))
    handed.look()
    assert handed.room == 0
    handed.look()
    assert handed.room == 50


def test_leases_that_ran_out_are_forgotten(told):
    handed = HandedOut(100, tell=told.append)
    claims = claimed(20)
    handed.add(ended(claims[:15]) + claims[15:])
    handed.look()
    assert len(handed) == 5


def test_while_nobody_begins_anything_a_message_at_a_time_is_handed_out(told):
    handed = HandedOut(1000, tell=told.append)
    claims = claimed(300)
    handed.add(ended(claims[:200]))
    handed.look()
    assert handed.room == HINTS_PER_MESSAGE
    [sentence] = told
    assert sentence.startswith("no worker began what was handed out within its lease (200 deliveries)")
    handed.add(claims[200 : 200 + HINTS_PER_MESSAGE])
    assert handed.room == 0
    handed.look()
    assert handed.room == 0
    begin(hints_of(claims[200:210]))
    handed.look()
    assert handed.room == 1000 - HINTS_PER_MESSAGE + 10
    assert len(told) == 1


def test_single_hints_that_are_lost_beside_others_that_are_begun_are_nothing_to_tell_of(told):
    handed = HandedOut(10, tell=told.append)
    claims = claimed(10)
    handed.add([*ended(claims[:1]), *claims[1:]])
    begin(hints_of(claims[1:]))
    # The one that was lost is still within its lease when the others are seen to have been begun.
    handed._leases[0] = replace(handed._leases[0], ends_at=time.monotonic() + 3600)
    handed.look()
    handed._leases[0] = replace(handed._leases[0], ends_at=time.monotonic() - 1)
    handed.look()
    assert (len(handed), handed.room, told) == (0, 10, [])

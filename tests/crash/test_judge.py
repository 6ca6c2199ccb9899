"""The judge catches what it is there for: logs that are in order pass, and each doctored one is a breach."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.crash.judge import RECOVERY_LIMIT, Verdict, judge
from tests.crash.logs import Attempt, Delivery, Held, Lease, Logs, Strike, Told
from tests.crash.receiver import OK, SLOW, Request

LEASE = 4.0
BEGAN = 1_795_600_000.0
STRUCK = BEGAN + 0.5
QUIET, STRUCK_ONE = "evt_quiet", "evt_struck"
DOOMED, SURVIVOR = 7, 8
ORDER, INTENT = 41, "pi_1"


def request(event: str, at: float, sender: int = SURVIVOR, answer: int = 200) -> Request:
    return Request(event, OK, BEGAN + at, int(BEGAN + at), sender, answer)


def attempt(claim_no: int, at: float, outcome: str = "succeeded", *, superseded: bool = False) -> Attempt:
    return Attempt(claim_no, BEGAN + at, 0.0 if outcome == "unknown" else 0.1, outcome, superseded)


def delivery(event: str, attempts: Sequence[Attempt], finished: float) -> Delivery:
    return Delivery(
        uuid.uuid5(uuid.NAMESPACE_URL, event), event, OK, "succeeded", BEGAN + finished, tuple(attempts)
    )


ORDERLY = delivery(QUIET, [attempt(1, 0.1)], finished=0.3)
# Claimed by the doomed process, which sent it and died; claimed again when the lease was over.
REPEATED = delivery(STRUCK_ONE, [attempt(1, 0.4, "unknown", superseded=True), attempt(2, 4.6)], finished=4.8)
STRIKE = Strike(
    fault="dispatcher_killed",
    at=STRUCK,
    healed=STRUCK,
    senders=frozenset({DOOMED}),
    leases=(Lease(REPEATED.id, STRUCK_ONE, OK, 1, BEGAN + 0.4),),
)
LOGS = Logs(
    told=Told(events=frozenset({QUIET, STRUCK_ONE}), payments={ORDER: INTENT}),
    held=Held(
        events={QUIET: "acct_1", STRUCK_ONE: "acct_1"},
        subscribed={"acct_1": frozenset({OK})},
        deliveries=[ORDERLY, REPEATED],
        intents={ORDER: [(INTENT, "succeeded")]},
        told_of={INTENT: ["payment_intent.created", "payment_intent.succeeded"]},
    ),
    got=[request(QUIET, 0.2), request(STRUCK_ONE, 0.45, DOOMED), request(STRUCK_ONE, 4.7)],
    strikes=[STRIKE],
)


def judged(logs: Logs = LOGS, **held: object) -> Verdict:
    return judge(replace(logs, held=replace(logs.held, **held)), lease=LEASE)  # type: ignore[arg-type]


def test_what_a_strike_explains_is_no_breach():
    verdict = judged()
    assert verdict.breaches == []
    assert (verdict.acknowledged, verdict.events, verdict.requests) == (3, 2, 3)
    assert (verdict.lost, verdict.unexplained, verdict.duplicates, verdict.in_flight) == (0, 0, 1, 1)
    assert verdict.recovery == pytest.approx(4.1 / LEASE)


@pytest.mark.parametrize(
    ("doctored", "sentence"),
    [
        ({"events": {STRUCK_ONE: "acct_1"}}, "event evt_quiet was acknowledged and is not in the database"),
        ({"intents": {}}, "payment pi_1 was acknowledged and is not in the database"),
        ({"intents": {ORDER: [(INTENT, "succeeded"), ("pi_2", "succeeded")]}}, "order 41 has 2 payments"),
        ({"intents": {ORDER: [(INTENT, "processing")]}}, "payment pi_1, processing, is told of by"),
        (
            {"told_of": {INTENT: ["payment_intent.created"]}},
            "payment pi_1, succeeded, is told of by ['payment_intent.created']",
        ),
        ({"deliveries": [REPEATED]}, "event evt_quiet of acct_1 has 0 deliveries to /ok"),
        ({"subscribed": {"acct_1": frozenset({OK, SLOW})}}, "has 0 deliveries to /slow"),
        ({"deliveries": [ORDERLY, replace(REPEATED, state="dead_lettered")]}, "is dead_lettered"),
    ],
)
def test_what_is_lost_is_caught(doctored, sentence):
    verdict = judged(**doctored)
    assert verdict.lost > 0
    assert any(sentence in breach for breach in verdict.breaches), verdict.breaches


def test_a_success_that_the_receiver_never_answered_is_lost():
    got = [replace(one, answer=0) if one.event == QUIET else one for one in LOGS.got]
    verdict = judged(replace(LOGS, got=got))
    assert verdict.lost == 1
    assert "/ok answered no 200" in verdict.breaches[0]


@pytest.mark.parametrize(
    "stray",
    [
        pytest.param(request("evt_of_nobody", 0.2), id="no such delivery"),
        pytest.param(request(QUIET, 2.2), id="an attempt at another second"),
        pytest.param(request(STRUCK_ONE, 9.0), id="after the lease of the vanished claim"),
    ],
)
def test_a_request_without_an_attempt_is_unexplained(stray):
    verdict = judged(replace(LOGS, got=[*LOGS.got, stray]))
    assert verdict.unexplained == 1


def test_every_attempt_explains_one_request_only():
    verdict = judged(replace(LOGS, got=[*LOGS.got, request(QUIET, 0.2)]))
    assert verdict.unexplained == 1


@pytest.mark.parametrize(
    "strikes",
    [
        pytest.param([], id="nothing struck"),
        pytest.param([replace(STRIKE, leases=())], id="it was not leased at the strike"),
        pytest.param([replace(STRIKE, senders=frozenset({SURVIVOR + 1}))], id="another process was struck"),
        pytest.param(
            [replace(STRIKE, leases=(replace(STRIKE.leases[0], claimed=BEGAN + 5),))],
            id="what it sent was of an earlier claim",
        ),
    ],
)
def test_a_duplicate_that_no_strike_explains_is_caught(strikes):
    verdict = judged(replace(LOGS, strikes=strikes))
    assert (verdict.duplicates, verdict.in_flight) == (1, 0)
    assert "1 duplicates at /ok with 0 sends in flight" in verdict.breaches[0]


def test_one_duplicate_more_than_sends_in_flight_is_caught():
    again = replace(REPEATED, attempts=(*REPEATED.attempts, attempt(3, 9.0, superseded=True)))
    logs = replace(LOGS, got=[*LOGS.got, request(STRUCK_ONE, 9.0)])
    verdict = judged(logs, deliveries=[ORDERLY, again])
    assert (verdict.unexplained, verdict.duplicates, verdict.in_flight) == (0, 2, 1)
    assert str(REPEATED.id) in verdict.breaches[0]


def test_a_retry_after_a_recorded_failure_is_no_duplicate():
    retried = delivery(QUIET, [attempt(1, 0.1, "failed"), attempt(2, 0.5)], finished=0.7)
    got = [request(QUIET, 0.2, answer=500), request(QUIET, 0.6), *LOGS.got[1:]]
    verdict = judged(replace(LOGS, got=got), deliveries=[retried, REPEATED])
    assert (verdict.duplicates, verdict.breaches) == (1, [])


def test_a_recovery_that_takes_too_long_is_caught_and_named():
    late = 0.5 + LEASE * (RECOVERY_LIMIT + 0.1)
    slow = replace(REPEATED, attempts=(REPEATED.attempts[0], attempt(2, late)), finished=BEGAN + late + 0.1)
    got = [*LOGS.got[:2], request(STRUCK_ONE, late)]
    verdict = judged(replace(LOGS, got=got), deliveries=[ORDERLY, slow])
    assert verdict.recovery == pytest.approx(RECOVERY_LIMIT + 0.1)
    assert f"leases after dispatcher_killed at {STRUCK:.3f}, of delivery {REPEATED.id}" in verdict.breaches[0]


def test_a_claim_that_no_worker_began_is_a_recovery_where_the_next_strike_saw_it():
    late = 0.5 + LEASE * (RECOVERY_LIMIT + 0.1)
    twice = replace(REPEATED, attempts=(REPEATED.attempts[0], attempt(3, late)), finished=BEGAN + late + 0.1)
    again = replace(
        STRIKE, at=STRUCK + 4.2, healed=STRUCK + 4.2, leases=(Lease(REPEATED.id, STRUCK_ONE, OK, 2, None),)
    )
    got = [*LOGS.got[:2], request(STRUCK_ONE, late)]
    verdict = judged(replace(LOGS, got=got, strikes=[STRIKE, again]), deliveries=[ORDERLY, twice])
    assert verdict.breaches == []
    assert verdict.recovery == pytest.approx(late / LEASE - 4.7 / LEASE)


def test_time_in_the_retry_schedule_is_not_held_against_a_recovery():
    recorded = delivery(STRUCK_ONE, [attempt(1, 0.4, "failed"), attempt(2, 90.0)], finished=90.2)
    got = [LOGS.got[0], request(STRUCK_ONE, 0.45, DOOMED, 500), request(STRUCK_ONE, 90.1)]
    verdict = judged(replace(LOGS, got=got), deliveries=[ORDERLY, recorded])
    assert verdict.breaches == []
    assert verdict.recovery == 0.0


def test_recovery_counts_from_when_what_was_struck_could_go_on():
    outage = replace(STRIKE, at=STRUCK - 60, healed=STRUCK, senders=None)
    assert judged(replace(LOGS, strikes=[outage])).recovery == pytest.approx(4.1 / LEASE)


@pytest.mark.parametrize(
    ("standing", "sentence"),
    [
        ({"lanes_off": 1}, "1 lanes do not count their leased deliveries"),
        ({"ledger": -5}, "-5 is the sum of the ledger, not 0"),
        ({"left": 3}, "3 pointers and deliveries are left"),
    ],
)
def test_what_does_not_stand_as_it_should_is_caught(standing, sentence):
    assert judged(**standing).breaches == [sentence]

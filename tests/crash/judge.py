"""Judges a batch by its three logs, against what docs/promises.md says. Pure: no process, no database.

Lost: acknowledged and not in the database, a payment without its end or its events, an event without a
delivery for each subscribed endpoint, a delivery that did not end as succeeded or is called so while the
receiver answered none of its requests with 200. Unexplained: a request without an attempt of its own.
Duplicates: requests of a delivery beyond its first and those after attempts recorded as failed; each must be
the trace of a strike, at which the struck process had a send of this delivery in flight. Recovery: from a
strike until what was leased at it was recorded or claimed again, in leases.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.crash.logs import Attempt, Delivery, Held, Logs, Strike
from tests.crash.receiver import Request

# A lease that ran out is claimed within it again, by whoever lives, on a machine that does much else.
RECOVERY_LIMIT = 2.0  # leases, from the strike
_CLOCKS = 0.002  # seconds by which the receiver's reading of the clock may seem to precede the database's
_TOLD = 10  # breaches of a kind that are told in words


@dataclass(slots=True, kw_only=True)
class Verdict:
    acknowledged: int = 0
    events: int = 0
    requests: int = 0
    lost: int = 0
    unexplained: int = 0
    duplicates: int = 0
    in_flight: int = 0  # sends of struck processes, at their strikes
    recovery: float = 0.0  # the worst, in leases
    zombies: int = 0  # attempts whose result came after their claim was superseded
    breaches: list[str] = field(default_factory=list)

    def blame(self, sentences: Sequence[str]) -> int:
        self.breaches += sentences[:_TOLD]
        if len(sentences) > _TOLD:
            self.breaches.append(f"… and {len(sentences) - _TOLD} more of this kind")
        return len(sentences)


def judge(logs: Logs, *, lease: float) -> Verdict:
    """`lease` in seconds, of every dispatcher and worker of the batch."""
    told, held = logs.told, logs.held
    requests = _by_delivery(logs.got)
    verdict = Verdict(
        acknowledged=len(told.events) + len(told.payments),
        events=len(held.events),
        requests=len(logs.got),
        zombies=sum(
            attempt.superseded and attempt.outcome != "unknown"
            for delivery in held.deliveries
            for attempt in delivery.attempts
        ),
    )
    verdict.lost = verdict.blame([*_lost_writes(logs), *_lost_deliveries(held, requests)])
    verdict.unexplained = verdict.blame(list(_unexplained(held.deliveries, requests, lease)))
    sends = _sends_in_flight(logs.strikes, requests)
    verdict.in_flight = sends.total()
    _judge_duplicates(verdict, held.deliveries, requests, sends)
    _judge_recovery(verdict, held.deliveries, logs.strikes, lease)
    for count, what in (
        (held.lanes_off, "lanes do not count their leased deliveries"),
        (held.ledger, "is the sum of the ledger, not 0"),
        (held.left, "pointers and deliveries are left"),
    ):
        if count:
            verdict.breaches.append(f"{count} {what}")
    return verdict


Address = tuple[str, str]  # event, path


def _by_delivery(got: Iterable[Request]) -> dict[Address, list[Request]]:
    found: dict[Address, list[Request]] = defaultdict(list)
    for request in got:
        found[request.event, request.path].append(request)
    return found


def _lost_writes(logs: Logs) -> Iterable[str]:
    told, held = logs.told, logs.held
    for event in sorted(told.events - held.events.keys()):
        yield f"event {event} was acknowledged and is not in the database"
    for order in sorted(told.payments.keys() | held.intents.keys()):
        intents = held.intents.get(order, [])
        if order in told.payments and told.payments[order] not in {intent for intent, _ in intents}:
            yield f"payment {told.payments[order]} was acknowledged and is not in the database"
        if len(intents) > 1:
            yield f"order {order} has {len(intents)} payments: {intents}"
        for intent, end in intents:
            yield from _lost_events(
                intent, end, list(held.told_of.get(intent, [])), paid=order in told.payments
            )


_FINAL = {"succeeded": "payment_intent.succeeded", "failed": "payment_intent.payment_failed"}


def _lost_events(intent: str, end: str, types: list[str], *, paid: bool) -> Iterable[str]:
    """Of a payment each of whose states has one event; `processing` is told of debits only."""
    wanted = ["payment_intent.created", *([_FINAL[end]] if end in _FINAL else [])]
    if sorted(wanted) != sorted(type_ for type_ in types if type_ != "payment_intent.processing"):
        yield f"payment {intent}, {end}, is told of by {types}"
    elif types.count("payment_intent.processing") > 1 or (paid and end not in _FINAL):
        yield f"payment {intent} was confirmed and is {end}, told of by {types}"


def _lost_deliveries(held: Held, requests: dict[Address, list[Request]]) -> Iterable[str]:
    found = Counter((delivery.event, delivery.path) for delivery in held.deliveries)
    for event, owner in held.events.items():
        for path in held.subscribed.get(owner, ()):
            if (count := found[event, path]) != 1:
                yield f"event {event} of {owner} has {count} deliveries to {path}"
    for delivery in held.deliveries:
        if delivery.state != "succeeded":
            yield f"delivery {delivery.id} of {delivery.event} to {delivery.path} is {delivery.state}"
        elif not any(request.answer == 200 for request in requests.get((delivery.event, delivery.path), ())):
            yield f"delivery {delivery.id} of {delivery.event} is succeeded; {delivery.path} answered no 200"


def _unexplained(
    deliveries: Sequence[Delivery], requests: dict[Address, list[Request]], lease: float
) -> Iterable[str]:
    known = {(delivery.event, delivery.path) for delivery in deliveries}
    for (event, path), found in requests.items():
        if (event, path) not in known:
            yield f"{path} got {len(found)} requests of {event}, which has no delivery to it"
    for delivery in deliveries:
        left = _unmatched(delivery.attempts, requests.get((delivery.event, delivery.path), []), lease)
        for request in left:
            yield f"{delivery.path} got a request of {_described(delivery)} without an attempt: {request}"


def _unmatched(attempts: Sequence[Attempt], requests: Sequence[Request], lease: float) -> list[Request]:
    """Requests are told apart by their signed second; of an `unknown` attempt only its lease is known."""
    known = Counter(int(attempt.started) for attempt in attempts if attempt.outcome != "unknown")
    unknown = sorted(attempt.started for attempt in attempts if attempt.outcome == "unknown")
    left = []
    for request in sorted(requests, key=lambda one: one.signed):
        if known[request.signed]:
            known[request.signed] -= 1
            continue
        match = next((at for at in unknown if int(at) <= request.signed <= at + lease), None)
        if match is None:
            left.append(request)
        else:
            unknown.remove(match)
    return left


def _sends_in_flight(strikes: Sequence[Strike], requests: dict[Address, list[Request]]) -> Counter[Address]:
    """At each strike: leased deliveries of which a struck process had sent a request since their claim."""
    sends: Counter[Address] = Counter()
    for strike in strikes:
        for lease in strike.leases:
            if lease.claimed is not None and any(
                request.arrived >= lease.claimed - _CLOCKS
                and (strike.senders is None or request.sender in strike.senders)
                for request in requests.get((lease.event, lease.path), ())
            ):
                sends[lease.event, lease.path] += 1
    return sends


def _judge_duplicates(
    verdict: Verdict,
    deliveries: Sequence[Delivery],
    requests: dict[Address, list[Request]],
    sends: Counter[Address],
) -> None:
    sentences = []
    for delivery in deliveries:
        found = requests.get((delivery.event, delivery.path), [])
        failed = sum(attempt.outcome == "failed" and not attempt.superseded for attempt in delivery.attempts)
        duplicates = max(0, len(found) - 1 - failed)
        verdict.duplicates += duplicates
        if duplicates > (explained := sends[delivery.event, delivery.path]):
            sentences.append(
                f"{duplicates} duplicates at {delivery.path} with {explained} sends in flight at a strike, of "
                f"{_described(delivery)}; requests: {found}"
            )
    verdict.blame(sentences)


def _judge_recovery(
    verdict: Verdict, deliveries: Sequence[Delivery], strikes: Sequence[Strike], lease: float
) -> None:
    by_id = {delivery.id: delivery for delivery in deliveries}
    seen = _seen_leased(strikes)
    sentences = []
    for strike in strikes:
        for one in strike.leases:
            if (delivery := by_id.get(one.delivery)) is None:
                continue
            recovered = _recovered(delivery, one.claim_no, seen[delivery.id])
            leases = max(0.0, recovered - strike.healed) / lease
            verdict.recovery = max(verdict.recovery, leases)
            if leases > RECOVERY_LIMIT:
                sentences.append(
                    f"claim {one.claim_no} was recovered {leases:.2f} leases after {strike.fault} at "
                    f"{strike.at:.3f}, of {_described(delivery)}"
                )
    verdict.blame(sentences)


def _seen_leased(strikes: Sequence[Strike]) -> dict[uuid.UUID, list[tuple[int, float]]]:
    """(claim number, by when it was claimed) of what each strike found leased.

    A claim that no worker began leaves no attempt: that it was made is seen by the next strike alone.
    """
    found: dict[uuid.UUID, list[tuple[int, float]]] = defaultdict(list)
    for strike in strikes:
        for lease in strike.leases:
            found[lease.delivery].append((lease.claim_no, lease.claimed or strike.at))
    return found


def _recovered(delivery: Delivery, claim_no: int, seen: Sequence[tuple[int, float]]) -> float:
    """When a claim that was struck had been recorded all the same, or the delivery was claimed again.

    What follows a recorded failure is the retry schedule's time, and no claim's.
    """
    moments = [delivery.finished] if delivery.finished is not None else []
    moments += [moment for number, moment in seen if number > claim_no]
    for attempt in delivery.attempts:
        if attempt.claim_no > claim_no:
            moments.append(attempt.started)
        elif attempt.claim_no == claim_no and attempt.outcome != "unknown" and not attempt.superseded:
            moments.append(attempt.started + attempt.seconds)
    return min(moments, default=float("inf"))


def _described(delivery: Delivery) -> str:
    return f"delivery {delivery.id} of {delivery.event} (attempts: {list(delivery.attempts)})"

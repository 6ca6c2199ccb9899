"""Answers by the thousand that went wrong at random: each is recorded once, as what an endpoint can do.

The dispatcher's own pipeline claims, sends and records; only the process around it is missing. FUZZ_RESPONSES=100000
makes it longer, and FUZZ_SEED=7 another run: `make fuzz-responses`. Without them it is the same each time.
"""

import io
import os
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import Max
from django.db.models.functions import Length
from django.test import override_settings

from dispatcher.attempt_log import AttemptLog
from dispatcher.claims import LANES_PER_CLAIM
from dispatcher.config import dispatcher_settings
from dispatcher.failures import FailureCode
from dispatcher.models import Attempt, DeliveryRecord
from dispatcher.outcomes import RESPONSE_LIMIT
from dispatcher.pipeline import LONGEST_WAIT, Pipeline
from tests.dispatcher.scenes import (
    assert_lanes_count_their_leases,
    assert_no_lane_sleeps_past_its_work,
    fan_out,
    make_endpoint,
    record,
)
from tests.hostile.mutant_receiver import MutantReceiver
from tests.hostile.mutants import Ending, Mutant, mutant
from tests.processes import PATIENCE

RESPONSES = int(os.environ.get("FUZZ_RESPONSES", "5000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
SHARDS = 2  # so that two workers of pytest-xdist share them
SLOTS = 256
# What a round has for an endpoint is claimed at once: so no hold and no 410 keeps any of it back.
ENDPOINTS = 30
HEALTHY = 2  # endpoints beside them, on a receiver of their own
EVENTS = 20
# What an answer may come to: nothing that says "our fault", and nothing that only a URL or a name can bring.
POSSIBLE = {
    None, FailureCode.REDIRECT_REFUSED, FailureCode.HTTP_4XX, FailureCode.HTTP_410_GONE, FailureCode.HTTP_429,
    FailureCode.HTTP_5XX, FailureCode.TIMEOUT_TOTAL, FailureCode.CONNECTION_RESET, FailureCode.STALE_CONNECTION,
    FailureCode.PROTOCOL_ERROR, FailureCode.TOO_LARGE,
}  # fmt: skip
SETTINGS = {
    **settings.DISPATCHER,
    "ALLOW_HTTP": True,
    "ALLOW_ADDRESSES": ["127.0.0.0/8"],
    "EXTRA_PORTS": ["any"],
    "ATTEMPT_TIMEOUT": timedelta(seconds=5),
    # A retry within the test would ask for the same answer again, and a circuit would keep others waiting.
    "RETRY_SCHEDULE": [timedelta(hours=1)],
    "CIRCUIT_THRESHOLD": 10_000,
}
Record = Callable[[str, object], None]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_mutant_is_recorded_once_as_what_an_endpoint_can_do(
    shard: int, record_property: Record
) -> None:
    seed = SEED * SHARDS + shard
    fuzzing = Fuzzing(rounds=-(-RESPONSES // (SHARDS * ENDPOINTS * EVENTS)))
    with (
        override_settings(DISPATCHER=SETTINGS),
        MutantReceiver(lambda number: mutant(seed, number)) as hostile,
        MutantReceiver(healthy) as other,
    ):
        fuzzing.run(hostile, other)

    codes = fuzzing.codes_by_number()
    count = fuzzing.rounds * ENDPOINTS * EVENTS
    wrong = {
        number: (found, hostile.received[number])
        for number in range(count)
        if not is_recorded_once(found := codes[hostile.port, number], hostile.received[number])
    }
    assert wrong == {}, f"replay one: mutant({seed}, number)"
    healthy_count = fuzzing.rounds * HEALTHY * EVENTS
    assert {number: codes[other.port, number] for number in range(healthy_count)} == {
        number: [None] for number in range(healthy_count)
    }
    assert fuzzing.healthy_answers_mixed_up(other.port) == []
    assert sum(len(found) for found in codes.values()) == Attempt.objects.count()
    assert_books_balance()
    record_property(
        "hostile",
        f"mutants, seed {seed}: {count:,} answers in {fuzzing.seconds:.0f} s, each recorded once; "
        + ", ".join(f"{code or 'success'} {times:,}" for code, times in fuzzing.tally(hostile.port)),
    )


def is_recorded_once(codes: list[str | None], received: int) -> bool:
    """One attempt, beside one for each stale connection; and no request that none of them records.

    A request may have been answered unread, by what was left over of the mutant before it on the connection.
    """
    stale = codes.count(FailureCode.STALE_CONNECTION)
    return set(codes) <= POSSIBLE and len(codes) - stale <= 1 <= len(codes) and received <= len(codes)


def assert_books_balance() -> None:
    """Each delivery exists once and ended in success exactly where an attempt succeeded; no lane is left behind."""
    succeeded = Counter(Attempt.objects.filter(outcome="succeeded").values_list("delivery_id", flat=True))
    records = list(DeliveryRecord.objects.values_list("id", "endpoint_id", "event_id", "state"))
    assert Counter((endpoint, event) for _, endpoint, event, _ in records).most_common(1)[0][1] == 1
    assert succeeded == Counter(delivery for delivery, _, _, state in records if state == "succeeded")
    largest = Attempt.objects.aggregate(largest=Max(Length("response")))["largest"]
    assert 0 < largest <= RESPONSE_LIMIT
    assert_lanes_count_their_leases()
    assert_no_lane_sleeps_past_its_work()


def healthy(number: int) -> Mutant:
    """The connection is kept for as long as the sender likes."""
    body = b"%d" % number
    return Mutant((b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),), Ending.HELD)


class Fuzzing:
    """Rounds of deliveries through one pipeline, each round to endpoints of its own."""

    def __init__(self, *, rounds: int) -> None:
        self.rounds = rounds
        self.seconds = 0.0
        self._firsts: dict[uuid.UUID, tuple[int, int]] = {}  # of an endpoint: port, number of its first event
        self._places: dict[uuid.UUID, int] = {}  # of an event in its round

    def run(self, hostile: MutantReceiver, other: MutantReceiver) -> None:
        begun = time.monotonic()
        pipeline = Pipeline(
            settings=dispatcher_settings(),
            log=AttemptLog(max_attempts=2, stdout=io.StringIO(), readable=False, every_attempt=False),
            concurrency=SLOTS,
            lease=timedelta(minutes=1),
            is_stopping=lambda: False,
        )
        pipeline.start()
        try:
            for number in range(self.rounds):
                self._prepare(number, hostile, other)
                carry_on(pipeline, until=SLOTS)
            carry_on(pipeline, until=0)
        finally:
            pipeline.finish(meanwhile=lambda: None)
            pipeline.close()
        self.seconds = time.monotonic() - begun

    def codes_by_number(self) -> dict[tuple[int, int], list[str | None]]:
        """The failure codes of each number's attempts in their order, by port and number."""
        codes: dict[tuple[int, int], list[str | None]] = defaultdict(list)
        found = Attempt.objects.order_by("number").values_list("endpoint_id", "event_id", "failure_code")
        for endpoint, event, code in found:
            port, first = self._firsts[endpoint]
            codes[port, first + self._places[event]].append(code)
        return codes

    def healthy_answers_mixed_up(self, port: int) -> list[bytes]:
        """Answers that were kept with an attempt of another number."""
        endpoints = [endpoint for endpoint, (at, _) in self._firsts.items() if at == port]
        found = Attempt.objects.filter(endpoint_id__in=endpoints).values_list(
            "endpoint_id", "event_id", "response"
        )
        return [
            bytes(response or b"")
            for endpoint, event, response in found
            if bytes(response or b"")
            != b"".join(healthy(self._firsts[endpoint][1] + self._places[event]).pieces)
        ]

    def tally(self, port: int) -> list[tuple[str | None, int]]:
        return Counter(
            code for (at, _), codes in self.codes_by_number().items() if at == port for code in codes
        ).most_common()

    def _prepare(self, number: int, hostile: MutantReceiver, other: MutantReceiver) -> None:
        owner = f"acct_{number}"
        for receiver, endpoints in ((hostile, ENDPOINTS), (other, HEALTHY)):
            for place in range(endpoints):
                first = (number * endpoints + place) * EVENTS
                url = f"http://127.0.0.1:{receiver.port}/{first}"
                # Not what the dispatcher tells of endpoints that it disables.
                endpoint = make_endpoint(owner=owner, url=url, enabled_events=["parcel.sent"])
                self._firsts[endpoint.id] = (receiver.port, first)
        self._places |= {event.id: place for place, event in enumerate(record(EVENTS, owner=owner))}
        while fan_out():
            pass


def carry_on(pipeline: Pipeline, *, until: int) -> None:
    """Claim whatever is due, and record, until no more than so many sends are left."""
    progress_at = time.monotonic()
    while True:
        cycle = pipeline.cycle(room=LANES_PER_CLAIM * EVENTS)
        if cycle.claims or cycle.recorded:
            progress_at = time.monotonic()
        elif pipeline.outstanding <= until and not pipeline.unrecorded:
            return
        assert time.monotonic() - progress_at < PATIENCE, f"{pipeline.in_flight} sends hang"
        if not cycle.claims:
            pipeline.wait(LONGEST_WAIT)

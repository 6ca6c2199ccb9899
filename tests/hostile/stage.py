"""One dispatcher, the endpoints of a section of the table, and healthy ones beside them, all at once."""

import signal
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.test import override_settings

from dispatcher.models import Attempt, Delivery, Endpoint, FinishedDelivery
from outbox.recording import record_event
from tests.dispatcher.certificates import Authority
from tests.dispatcher.scenes import lane_row, make_endpoint
from tests.hostile.behaviour import FIRST_WAIT, Behaviour
from tests.hostile.receivers import Receiver, answer_all
from tests.processes import Command, until

# Far above what a healthy exchange needs on a loaded machine.
DEADLINE = 5.0  # seconds
HEALTHY_ENDPOINTS = 2  # one of them https
_HEALTHY = "acct_healthy"
_HEALTHY_EVENTS = 10  # at once
_LARGEST_EVENT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What the database holds of one hostile endpoint, and what its receiver saw."""

    attempts: list[Attempt]  # in the order of their starts
    waiting: list[Delivery]
    finished: list[FinishedDelivery]
    endpoint: Endpoint
    hold_until: datetime | None  # None: not held
    requests: int  # that were read to their end


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of one run."""

    observed: dict[str, Observed]  # by the behaviour's name
    healthy: list[Attempt]
    healthy_events: int
    growth: int | None  # bytes by which the dispatcher's memory grew at most; None where there is no /proc
    exit_code: int
    output: str


def play(rows: list[Behaviour], authority: Authority) -> Played:
    """Deliver to each of `rows` until it has had its attempts, and to healthy endpoints meanwhile."""
    with ExitStack() as stack:
        receivers = {row.name: stack.enter_context(_receiver(row, authority)) for row in rows}
        endpoints = {row.name: _endpoint(row, receivers[row.name]) for row in rows}
        for context in (None, authority.server_context()):
            healthy = stack.enter_context(Receiver(answer_all(), tls=context))
            make_endpoint(owner=_HEALTHY, url=healthy.url())
        dispatcher = stack.enter_context(
            Command(
                "run_dispatcher",
                WEBHOOK_CA_BUNDLE=authority.bundle,
                WEBHOOK_ATTEMPT_TIMEOUT_SECONDS=str(DEADLINE),
                WEBHOOK_CONNECT_TIMEOUT_SECONDS=str(DEADLINE),
                WEBHOOK_RETRY_SCHEDULE_SECONDS=str(FIRST_WAIT.total_seconds()),
            )
        )
        dispatcher.says("ready")
        at_rest = _peak_memory(dispatcher.process.pid)
        with override_settings(OUTBOX={"MAX_EVENT_BYTES": _LARGEST_EVENT}):
            for row in rows:
                _record(row.name, count=row.deliveries, filler=row.event_bytes)
        neighbours = _Neighbours()
        expected = sum(len(row.codes) for row in rows)
        until(
            lambda: neighbours.served() and (_hostile_attempts() >= expected or neighbours.go_on()),
            what=f"{expected} attempts of hostile endpoints",
        )
        peak = _peak_memory(dispatcher.process.pid)
        dispatcher.signal(signal.SIGTERM)
        exit_code = dispatcher.wait()
        return Played(
            observed={row.name: _observe(endpoints[row.name], receivers[row.name]) for row in rows},
            healthy=list(Attempt.objects.filter(endpoint__owner=_HEALTHY)),
            healthy_events=neighbours.events,
            growth=None if at_rest is None or peak is None else peak - at_rest,
            exit_code=exit_code,
            output=dispatcher.output(),
        )


class _Neighbours:
    """Events for the healthy endpoints: the next few whenever the last few were attempted."""

    def __init__(self) -> None:
        self.events = 0

    def served(self) -> bool:
        """Whether every event so far was attempted at every healthy endpoint."""
        attempted = Attempt.objects.filter(endpoint__owner=_HEALTHY).count()
        return attempted >= self.events * HEALTHY_ENDPOINTS

    def go_on(self) -> bool:
        """More events; not the end yet."""
        _record(_HEALTHY, count=_HEALTHY_EVENTS)
        self.events += _HEALTHY_EVENTS
        return False


def _receiver(row: Behaviour, authority: Authority) -> Receiver:
    return Receiver(row.script, tls=None if row.tls is None else row.tls(authority))


def _endpoint(row: Behaviour, receiver: Receiver) -> Endpoint:
    url = row.url or receiver.url()
    if row.in_place_of_tls:
        url = url.replace("http:", "https:")
    # An owner for each, so that an event goes to one endpoint; one at a time, so that a connection is kept.
    return make_endpoint(owner=row.name, url=url, max_in_flight=1)


def _record(owner: str, *, count: int, filler: int = 0) -> None:
    with transaction.atomic():
        for number in range(count):
            data = {"number": number, "filler": "x" * filler}
            record_event(owner=owner, type="parcel.sent", object_id=f"par_{number}", data=data)


def _hostile_attempts() -> int:
    return Attempt.objects.exclude(endpoint__owner=_HEALTHY).count()


def _observe(endpoint: Endpoint, receiver: Receiver) -> Observed:
    hold_until = lane_row(endpoint).hold_until
    endpoint.refresh_from_db()
    return Observed(
        attempts=list(Attempt.objects.filter(endpoint=endpoint).order_by("started_at")),
        waiting=list(Delivery.objects.filter(endpoint=endpoint)),
        finished=list(FinishedDelivery.objects.filter(endpoint=endpoint)),
        endpoint=endpoint,
        hold_until=hold_until,
        requests=len(receiver.requests),
    )


def _peak_memory(process: int) -> int | None:
    """The most that was ever resident, in bytes."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])

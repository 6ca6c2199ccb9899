"""Work for dispatchers: endpoints and what is due to them, written by SQL in one go."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet
from psycopg2.extensions import AsIs

from bench.stage import SETTINGS, Stage

_SECRET = "whsec_YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2g="


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLimits:
    """Of every endpoint made here."""

    max_in_flight: int
    quantum: int


# A drain measures the pipeline, not the protection of an endpoint: no lane's cap is ever reached.
UNLIMITED = LaneLimits(max_in_flight=4096, quantum=1024)
# What an endpoint gets where nobody says otherwise.
DEFAULT = LaneLimits(max_in_flight=64, quantum=64)


def payment_intent(number: int) -> dict[str, Any]:
    """One event's data; a payment intent as Stripe's dialect renders it is about as long."""
    return {
        "id": f"pi_bench_{number}",
        "object": "payment_intent",
        "amount": 2000,
        "currency": "usd",
        "pad": "x" * 900,
    }


_DATA = json.dumps(payment_intent(0), separators=(",", ":"))


def clear(stage: Stage) -> None:
    stage.execute("clear")


def make_endpoints(
    stage: Stage, count: int, *, url: str | None = None, limits: LaneLimits = UNLIMITED, first: int = 0
) -> list[str]:
    """Their ids. Endpoint number n belongs to the owner `acct_bench_n` and wants every event."""
    rows = stage.execute(
        "make_endpoints",
        url=url or stage.receiver,
        secret=_sealed(),
        count=count,
        first=first,
        max_in_flight=limits.max_in_flight,
        quantum=limits.quantum,
    )
    return [str(id_) for (id_,) in rows]


def make_backlog(stage: Stage, count: int, endpoint_ids: list[str], *, data: str = _DATA) -> None:
    """So many due deliveries with their events, spread evenly over the endpoints."""
    stage.execute("make_backlog", count=count, endpoint_ids=endpoint_ids, data=data)


def make_history(stage: Stage, first: int, last: int, endpoint_ids: list[str]) -> None:
    """Deliveries that ended long ago, numbered so, with their events and attempts, in partitions of their own."""
    names = {name: AsIs(f"bench_{name}_{first}") for name in ("event", "attempt", "finished")}
    bounds = {"low": floor_id(first), "high": floor_id(last + 1)}
    stage.execute("make_history", first=first, last=last, endpoint_ids=endpoint_ids, **names, **bounds)


def floor_id(number: int) -> str:
    """The smallest id that the history's row of this number may have."""
    return str(uuid.UUID(int=number << 80))


def prepare(stage: Stage, *, deliveries: int, endpoints: int, **options: Any) -> list[str]:
    """A fresh backlog on clean tables, with statistics, and nothing left for the server to write."""
    clear(stage)
    ids = make_endpoints(stage, endpoints, **options)
    make_backlog(stage, deliveries, ids)
    settle(stage)
    return ids


def settle(stage: Stage) -> None:
    """Let the server do what it would do sooner or later, before anything is timed."""
    tables = "dispatcher_endpoint, dispatcher_lane, dispatcher_delivery, outbox_event, outbox_pending"
    stage.execute(f"VACUUM ANALYZE {tables}")
    stage.execute("CHECKPOINT")


def _sealed() -> str:
    return Fernet(SETTINGS["WEBHOOK_SECRET_KEYS"]).encrypt(_SECRET.encode()).decode()

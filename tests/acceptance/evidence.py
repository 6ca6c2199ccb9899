"""What a run left behind, in the database and at the shop, and what must be true of it."""

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import standardwebhooks
import stripe

from outbox.identifiers import encode_id
from tests.acceptance.shop import Received

FINAL_EVENTS = ("payment_intent.succeeded", "payment_intent.payment_failed")


def rows(database_url: str, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """One statement in a session of its own."""
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def everything_ended(database_url: str) -> bool:
    """Whether no payment, event or delivery is on its way."""
    return rows(database_url, _UNDER_WAY) == [(0, 0, 0)]


_UNDER_WAY = """
SELECT (SELECT count(*) FROM core_payment_intent WHERE status = 'processing'),
       (SELECT count(*) FROM outbox_pending),
       (SELECT count(*) FROM dispatcher_delivery)
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of the attempt log."""

    number: int
    claim_no: int
    started: float  # Unix seconds; for an `unknown` one the claim's moment, else the send's
    outcome: str
    superseded: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one path of the shop, all attempts and all requests of it."""

    event_id: str
    path: str
    state: str
    attempts: list[Attempt]
    requests: list[Received]


def deliveries(database_url: str, received: list[Received]) -> list[Delivery]:
    """Every delivery that there is; no request of the shop is left over."""
    requests: dict[tuple[str, str], list[Received]] = defaultdict(list)
    for request in received:
        requests[request.event_id, request.path].append(request)
    attempts: dict[uuid.UUID, list[Attempt]] = defaultdict(list)
    for delivery_id, *values in rows(database_url, _ATTEMPTS):
        attempts[delivery_id].append(Attempt(*values))
    found = []
    for delivery_id, event_id, url, state in rows(database_url, _DELIVERIES):
        event, path = encode_id("evt", event_id), urlsplit(url).path
        found.append(
            Delivery(event, path, state, attempts[delivery_id], requests.pop((event, path), []))
        )  # fmt: skip
    assert not requests, "the shop got what nobody sent"
    return found


_ATTEMPTS = """
SELECT delivery_id, number, claim_no, extract(epoch FROM started_at)::float8, outcome, superseded
FROM dispatcher_attempt
ORDER BY delivery_id, number
"""
_DELIVERIES = """
SELECT record.id, record.event_id, endpoint.url, record.state
FROM dispatcher_delivery_record AS record
JOIN dispatcher_endpoint AS endpoint ON endpoint.id = record.endpoint_id
"""


def assert_each_payment_ended_once(database_url: str, paid: Mapping[int, str]) -> None:
    """Each order has one intent, the acknowledged one, in a final state, told of by one event of each kind."""
    intents: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for intent_id, status, error, order in rows(database_url, _INTENTS):
        ended = "succeeded" if status == "succeeded" else "failed" if error else status
        intents[int(order)].append((encode_id("pi", intent_id), ended))
    assert {order: [intent for intent, _ in found] for order, found in intents.items()} == {
        order: [intent] for order, intent in paid.items()
    }
    events: dict[str, Counter[str]] = defaultdict(Counter)
    for object_id, type_ in rows(database_url, "SELECT object_id, type FROM outbox_event"):
        events[object_id][type_] += 1
    final = {"succeeded": FINAL_EVENTS[0], "failed": FINAL_EVENTS[1]}
    charges = [events.pop(one) for one in [*events] if one.startswith("ch_")]
    for told in charges:
        # A bank debit's is pending first; a card's never.
        assert told.pop("charge.pending", 1) == 1, told
        assert told in ({"charge.succeeded": 1}, {"charge.failed": 1}), told
    assert len(charges) == len(intents)
    for [(intent, ended)] in intents.values():
        told = events.pop(intent)
        assert ended in final, (intent, ended)
        # A card is never seen in processing.
        assert told.pop("payment_intent.processing", 1) == 1, (intent, told)
        assert told == {"payment_intent.created": 1, final[ended]: 1}, (intent, ended, told)
    assert not events


_INTENTS = """
SELECT id, status, last_payment_error IS NOT NULL, metadata ->> 'order' FROM core_payment_intent
"""


def assert_every_event_arrived(database_url: str, found: list[Delivery], *, paths: set[str]) -> None:
    """At each path; a delivery that is called succeeded was answered for a request that the shop has."""
    events = {encode_id("evt", event_id) for (event_id,) in rows(database_url, "SELECT id FROM outbox_event")}
    assert events
    assert Counter((one.event_id, one.path) for one in found) == Counter(
        (event, path) for event in events for path in paths
    )
    for one in found:
        assert one.state == "succeeded", one
        # A late result of a claim that was superseded may be a success too: at least once.
        [success] = [
            attempt for attempt in one.attempts if attempt.outcome == "succeeded" and not attempt.superseded
        ]
        assert int(success.started) in {request.timestamp for request in one.requests if request.answered}, (
            one
        )


def assert_every_request_has_its_attempt(found: list[Delivery], *, lease_seconds: float) -> None:
    """Requests are told apart by their signed second; of an `unknown` attempt only its lease is known."""
    for one in found:
        requests = Counter(request.timestamp for request in one.requests)
        requests.subtract(int(attempt.started) for attempt in one.attempts if attempt.outcome != "unknown")
        left = sorted((+requests).elements())
        unknown = sorted(attempt.started for attempt in one.attempts if attempt.outcome == "unknown")
        for second in left:
            matching = [moment for moment in unknown if int(moment) <= second <= moment + lease_seconds]
            assert matching, (second, one)
            unknown.remove(matching[0])


def assert_both_packages_verify(received: list[Received], secrets: Mapping[str, str]) -> None:
    """`secrets`: path → the endpoint's signing secret. Raises what the packages raise."""
    for request in received:
        secret = secrets[request.path]
        stripe_signature = request.headers["stripe-signature"]
        event = stripe.Webhook.construct_event(request.body, stripe_signature, secret)
        content = standardwebhooks.Webhook(secret).verify(request.body, request.headers)
        assert event.id == content["id"] == request.event_id == json.loads(request.body)["id"]


def assert_lanes_are_empty(database_url: str) -> None:
    assert set(rows(database_url, "SELECT in_flight FROM dispatcher_lane")) == {(0,)}

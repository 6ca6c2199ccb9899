"""One payment, told from what the API, the delivery log and the shop answer."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools.demo.client import Client, wait_for
from tools.demo.stage import EVENT_TYPE, Stage
from tools.failures import Failure
from tools.terminal import say

ARROW = 55
WAIT_SECONDS = 60.0
AMOUNT, CURRENCY = 2000, "usd"


@dataclass(frozen=True, slots=True)
class Count:
    payments: int
    events: int
    attempts: int
    orders: int
    lost: int

    @property
    def is_right(self) -> bool:
        """One payment, told once, arrived at the second attempt, fulfilled once."""
        return self == Count(payments=1, events=1, attempts=2, orders=1, lost=0)

    def __str__(self) -> str:
        words = [
            (self.payments, "payment"),
            (self.events, "event"),
            (self.attempts, "attempt"),
            (self.orders, "order"),
        ]
        counted = [f"{number} {word}{'' if number == 1 else 's'}" for number, word in words]
        return ", ".join([*counted, f"{self.lost} lost"])


def tell(stage: Stage) -> Count:
    """Pay, watch the webhook arrive, try to cheat the shop, and count. Raises Failure where the story breaks."""
    _line(
        f"POST /webhook_endpoints/ url={stage.endpoint['url'].removeprefix('http://')}",
        f"201 {stage.endpoint['id']} (loopback, for this demo)",
    )
    payment = _pay(stage)
    event = _wait_for_event(stage)
    say(f"  outbox   {event['id']} {event['type']} committed with the payment")
    _watch_delivery(stage, event)
    _check_status(stage, payment)
    orders = stage.shop.get("/orders")["orders"]
    say(
        f"  shop     signature verified by the stripe and standardwebhooks packages; {_orders(orders)} fulfilled"
    )
    _replay_to_shop(stage)
    return _count(stage)


def _pay(stage: Stage) -> str:
    created = stage.api.post(
        "/payment_intents/",
        {"amount": AMOUNT, "currency": CURRENCY},
        expect=201,
        idempotency_key=secrets.token_hex(16),
    )
    payment: str = created.content["id"]
    _line(
        f"POST /payment_intents/ amount={AMOUNT} currency={CURRENCY}",
        f"{created.status} {payment} {created.content['status']}",
    )
    key = secrets.token_hex(16)
    confirmed = stage.api.post(f"/payment_intents/{payment}/confirm/", expect=200, idempotency_key=key)
    _line("POST /payment_intents/pi_…/confirm/", f"{confirmed.status} {confirmed.content['status']}")
    again = stage.api.post(f"/payment_intents/{payment}/confirm/", expect=200, idempotency_key=key)
    if again.headers.get("idempotent-replayed") != "true" or again.content != confirmed.content:
        raise Failure(
            "The repeated confirmation was not answered from the first one.", output=str(again.content)
        )
    _line("same request, same Idempotency-Key", f"{again.status} same answer, replayed: no second charge")
    return payment


def _wait_for_event(stage: Stage) -> dict[str, Any]:
    def find() -> dict[str, Any] | None:
        found = _all(stage.api, f"/events/?type={EVENT_TYPE}")
        return found[0] if found else None

    log = stage.children.log("settlement")
    return wait_for(
        f"the event {EVENT_TYPE}", find, seconds=WAIT_SECONDS, check=stage.children.check, log=log
    )


def _watch_delivery(stage: Stage, event: dict[str, Any]) -> None:
    """Print each attempt when it is in the delivery log, until the delivery succeeded."""
    told = 0

    def find() -> bool | None:
        nonlocal told
        for delivery in _all(stage.api, f"/deliveries/?event={event['id']}"):
            delivery = stage.api.get(f"/deliveries/{delivery['id']}/")
            for attempt in delivery["attempts"][told:]:
                say(f"  webhook  {_attempt(attempt, delivery)}")
                told += 1
            if delivery["state"] == "succeeded":
                return True
        return None

    log = stage.children.log("dispatcher")
    wait_for("the shop's 200", find, seconds=WAIT_SECONDS, check=stage.children.check, log=log)


def _attempt(attempt: dict[str, Any], delivery: dict[str, Any]) -> str:
    said = f"attempt {attempt['number']} → {attempt['status'] or attempt['failure_code']}"
    if attempt["outcome"] == "succeeded":
        return f"{said} in {attempt['milliseconds']['total']:.0f} ms"
    said += " (the shop fails once on purpose)"
    if delivery["next_attempt_at"] is None:
        return said
    return f"{said}, next at {datetime.fromtimestamp(delivery['next_attempt_at']).astimezone():%H:%M:%S}"


def _check_status(stage: Stage, payment: str) -> None:
    status = stage.api.get(f"/payment_intents/{payment}/")["status"]
    if status != "succeeded":
        raise Failure(f"The payment's event was delivered, but {payment} is {status}.")


def _replay_to_shop(stage: Stage) -> None:
    """Send the shop what it received before, unchanged and with one byte changed, as an attacker would."""
    request = json.loads(stage.last_request.read_text())
    headers = {
        name: value for name, value in request["headers"].items() if name.startswith(("stripe-", "webhook-"))
    }
    body = request["body"].encode()
    path = "/webhooks"
    repeated = stage.shop.ask("POST", path, body=body, headers=headers, expect=200)
    if repeated.content != {"fulfilled": False}:
        raise Failure("The shop took a repeated webhook for a new one.", output=str(repeated.content))
    say("  shop     same webhook once more → 200, recognised, no second order")
    forged = body.replace(str(AMOUNT).encode(), str(AMOUNT + 1).encode(), 1)
    refused = stage.shop.ask("POST", path, body=forged, headers=headers, expect=400)
    if forged == body or len(forged) != len(body):
        raise Failure("The amount was not found in the webhook's body.", output=request["body"])
    say(f"  shop     same body, one byte changed → {refused.status}, rejected")


def _count(stage: Stage) -> Count:
    payments = _all(stage.api, "/payment_intents/")
    events = _all(stage.api, f"/events/?type={EVENT_TYPE}")
    deliveries = {event["id"]: _all(stage.api, f"/deliveries/?event={event['id']}") for event in events}
    attempts = [
        attempt
        for found in deliveries.values()
        for delivery in found
        for attempt in stage.api.get(f"/deliveries/{delivery['id']}/")["attempts"]
    ]
    lost = [
        event for event, found in deliveries.items() if not any(one["state"] == "succeeded" for one in found)
    ]
    return Count(
        payments=len(payments),
        events=len(events),
        attempts=len(attempts),
        orders=len(stage.shop.get("/orders")["orders"]),
        lost=len(lost),
    )


def _all(api: Client, path: str) -> list[dict[str, Any]]:
    """Every object of a list, page by page."""
    found: list[dict[str, Any]] = []
    more = ""
    while True:
        page = api.get(path + more)
        found += page["data"]
        if not page["has_more"]:
            return found
        more = f"{'&' if '?' in path else '?'}starting_after={found[-1]['id']}"


def _orders(orders: list[Any]) -> str:
    return f"{len(orders)} order{'' if len(orders) == 1 else 's'}"


def _line(request: str, answer: str) -> None:
    say(f"  {request:<{ARROW - 3}} → {answer}")

"""What happens in the real run: payments of every merchant, and failures of more than ten kinds."""

from __future__ import annotations

from typing import Any

from tools.demo.client import wait_for
from tools.demo_data.cast import MERCHANTS, MerchantPart
from tools.demo_data.stage import HURRIED, PATIENT, Running, Stage

# What the misbehaving servers bring about. The run is not over before each has been recorded.
FAILURES = frozenset(
    {
        "connection_refused",
        "connection_reset",
        "dns_failed",
        "http_410_gone",
        "http_429",
        "http_4xx",
        "http_5xx",
        "protocol_error",
        "redirect_refused",
        "timeout_total",
        "tls_expired",
        "tls_untrusted",
        "unknown",
    }
)
SECONDS = 120.0
_REPLAYED = 3  # deliveries to the old ERP: one for each payment


def tell(running: Running) -> None:
    """All of it; a dispatcher goes on afterwards, with the settings of the pages. Raises Failure where it breaks."""
    stage = running.stage
    _disable(stage, "lumen", "paused")
    began = _now(stage)
    # One is killed amid its sends: what it held becomes `unknown`, and its row says that it is gone.
    running.start_dispatcher("dispatcher-killed", **HURRIED)
    (lumen,) = (merchant for merchant in MERCHANTS if merchant.key == "lumen")
    _pay(stage, lumen, payments=1, time="first")
    _wait(running, "sends under way", lambda: _under_way(stage, "loyalty") or None)
    running.children.kill("dispatcher-killed")
    running.start_dispatcher("dispatcher-hurried", **HURRIED)
    # Not before: what a server does but once must not be lost with the one that was killed.
    for merchant in MERCHANTS:
        _pay(stage, merchant, payments=merchant.payments, time="then")
    _wait(running, "every failure", lambda: (_failures(stage, began) >= FAILURES) or None)
    _wait(running, "what is given up", lambda: _dead_lettered(stage, "erp", began) >= _REPLAYED or None)
    _resend(stage, "drivers")
    running.children.end("dispatcher-hurried")
    running.start_dispatcher("dispatcher", **PATIENT)
    for merchant in MERCHANTS:
        _pay(stage, merchant, payments=1, time="later")
    _refund(stage, "northwind")
    _replay(running, "erp")
    _wait(running, "retries that wait", lambda: _waiting(stage) >= 5 or None)


def _pay(stage: Stage, merchant: MerchantPart, *, payments: int, time: str) -> None:
    client, made = stage.client(merchant.key), stage.merchants[merchant.key]
    for number in range(payments):
        # A bank that says no, once a merchant.
        method = "pm_card_chargeDeclinedInsufficientFunds" if number == 2 else "pm_card_visa"
        intent = client.post(
            "/payment_intents/",
            {
                "amount": merchant.amounts[number % len(merchant.amounts)],
                "currency": merchant.currency,
                "customer": made.customers[number % len(made.customers)],
                "description": merchant.descriptions[number % len(merchant.descriptions)],
                "metadata": {"order": str(10482 + number), "channel": "web"},
            },
            expect=201,
            idempotency_key=f"order-{merchant.key}-{time}-{number + 1}",
        ).content["id"]
        client.ask(
            "POST",
            f"/payment_intents/{intent}/confirm/",
            body=f'{{"payment_method": "{method}"}}'.encode(),
            expect=402 if number == 2 else 200,
        )


def _refund(stage: Stage, merchant: str) -> None:
    client = stage.client(merchant)
    paid = [one for one in _items(client.get("/payment_intents/")) if one["status"] == "succeeded"]
    client.post("/refunds/", {"payment_intent": paid[0]["id"]}, expect=201)


def _disable(stage: Stage, merchant: str, endpoint: str) -> None:
    stage.client(merchant).post(
        f"/webhook_endpoints/{stage.endpoints[endpoint]}/", {"status": "disabled"}, expect=200
    )


def _resend(stage: Stage, endpoint: str) -> None:
    """By hand, what the merchant refused."""
    client = stage.client("atlas")
    listed = client.get(f"/deliveries/?endpoint={stage.endpoints[endpoint]}&limit=5")
    client.post(f"/deliveries/{_items(listed)[0]['id']}/resend/", expect=201)


def _replay(running: Running, endpoint: str) -> None:
    """What was given up in two days, a delivery every two seconds: it goes on while somebody looks."""
    asked = ("--since", "2d", "--rate", "30/m", "--yes", "--no-wait")
    running.manage("webhooks", "replay", "--endpoint", running.stage.endpoints[endpoint], *asked)


def _items(page: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.get("data") or page["results"]
    return found


def _wait(running: Running, what: str, find: Any) -> None:
    wait_for(
        what,
        find,
        seconds=SECONDS,
        check=running.children.check,
        log=running.children.log("dispatcher-hurried"),
    )


def _now(stage: Stage) -> Any:
    return stage.rows("SELECT clock_timestamp()")[0][0]


def _failures(stage: Stage, since: Any) -> set[str]:
    found = stage.rows(
        "SELECT DISTINCT coalesce(failure_code, outcome) FROM dispatcher_attempt"
        " WHERE started_at >= %s AND outcome <> 'succeeded'",
        since,
    )
    return {code for (code,) in found}


def _dead_lettered(stage: Stage, endpoint: str, since: Any) -> int:
    return int(
        stage.rows(
            "SELECT count(*) FROM dispatcher_finished_delivery"
            " WHERE finished_at >= %s AND state = 'dead_lettered' AND endpoint_id = %s",
            since,
            _uuid(stage, endpoint),
        )[0][0]
    )


def _under_way(stage: Stage, endpoint: str) -> int:
    return int(
        stage.rows(
            "SELECT count(*) FROM dispatcher_delivery WHERE started_at IS NOT NULL AND endpoint_id = %s",
            _uuid(stage, endpoint),
        )[0][0]
    )


def _waiting(stage: Stage) -> int:
    return int(
        stage.rows("SELECT count(*) FROM dispatcher_delivery WHERE attempts > 0 AND lease_owner IS NULL")[0][
            0
        ]
    )


def _uuid(stage: Stage, endpoint: str) -> str:
    from outbox.identifiers import decode_id

    return str(decode_id("we", stage.endpoints[endpoint]))

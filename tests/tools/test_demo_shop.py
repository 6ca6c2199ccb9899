"""The demo shop as a process of its own, sent what a dispatcher, a repeating dispatcher and a forger would send."""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import standardwebhooks

from tools.demo.client import Answer, Client

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()


class Shop(Client):
    def deliver(self, webhook_id: str, body: bytes, *, signed: bytes | None = None) -> Answer:
        """POST the body with both signatures, made over `signed` where that is another one."""
        signed = body if signed is None else signed
        now = int(time.time())
        mac = hmac.new(SECRET.encode(), f"{now}.".encode() + signed, hashlib.sha256).hexdigest()
        standard = standardwebhooks.Webhook(SECRET).sign(
            webhook_id, datetime.fromtimestamp(now, tz=UTC), signed.decode()
        )
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(now),
            "webhook-signature": standard,
            "stripe-signature": f"t={now},v1={mac}",
        }
        return self.ask("POST", "/webhooks", body=body, headers=headers)


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A running shop that fails as many webhooks on purpose as `request.param` says."""
    variables = {
        "SHOP_PORT": "0",
        "WEBHOOK_SECRET": SECRET,
        "SHOP_FAIL_FIRST": str(getattr(request, "param", 0)),
    }
    process = subprocess.Popen(
        [sys.executable, "docs/examples/demo_shop/shop.py"],
        cwd=REPOSITORY,
        env=os.environ | variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    with process.stderr:
        listens = re.search(r"http://\S+", process.stderr.readline())
        assert listens
        yield Shop(base=listens[0])
        process.terminate()
        assert process.wait() == 0


def succeeded(payment: str, *, amount: int = 2000) -> bytes:
    intent = {"id": payment, "object": "payment_intent", "amount": amount, "currency": "usd"}
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "data": {"object": intent}}
    return json.dumps(event, separators=(",", ":")).encode()


def test_an_order_is_fulfilled_once_however_often_its_webhook_comes(shop: Shop) -> None:
    first = shop.deliver("evt_1", succeeded("pi_1"))
    again = shop.deliver("evt_1", succeeded("pi_1"))
    assert (first.status, first.content) == (200, {"fulfilled": True})
    assert (again.status, again.content) == (200, {"fulfilled": False})
    assert shop.get("/orders") == {"orders": [{"payment": "pi_1", "amount": 2000, "currency": "usd"}]}


def test_a_changed_byte_is_refused_and_fulfils_nothing(shop: Shop) -> None:
    forged = shop.deliver("evt_1", succeeded("pi_1", amount=2001), signed=succeeded("pi_1"))
    assert forged.status == 400
    assert shop.get("/orders") == {"orders": []}


def test_a_webhook_without_signatures_is_refused(shop: Shop) -> None:
    assert shop.ask("POST", "/webhooks", body=succeeded("pi_1")).status == 400


@pytest.mark.parametrize("shop", [1], indirect=True)
def test_the_first_webhook_fails_on_purpose_and_the_retry_is_fulfilled(shop: Shop) -> None:
    webhook_id = f"evt_{secrets.token_hex(4)}"
    assert shop.deliver(webhook_id, succeeded("pi_1")).status == 503
    assert shop.get("/orders") == {"orders": []}
    assert shop.deliver(webhook_id, succeeded("pi_1")).content == {"fulfilled": True}

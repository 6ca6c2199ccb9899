"""A small merchant's server: it verifies each webhook, and fulfils each order once.

    python docs/examples/demo_shop/shop.py

| variable | meaning |
| --- | --- |
| SHOP_HOST, SHOP_PORT | where it listens (127.0.0.1, 4242) |
| WEBHOOK_SECRET | the endpoint's `whsec_…`, or |
| WEBHOOK_SECRET_FILE | a file that holds it; read at each request, so it may appear later |
| SHOP_DATABASE | an SQLite file (default: memory) |
| SHOP_FAIL_FIRST | how many verified webhooks are answered 503 on purpose (0), to see a retry |
| SHOP_LAST_REQUEST | a file that keeps the last verified request, to send it again by hand |

Both signature schemes are verified here to show both; a real shop needs one.
"""

import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import standardwebhooks
import stripe

MAX_BODY_BYTES = 1_048_576
SCHEMA = """
CREATE TABLE IF NOT EXISTS received_webhook (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS fulfilled_order (payment TEXT PRIMARY KEY, amount INTEGER, currency TEXT);
"""


class Orders:
    """Orders in one SQLite file; safe to use from many threads."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.executescript(SCHEMA)

    def fulfil(self, *, webhook_id: str, payment: str, amount: int, currency: str) -> bool:
        """Fulfil the order of a payment; false when this webhook came before.

        Webhooks arrive at least once and their id never changes. Id and order are written in one
        transaction: a crash between them would lose an order or fulfil one twice.
        """
        with self._lock, self._database as transaction:
            seen = transaction.execute(
                "INSERT INTO received_webhook (id) VALUES (?) ON CONFLICT DO NOTHING", (webhook_id,)
            )
            if seen.rowcount == 0:
                return False
            transaction.execute(
                "INSERT INTO fulfilled_order VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (payment, amount, currency),
            )
            return True

    def all(self) -> list[dict[str, object]]:
        with self._lock:
            rows = self._database.execute(
                "SELECT payment, amount, currency FROM fulfilled_order ORDER BY rowid"
            )
            return [
                {"payment": payment, "amount": amount, "currency": currency}
                for payment, amount, currency in rows
            ]


@dataclass
class Shop:
    orders: Orders
    secret: str = ""
    secret_file: Path | None = None
    last_request: Path | None = None
    failures_left: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def receive(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        """The answer to one webhook. Only a 2xx ends its retries, so it is given when the order is safe."""
        secret = self.secret or self._secret_from_file()
        if not secret:
            return 503, {"error": "the webhook secret is not configured yet"}
        try:
            event = verify(body, headers, secret)
        except (
            stripe.SignatureVerificationError,
            standardwebhooks.WebhookVerificationError,
            ValueError,
        ) as error:
            return 400, {"error": f"not verified: {error}"}
        self._keep(body, headers)
        if self._fails_on_purpose():
            return 503, {"error": "the shop fails on purpose; please try again"}
        if event["type"] != "payment_intent.succeeded":
            return 200, {"ignored": event["type"]}
        payment = event["data"]["object"]
        is_new = self.orders.fulfil(
            webhook_id=headers["webhook-id"],
            payment=payment["id"],
            amount=payment["amount"],
            currency=payment["currency"],
        )
        return 200, {"fulfilled": is_new}

    def _secret_from_file(self) -> str:
        if self.secret_file is None or not self.secret_file.exists():
            return ""
        return self.secret_file.read_text().strip()

    def _fails_on_purpose(self) -> bool:
        with self._lock:
            fails = self.failures_left > 0
            self.failures_left -= fails
            return fails

    def _keep(self, body: bytes, headers: Mapping[str, str]) -> None:
        if self.last_request is not None:
            kept = {"headers": dict(headers), "body": body.decode()}
            self.last_request.touch(mode=0o600)
            self.last_request.write_text(json.dumps(kept))


def verify(body: bytes, headers: Mapping[str, str], secret: str) -> stripe.Event:
    """The event, after both packages accepted the exact bytes that arrived (never a re-serialised body)."""
    standardwebhooks.Webhook(secret).verify(body, dict(headers))
    event: stripe.Event = stripe.Webhook.construct_event(body, headers.get("stripe-signature", ""), secret)
    return event


class Handler(BaseHTTPRequestHandler):
    shop: ClassVar[Shop]
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            return self._answer(413, {"error": f"a body of at most {MAX_BODY_BYTES} bytes, with its length"})
        body = self.rfile.read(int(length))
        if self.path != "/webhooks":
            return self._answer(404, {"error": "webhooks come to /webhooks"})
        headers = {name.lower(): value for name, value in self.headers.items()}
        return self._answer(*self.shop.receive(body, headers))

    def do_GET(self) -> None:
        if self.path == "/orders":
            return self._answer(200, {"orders": self.shop.orders.all()})
        if self.path == "/healthz":
            return self._answer(200, {"status": "ok"})
        return self._answer(404, {"error": "there are /orders, /healthz and, by POST, /webhooks"})

    def _answer(self, status: int, content: Mapping[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    # The dispatcher opens many connections at once.
    request_queue_size = 128


def main() -> int:
    environ = os.environ
    secret_file, last_request = environ.get("WEBHOOK_SECRET_FILE"), environ.get("SHOP_LAST_REQUEST")
    Handler.shop = Shop(
        orders=Orders(environ.get("SHOP_DATABASE", ":memory:")),
        secret=environ.get("WEBHOOK_SECRET", ""),
        secret_file=Path(secret_file) if secret_file else None,
        last_request=Path(last_request) if last_request else None,
        failures_left=int(environ.get("SHOP_FAIL_FIRST", "0")),
    )
    address = (environ.get("SHOP_HOST", "127.0.0.1"), int(environ.get("SHOP_PORT", "4242")))
    with Server(address, Handler) as server:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"shop listens on http://{address[0]}:{server.server_address[1]}", file=sys.stderr, flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

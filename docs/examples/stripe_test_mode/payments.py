"""A merchant's first integration, written for Stripe's test mode.

    STRIPE_API_KEY=sk_test_… WEBHOOK_URL=https://… python payments.py

WEBHOOK_URL is where the world reaches port 4242 of this machine (WEBHOOK_PORT chooses another). With
STRIPE_API_BASE the same program runs against another server that speaks Stripe's API.
"""

import os
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe

PORT = int(os.environ.get("WEBHOOK_PORT", "4242"))
WEBHOOK_URL = os.environ.get("WEBHOOK_URL", f"http://127.0.0.1:{PORT}/webhooks")

client = stripe.StripeClient(
    os.environ["STRIPE_API_KEY"],
    base_addresses={"api": os.environ.get("STRIPE_API_BASE", "https://api.stripe.com")},
    max_network_retries=2,
)


class Receiver(BaseHTTPRequestHandler):
    """Puts every webhook that Stripe signed into a queue, and refuses the others."""

    secret = ""
    events: "queue.Queue[stripe.Event]" = queue.Queue()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))  # the bytes as they came
        try:
            event = client.construct_event(body, self.headers["Stripe-Signature"], self.secret)
        except (ValueError, stripe.SignatureVerificationError):
            self.answer(400)
        else:
            self.events.put(event)
            self.answer(200)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def listen() -> stripe.WebhookEndpoint:
    """Serve an endpoint and register it."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
    except OSError as error:
        raise SystemExit(
            f"cannot listen on port {PORT} ({error.strerror}); WEBHOOK_PORT chooses another"
        ) from None
    endpoint = client.v1.webhook_endpoints.create(
        {
            "url": WEBHOOK_URL,
            "enabled_events": [
                "payment_intent.succeeded",
                "payment_intent.payment_failed",
                "charge.refunded",
            ],
        }
    )
    Receiver.secret = endpoint.secret or ""  # shown this once
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return endpoint


def pay(customer: stripe.Customer, payment_method: str) -> stripe.PaymentIntent:
    """2000 cents, created and confirmed in one call."""
    return client.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "customer": customer.id,
            "payment_method": payment_method,
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"order_id": "6735"},
        }
    )


def main() -> None:
    endpoint = listen()

    customer = client.v1.customers.create({"name": "Jenny Rosen", "email": "jenny.rosen@example.com"})
    print("customer  created")

    paid = pay(customer, "pm_card_visa")
    print("payment  ", paid.status, paid.amount_received)

    try:
        pay(customer, "pm_card_chargeDeclinedInsufficientFunds")
    except stripe.CardError as error:
        print("declined ", error.code, error.error and error.error.decline_code)

    refund = client.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
    print("refund   ", refund.status, refund.amount)

    for order in ("6736", "6737", "6738"):
        client.v1.payment_intents.create({"amount": 1000, "currency": "usd", "metadata": {"order_id": order}})
    intents = client.v1.payment_intents.list({"limit": 2, "created": {"gte": customer.created}})
    # Two a page; the package asks for the next page when the loop gets there.
    print("intents  ", sum(1 for _ in intents.auto_paging_iter()))

    wanted = {"payment_intent.succeeded", "payment_intent.payment_failed", "charge.refunded"}
    while wanted:
        event = Receiver.events.get(timeout=60)  # deliveries may come twice, and in any order
        wanted.discard(event.type)
    print("webhooks  verified")

    client.v1.webhook_endpoints.delete(endpoint.id)


if __name__ == "__main__":
    main()

import stripe


def verify(body: bytes, headers: dict[str, str], secret: str) -> stripe.Event:
    """Raises stripe.SignatureVerificationError, or ValueError."""
    return stripe.Webhook.construct_event(body, headers.get("stripe-signature", ""), secret)

from standardwebhooks import Webhook


def verify(body: bytes, headers: dict[str, str], secret: str) -> dict:
    """Raises standardwebhooks.WebhookVerificationError."""
    return Webhook(secret).verify(body, headers)

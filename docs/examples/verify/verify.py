import base64
import hmac
import json
import time


def verify(body: bytes, headers: dict[str, str], secret: str, *, now: float | None = None) -> dict:
    """Raises ValueError."""
    timestamp = headers.get("webhook-timestamp", "")
    if abs((time.time() if now is None else now) - int(timestamp)) > 300:
        raise ValueError("the timestamp is too far from now")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers.get('webhook-id', '')}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    given = headers.get("webhook-signature", "").encode().split()
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise ValueError("no signature matches")
    return json.loads(body)

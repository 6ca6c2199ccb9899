"""Signatures of a delivery: Stripe's scheme and Standard Webhooks, both from one `whsec_` secret.

Stripe signs `"{timestamp}.{body}"` with the whole secret text as the key; Standard Webhooks signs
`"{id}.{timestamp}.{body}"` with the bytes that the base64 after `whsec_` stands for. Bytes in, bytes signed:
the body is never parsed or serialised again here.
"""

import base64
import binascii
import hmac
import secrets

from dispatcher.errors import DispatcherError

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 24


def new_secret() -> str:
    """A fresh secret: `whsec_` and 24 random bytes in base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


class InvalidSecret(DispatcherError, ValueError):
    """The text is not a signing secret: `whsec_` and base64. It is not repeated here."""

    def __init__(self) -> None:
        super().__init__("a signing secret is 'whsec_' followed by base64")


class SigningKeys:
    """The keys of one endpoint, decoded once and used for every attempt.

    Parameters:
        current: the endpoint's secret.
        previous: the one before it, which signs too while a roll overlaps.

    Raises:
        InvalidSecret: a secret is malformed.
    """

    __slots__ = ("_standard_keys", "_stripe_keys")

    def __init__(self, current: str, previous: str | None = None) -> None:
        chosen = (current,) if previous is None else (current, previous)
        self._stripe_keys = tuple(secret.encode() for secret in chosen)
        self._standard_keys = tuple(standard_key(secret) for secret in chosen)

    def __repr__(self) -> str:
        return f"<SigningKeys: {len(self._stripe_keys)}>"

    def headers(self, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
        """The four signature headers of one attempt.

        Parameters:
            message_id: the same for every attempt of an event; receivers deduplicate on it.
            timestamp: Unix seconds of this attempt; receivers refuse what is older than five minutes.
        """
        moment = str(timestamp)
        stripe_signed = b"%d.%b" % (timestamp, body)
        standard_signed = b"%b.%b" % (message_id.encode(), stripe_signed)
        return {
            "Stripe-Signature": f"t={moment},"
            + ",".join(["v1=" + stripe_signature(key, stripe_signed) for key in self._stripe_keys]),
            "webhook-id": message_id,
            "webhook-timestamp": moment,
            "webhook-signature": " ".join(
                ["v1," + standard_signature(key, standard_signed) for key in self._standard_keys]
            ),
        }


def standard_key(secret: str) -> bytes:
    """The key bytes of Standard Webhooks.

    Raises:
        InvalidSecret: no `whsec_` before it, or no base64 behind it.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise InvalidSecret
    try:
        key = base64.b64decode(secret[len(SECRET_PREFIX) :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSecret from error
    if not key:
        raise InvalidSecret
    return key


def stripe_signature(key: bytes, signed: bytes) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.digest(key, signed, "sha256").hex()


def standard_signature(key: bytes, signed: bytes) -> str:
    """HMAC-SHA256 in base64."""
    return binascii.b2a_base64(hmac.digest(key, signed, "sha256"), newline=False).decode()

"""Verification of a delivery's signatures that says why one is refused.

Merchants verify with the `stripe` or `standardwebhooks` packages; this is for the command that explains
a refusal to them, so it tells the reasons apart instead of answering yes or no.
"""

import hmac
from collections.abc import Mapping
from enum import StrEnum

from dispatcher.errors import DispatcherError
from dispatcher.signing import standard_key, standard_signature, stripe_signature

DEFAULT_TOLERANCE_S = 300


class SignatureProblem(StrEnum):
    """Why a signature is refused."""

    MALFORMED = "malformed"
    STALE = "stale"
    BODY_CHANGED = "body_changed"
    WRONG_SECRET = "wrong_secret"
    NO_MATCH = "no_match"  # the secret or the body: only the body as sent tells which


class SignatureError(DispatcherError, ValueError):
    """The signature does not verify; `problem` says which way, the message in a sentence."""

    def __init__(self, problem: SignatureProblem, sentence: str, *, is_early: bool = False) -> None:
        super().__init__(sentence)
        self.problem = problem
        self.is_early = is_early  # of STALE: made later than now


def verify_stripe(
    *,
    header: str,
    body: bytes,
    secret: str,
    now: int,
    sent_body: bytes | None = None,
    tolerance: int = DEFAULT_TOLERANCE_S,
) -> None:
    """Check a `Stripe-Signature` header against the body.

    Parameters:
        now: Unix seconds.
        sent_body: the body as it was sent, where known: it tells a changed body from a wrong secret.
        tolerance: how many seconds the timestamp may differ from `now`.

    Raises:
        SignatureError: see SignatureProblem.
    """
    pairs = [part.strip().partition("=") for part in header.split(",")]
    timestamp = _timestamp(next((value for name, _, value in pairs if name == "t"), ""))
    given = [value for name, _, value in pairs if name == "v1"]
    if not given:
        raise SignatureError(SignatureProblem.MALFORMED, "Stripe-Signature holds no v1 signature")
    key = secret.encode()

    def matches(candidate: bytes) -> bool:
        return _any_equal(given, stripe_signature(key, b"%d.%b" % (timestamp, candidate)))

    _judge(matches_body=matches(body), matches_sent=None if sent_body is None else matches(sent_body))
    _check_age(timestamp, now=now, tolerance=tolerance)


def verify_standard(
    *,
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    now: int,
    sent_body: bytes | None = None,
    tolerance: int = DEFAULT_TOLERANCE_S,
) -> None:
    """Check the three `webhook-…` headers against the body; parameters and errors as of `verify_stripe`.

    Raises:
        InvalidSecret: the secret is not `whsec_` and base64.
    """
    folded = {name.lower(): value for name, value in headers.items()}
    missing = [n for n in ("webhook-id", "webhook-timestamp", "webhook-signature") if n not in folded]
    if missing:
        raise SignatureError(SignatureProblem.MALFORMED, f"missing: {', '.join(missing)}")
    timestamp = _timestamp(folded["webhook-timestamp"])
    versions = [part.partition(",") for part in folded["webhook-signature"].split()]
    given = [value for version, _, value in versions if version == "v1"]
    if not given:
        raise SignatureError(SignatureProblem.MALFORMED, "webhook-signature holds no v1 signature")
    key = standard_key(secret)
    prefix = f"{folded['webhook-id']}.{timestamp}.".encode()

    def matches(candidate: bytes) -> bool:
        return _any_equal(given, standard_signature(key, prefix + candidate))

    _judge(matches_body=matches(body), matches_sent=None if sent_body is None else matches(sent_body))
    _check_age(timestamp, now=now, tolerance=tolerance)


def _timestamp(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise SignatureError(SignatureProblem.MALFORMED, "the timestamp is not a number of Unix seconds")
    return int(text)


def _any_equal(given: list[str], expected: str) -> bool:
    wanted = expected.encode()
    return any(hmac.compare_digest(value.encode(), wanted) for value in given)


def _judge(*, matches_body: bool, matches_sent: bool | None) -> None:
    if matches_body:
        return
    if matches_sent is None:
        raise SignatureError(
            SignatureProblem.NO_MATCH,
            "no signature matches: the secret is another endpoint's, or the body is not the bytes that were "
            "sent (JSON that was parsed and serialised again is not)",
        )
    if matches_sent:
        raise SignatureError(
            SignatureProblem.BODY_CHANGED,
            "the secret is right, but the body is not the bytes that were sent: verify the raw body, "
            "before anything parses it",
        )
    raise SignatureError(
        SignatureProblem.WRONG_SECRET, "the secret is not the one this delivery was signed with"
    )


def _check_age(timestamp: int, *, now: int, tolerance: int) -> None:
    if abs(now - timestamp) > tolerance:
        where = "old" if timestamp < now else "in the future"
        raise SignatureError(
            SignatureProblem.STALE,
            f"the signature is right, but its timestamp is {abs(now - timestamp)} s {where}, more than "
            f"{tolerance} s: check the receiver's clock, and that it is not an old request sent again",
            is_early=timestamp > now,
        )

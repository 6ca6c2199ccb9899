"""Signatures against fixed vectors, and against the packages that merchants verify with."""

import base64
import time
from datetime import UTC, datetime

import pytest
import standardwebhooks
import stripe

from dispatcher.signing import InvalidSecret, SigningKeys, new_secret
from dispatcher.verification import SignatureError, SignatureProblem, verify_standard, verify_stripe

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PREVIOUS = "whsec_" + base64.b64encode(bytes(range(24))).decode()
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'


def now() -> int:
    return int(time.time())


def test_headers_match_the_golden_vectors() -> None:
    assert SigningKeys(SECRET).headers(message_id=MESSAGE_ID, timestamp=TIMESTAMP, body=BODY) == {
        "Stripe-Signature": "t=1614265330,v1=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964",
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("body", [b"{}", b'{"a":"\xc3\xa9 \\u0000"}', b"[" + b"1," * 50_000 + b"1]"])
def test_both_packages_accept_the_headers(body: bytes) -> None:
    secret = new_secret()
    headers = SigningKeys(secret).headers(message_id="evt_1", timestamp=now(), body=body)

    stripe.WebhookSignature.verify_header(body.decode(), headers["Stripe-Signature"], secret, tolerance=300)
    standardwebhooks.Webhook(secret).verify(body, headers)


def test_both_packages_refuse_one_changed_byte() -> None:
    headers = SigningKeys(SECRET).headers(message_id="evt_1", timestamp=now(), body=BODY)
    changed = BODY.replace(b"4", b"5", 1)

    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(
            changed.decode(), headers["Stripe-Signature"], SECRET, tolerance=300
        )
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify(changed, headers)


def test_our_standard_signature_is_that_of_the_package() -> None:
    theirs = standardwebhooks.Webhook(SECRET).sign(
        MESSAGE_ID, datetime.fromtimestamp(TIMESTAMP, UTC), BODY.decode()
    )

    ours = SigningKeys(SECRET).headers(message_id=MESSAGE_ID, timestamp=TIMESTAMP, body=BODY)

    assert ours["webhook-signature"] == theirs


@pytest.mark.parametrize("held", [SECRET, PREVIOUS], ids=["current", "previous"])
def test_during_a_roll_the_holder_of_either_secret_verifies(held: str) -> None:
    headers = SigningKeys(SECRET, PREVIOUS).headers(message_id="evt_1", timestamp=now(), body=b"{}")

    stripe.WebhookSignature.verify_header("{}", headers["Stripe-Signature"], held, tolerance=300)
    standardwebhooks.Webhook(held).verify(b"{}", headers)
    verify_stripe(header=headers["Stripe-Signature"], body=b"{}", secret=held, now=now())
    verify_standard(headers=headers, body=b"{}", secret=held, now=now())


def test_new_secrets_differ_and_hold_24_bytes() -> None:
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert {len(base64.b64decode(secret.removeprefix("whsec_"))) for secret in secrets} == {24}


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_not base64!", "whsec_abc", SECRET.removeprefix("whsec_")]
)
def test_malformed_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(InvalidSecret) as caught:
        SigningKeys(secret)

    assert not secret.removeprefix("whsec_") or secret not in str(caught.value)


def test_keys_do_not_show_their_secret() -> None:
    assert "MfKQ" not in repr(SigningKeys(SECRET))


def problem_of_stripe(
    header: str, *, body: bytes = BODY, secret: str = SECRET, **options: object
) -> SignatureProblem:
    with pytest.raises(SignatureError) as caught:
        verify_stripe(header=header, body=body, secret=secret, now=TIMESTAMP, **options)  # type: ignore[arg-type]
    return caught.value.problem


def problem_of_standard(changes: dict[str, str], **options: object) -> SignatureProblem:
    headers = SigningKeys(SECRET).headers(message_id=MESSAGE_ID, timestamp=TIMESTAMP, body=BODY) | changes
    arguments = {"body": BODY, "secret": SECRET, "now": TIMESTAMP} | options
    with pytest.raises(SignatureError) as caught:
        verify_standard(headers={k: v for k, v in headers.items() if v}, **arguments)  # type: ignore[arg-type]
    return caught.value.problem


def test_verification_says_why_a_stripe_signature_is_refused() -> None:
    header = SigningKeys(SECRET).headers(message_id=MESSAGE_ID, timestamp=TIMESTAMP, body=BODY)[
        "Stripe-Signature"
    ]
    again = b'{"test":2432232314}'

    verify_stripe(header=header, body=BODY, secret=SECRET, now=TIMESTAMP + 300)
    assert problem_of_stripe(header, body=again) is SignatureProblem.NO_MATCH
    assert problem_of_stripe(header, body=again, sent_body=BODY) is SignatureProblem.BODY_CHANGED
    assert problem_of_stripe(header, secret=PREVIOUS, sent_body=BODY) is SignatureProblem.WRONG_SECRET
    assert problem_of_stripe(header, tolerance=-1) is SignatureProblem.STALE
    for malformed in ("", "v1=00", "t=1614265330", "t=now,v1=00", "t=1614265330,v0=00"):
        assert problem_of_stripe(malformed) is SignatureProblem.MALFORMED


def test_verification_says_why_a_standard_signature_is_refused() -> None:
    again = b'{"test":2432232314}'

    assert problem_of_standard({}, now=TIMESTAMP + 301) is SignatureProblem.STALE
    assert problem_of_standard({}, now=TIMESTAMP - 301) is SignatureProblem.STALE
    assert problem_of_standard({"webhook-id": "evt_other"}) is SignatureProblem.NO_MATCH
    assert problem_of_standard({}, body=again, sent_body=BODY) is SignatureProblem.BODY_CHANGED
    assert problem_of_standard({}, secret=PREVIOUS, sent_body=BODY) is SignatureProblem.WRONG_SECRET
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        assert problem_of_standard({name: ""}) is SignatureProblem.MALFORMED
    assert problem_of_standard({"webhook-signature": "v1a,xx"}) is SignatureProblem.MALFORMED

"""What a claim becomes before it is sent: a signed request, or the outcome of one that cannot be sent."""

import uuid

import pytest

from dispatcher.claims import Claim, ClaimedEndpoint, Lease
from dispatcher.delivery import DeliveryPlan
from dispatcher.failures import FailureCode
from dispatcher.outcomes import Outcome
from dispatcher.rendering import render_event
from dispatcher.retry import RetryPolicy
from dispatcher.sealing import seal
from dispatcher.signing import new_secret
from outbox.facts import EventFacts

EVENT = EventFacts(
    id=uuid.UUID("01a2086f-2b13-7368-b1ed-000000000001"),
    owner="acct_1",
    type="parcel.sent",
    object_id="par_1",
    data='{"a":1}',
    request_id=None,
    idempotency_key=None,
)


def claim_of(event: EventFacts | None = EVENT, *, sealed: str | None = None) -> Claim:
    endpoint = ClaimedEndpoint(
        id=uuid.uuid4(),
        url="https://shop.test/hook",
        api_version="v1",
        sealed_secrets=(sealed or seal(new_secret()),),
    )
    return Claim(
        delivery_id=uuid.uuid4(),
        event_id=EVENT.id,
        claim_no=1,
        attempt_id=uuid.uuid4(),
        attempt_number=1,
        reclaimed=False,
        begun=True,
        by_hand=False,
        endpoint=endpoint,
        event=event,
        lease=Lease(claimed_at=0.0, claimed_epoch=0.0, ends_at=30.0),
    )


def plan(renderer=render_event) -> DeliveryPlan:
    return DeliveryPlan(renderer=renderer, retry_policy=RetryPolicy(), user_agent="test")


def test_the_body_tells_what_was_before_where_the_event_does():
    body = render_event(EVENT._replace(previous='{"a":0}'), "v1")
    assert body.endswith(b',"data":{"object":{"a":1},"previous_attributes":{"a":0}}}')
    assert render_event(EVENT, "v1").endswith(b',"data":{"object":{"a":1}}}')


def test_a_request_carries_the_rendered_body_and_both_signatures():
    request = plan().build(claim_of(), now=1_700_000_000.9)
    assert not isinstance(request, Outcome)
    assert request.body == render_event(EVENT, "v1")
    assert request.headers is not None
    assert request.headers["webhook-id"] == EVENT.public_id
    assert request.headers["webhook-timestamp"] == "1700000000"
    assert request.headers["Stripe-Signature"].startswith("t=1700000000,v1=")


def test_every_attempt_sends_the_same_bytes_and_signs_afresh():
    claim = claim_of()
    first, second = (plan().build(claim, now=now) for now in (1.0, 2.0))
    assert not isinstance(first, Outcome)
    assert not isinstance(second, Outcome)
    assert first.body == second.body
    assert first.headers is not None
    assert second.headers is not None
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def fails(event: EventFacts, api_version: str) -> bytes:
    raise KeyError(api_version)


@pytest.mark.parametrize(
    ("claim", "renderer", "code", "detail"),
    [
        (lambda: claim_of(None), render_event, FailureCode.UNRENDERABLE, "no longer stored"),
        (claim_of, fails, FailureCode.UNRENDERABLE, "rendering failed: KeyError"),
        (claim_of, lambda *_: "text", FailureCode.UNRENDERABLE, "rendering gave str, not bytes"),
        (
            lambda: claim_of(sealed="nonsense"),
            render_event,
            FailureCode.SECRET_UNDECRYPTABLE,
            "DISPATCHER['SECRET_KEYS']",
        ),
    ],
)
def test_what_cannot_be_sent_is_an_outcome(claim, renderer, code, detail):
    outcome = plan(renderer).build(claim(), now=1.0)
    assert isinstance(outcome, Outcome)
    assert (outcome.succeeded, outcome.failure_code, outcome.status) == (False, code, None)
    assert detail in outcome.detail

"""The life of a payment intent: every legal move, in one table.

Statuses are Stripe's, the richer set; `core.versions` shows them in the plain lifecycle.
"""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class Move(StrEnum):
    CONFIRM = "confirm"
    CANCEL = "cancel"
    CHALLENGE = "challenge"
    AUTHENTICATE = "authenticate"
    HOLD = "hold"
    CAPTURE = "capture"
    SUCCEED = "succeed"
    FAIL = "fail"
    FAIL_CHALLENGE = "fail_challenge"


@dataclass(frozen=True, slots=True)
class Rule:
    """From any of `sources` to `target`; every other move is illegal."""

    sources: tuple[Status, ...]
    target: Status

    @property
    def source_names(self) -> list[str]:
        """The sources as SQL compares them."""
        return [status.value for status in self.sources]


MOVES: dict[Move, Rule] = {
    Move.CONFIRM: Rule((Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_CONFIRMATION), Status.PROCESSING),
    Move.CANCEL: Rule(
        (
            Status.REQUIRES_PAYMENT_METHOD,
            Status.REQUIRES_CONFIRMATION,
            Status.REQUIRES_ACTION,
            Status.REQUIRES_CAPTURE,
        ),
        Status.CANCELED,
    ),
    # A card whose payer has to authenticate first, then is asked as any other.
    Move.CHALLENGE: Rule(
        (Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_CONFIRMATION), Status.REQUIRES_ACTION
    ),
    Move.AUTHENTICATE: Rule((Status.REQUIRES_ACTION,), Status.PROCESSING),
    # A card whose money is taken later.
    Move.HOLD: Rule((Status.PROCESSING,), Status.REQUIRES_CAPTURE),
    Move.CAPTURE: Rule((Status.REQUIRES_CAPTURE,), Status.SUCCEEDED),
    Move.SUCCEED: Rule((Status.PROCESSING,), Status.SUCCEEDED),
    # A refused payment waits for another payment method, as often as it takes.
    Move.FAIL: Rule((Status.PROCESSING,), Status.REQUIRES_PAYMENT_METHOD),
    Move.FAIL_CHALLENGE: Rule((Status.REQUIRES_ACTION,), Status.REQUIRES_PAYMENT_METHOD),
}

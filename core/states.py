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
    SUCCEED = "succeed"
    FAIL = "fail"


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
    Move.SUCCEED: Rule((Status.PROCESSING,), Status.SUCCEEDED),
    # A refused payment waits for another payment method, as often as it takes.
    Move.FAIL: Rule((Status.PROCESSING,), Status.REQUIRES_PAYMENT_METHOD),
}

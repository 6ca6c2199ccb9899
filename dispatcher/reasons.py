"""Why a delivery ended without success, or an endpoint was disabled: a closed vocabulary in the words of
dispatcher/failures.py.
"""

from enum import StrEnum

from dispatcher.failures import EXPLANATIONS, Explanation, FailureCode, Side


class Reason(StrEnum):
    """Beside these, the failure codes that no retry mends are reasons of an end too."""

    SCHEDULE_OVER = "schedule_over"
    ENDPOINT_GONE = "endpoint_gone"
    ENDPOINT_DISABLED = "endpoint_disabled"
    ENDPOINT_DELETED = "endpoint_deleted"
    STOPPED = "stopped"
    FAILING = "failing"  # of an endpoint's status, not of a delivery's end


REASONS: dict[Reason, Explanation] = {
    Reason.SCHEDULE_OVER: Explanation(
        "Every attempt of the retry schedule failed; no further one follows.",
        "What made the last attempt fail was never mended.",
        "Mend the cause of the last attempt's failure, then resend the delivery or replay what failed.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    Reason.ENDPOINT_GONE: Explanation(
        "The endpoint answered 410: the delivery ended, and the endpoint was disabled.",
        "The receiver was retired and says so.",
        "Give the endpoint a new URL and enable it, then replay; or delete it.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    Reason.ENDPOINT_DISABLED: Explanation(
        "The endpoint was disabled when the event came, or when the next attempt fell due; nothing was sent.",
        "It was disabled by hand, because it failed for too long, or because it answered 410.",
        "Enable the endpoint, then replay what it missed.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
    Reason.ENDPOINT_DELETED: Explanation(
        "The endpoint was deleted before the delivery ended.",
        "It is no longer wanted.",
        "Nothing. Another endpoint gets what happens from its creation on.",
        side=Side.NOBODY,
        maybe_processed=False,
    ),
    Reason.STOPPED: Explanation(
        "The delivery was stopped by hand.",
        "Somebody decided that the event need not arrive.",
        "Nothing; resend the delivery if it is wanted after all.",
        side=Side.NOBODY,
        maybe_processed=False,
    ),
    Reason.FAILING: Explanation(
        "The endpoint was disabled: for days nothing but failures came of its attempts.",
        "The receiver is broken or was abandoned.",
        "Mend the receiver, enable the endpoint, then replay what it missed.",
        side=Side.ENDPOINT,
        maybe_processed=False,
    ),
}


def explanation_of(code: str | None) -> Explanation | None:
    """What a failure code or a reason means; None for none, and for a word that this version does not know."""
    if code in _FAILURES:
        return EXPLANATIONS[FailureCode(code)]
    return REASONS[Reason(code)] if code in _REASONS else None


_FAILURES = frozenset(str(code) for code in FailureCode)
_REASONS = frozenset(str(reason) for reason in Reason)

"""What `webhooks doctor` looks at in the payments room."""

from collections.abc import Iterator
from datetime import timedelta

from core.findings import CATALOGUE
from core.standing import COUNTED, read_due
from outbox.findings import Look, Seen, seen_wrong, span_text

# A settlement process looks four times a second; what a crashed one had leased is due again before this.
_LATE = timedelta(minutes=2)


def settlement() -> Iterator[Seen]:
    """Whether the bank's answers are applied: a settlement process is seen by what it leaves undone. One statement."""
    due = read_due()
    for kind, waiting, seconds in (
        ("payment", due.payments, due.oldest_payment),
        ("refund", due.refunds, due.oldest_refund),
    ):
        oldest = timedelta(seconds=seconds)
        count = f"{waiting:,} or more" if waiting >= COUNTED else f"{waiting:,}"
        told = f"{count} {kind}{'' if waiting == 1 else 's'} due for settlement"
        if oldest > _LATE:
            yield seen_wrong(
                CATALOGUE, "core.E002", f"{told}, the oldest for {span_text(oldest)}; nobody settles them."
            )
        else:
            yield Seen(told)


LOOKS: dict[str, Look] = {"settlement": settlement}
"""Each by the name that it is shown under."""

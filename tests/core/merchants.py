"""What the tests of the payments room share: a merchant who writes, and an operation that remembers."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import CoreError
from core.models import Account, PaymentIntent
from core.payments import confirm_payment_intent, create_payment_intent
from core.writes import Operation, SingleOperation, Write
from outbox.database import execute, in_transaction
from outbox.identifiers import decode_id, new_uuid
from outbox.models import Event


@dataclass
class RememberedOperation:
    """An operation under a key: the same id for every try; each call is one statement, in a transaction."""

    id: uuid.UUID = field(default_factory=new_uuid)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    resumed: bool = False

    def begin(self, result: dict[str, Any] | None = None) -> None:
        self._note("begin", result)

    def finish(self, result: dict[str, Any]) -> None:
        self._note("finish", result)

    def finish_error(self, error: CoreError) -> None:
        self._note("finish_error", error)

    def _note(self, name: str, value: Any) -> None:
        assert in_transaction()
        execute("SELECT 'the row of the idempotency key'", {})
        self.calls.append((name, value))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


def write_of(account: Account, operation: Operation | None = None) -> Write:
    return Write(
        account_id=account.id,
        owner=account.public_id,
        request_id="req_1",
        idempotency_key="key-1",
        operation=operation or SingleOperation(),
    )


def new_intent(account: Account, **fields: Any) -> PaymentIntent:
    """A created intent, as it lies in the database."""
    made = create_payment_intent(
        write=write_of(account), fields={"amount": 2000, "currency": "usd", **fields}
    )
    return PaymentIntent.objects.get(id=decode_id("pi", made["id"]))


def paid_intent(account: Account, method: str = "pm_card_visa", **fields: Any) -> PaymentIntent:
    """A confirmed intent, as it lies in the database."""
    intent = new_intent(account, payment_method=method, **fields)
    confirm_payment_intent(write=write_of(account), intent_id=intent.id, payment_method=None)
    intent.refresh_from_db()
    return intent


def event_types(account: Account) -> list[str]:
    """Of all events of the account, oldest first."""
    return list(Event.objects.filter(owner=account.public_id).order_by("id").values_list("type", flat=True))


def statements_of(captured: CaptureQueriesContext) -> list[str]:
    """What was sent, without what only opens and closes transactions."""
    bounds = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
    return [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(bounds)]


def transactions_of(captured: CaptureQueriesContext) -> list[int]:
    """How many statements each committed transaction had, in order."""
    counts: list[int] = []
    for query in captured.captured_queries:
        if query["sql"].startswith("BEGIN"):
            counts.append(0)
        elif counts and not query["sql"].startswith(("COMMIT", "ROLLBACK")):
            counts[-1] += 1
    return counts


def in_threads(*works: Callable[[], Any]) -> list[Any]:
    """Run each on a thread, thus on a connection, of its own, all at once; gives what they returned, in order."""

    def run(work: Callable[[], Any]) -> Any:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(works)) as pool:
        return [future.result() for future in [pool.submit(run, work) for work in works]]

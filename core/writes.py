"""What a write knows of the request behind it, and the hook by which the edge remembers its answer.

An idempotent write begins its key in its first transaction and stores the answer in its last one, so
that key, change and event commit together. The edge owns the keys; the services only call the hook.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.errors import CoreError
from outbox.identifiers import new_uuid


class Operation(Protocol):
    """One logical write, however often its request is sent again."""

    @property
    def id(self) -> uuid.UUID:
        """The same for every retry of one idempotency key; names the request to the bank."""

    @property
    def resumed(self) -> bool:
        """After begin: an earlier try began it, and committed what it did in that same transaction."""

    def begin(self, result: dict[str, Any] | None = None) -> None:
        """The first statement of the write's first transaction, which is open.

        Where the answer is known beforehand (a create), `result` is the object it will be, and the
        write is finished by the same commit. Raises an error of the edge's own where the key is taken.
        """

    def finish(self, result: dict[str, Any]) -> None:
        """Store the answer, in the open last transaction of the write."""

    def finish_error(self, error: CoreError) -> None:
        """Store an error as the answer, in the open last transaction of a write that stays: a decline is recorded."""


@dataclass(frozen=True, slots=True)
class SingleOperation:
    """A write that nobody can retry under a key."""

    id: uuid.UUID = field(default_factory=new_uuid)
    resumed: bool = False

    def begin(self, result: dict[str, Any] | None = None) -> None:
        """Nothing to remember."""

    def finish(self, result: dict[str, Any]) -> None:
        """Nothing to remember."""

    def finish_error(self, error: CoreError) -> None:
        """Nothing to remember."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Who writes, and on behalf of which request."""

    account_id: uuid.UUID
    owner: str  # the account's public id, `acct_…`, as events carry it
    request_id: str | None = None
    idempotency_key: str | None = None
    operation: Operation = field(default_factory=SingleOperation)

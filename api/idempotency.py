"""Writes that can be sent again: one key, one operation, one answer.

The key's row is begun in the write's first transaction and gets its answer in the last one, so key,
change and event commit together. A process that dies between the two leaves a row without an answer,
under a lease: until it ends a retry is told 409, then one retry takes the operation up where it was,
with the same operation id.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import Error, transaction
from django.utils import timezone

from api.answers import Answer
from api.config import idempotency_lease, idempotency_retention
from api.errors import ApiError, InvalidKey, KeyInUse, KeyReused
from api.models import IdempotencyKey
from core.errors import CoreError, InvalidParameter
from dispatcher.errors import DispatcherError, InvalidEndpoint
from dispatcher.sealing import seal, unseal
from dispatcher.urls import UrlRefused
from outbox.crash_points import reach
from outbox.database import database_failed, execute, fetch_all
from outbox.identifiers import floor_uuid, new_uuid
from outbox.sql import prepared, statements

_SQL = statements("api.sql")
# Faults of the request itself: mended, it may come again under the same key.
_NEVER_KEPT = (ApiError, InvalidParameter, InvalidEndpoint, UrlRefused)
MAX_KEY_LENGTH = 255


class KeyTaken(Exception):
    """The key's row is not ours to begin. Raised inside the write's transaction, which it rolls back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What makes two requests the same one."""

    account_id: uuid.UUID
    key: str
    endpoint: str  # method and path
    fingerprint: bytes
    request_id: str


@dataclass(slots=True, kw_only=True)
class IdempotentOperation:
    """The operation of one request under a key; implements core.writes.Operation."""

    request: Request
    render: Callable[[dict[str, Any]], Answer]
    refuse: Callable[[Exception], Answer]
    secret: bool = False  # the answer holds a secret: it is kept encrypted
    id: uuid.UUID = field(default_factory=new_uuid)
    begun: bool = False
    resumed: bool = False
    answer: Answer | None = None  # of the last begin or finish; true once its transaction has committed
    kept_refusal: Exception | None = None

    def begin(self, result: dict[str, Any] | None = None) -> None:
        """One statement, the first of an open transaction. Where `result` is known, the answer is stored with it.

        Raises:
            KeyTaken: another request holds the key, or has used it; `answer_of_holder` tells which.
        """
        answer = self.answer = None if result is None else self.render(result)
        rows = fetch_all(
            prepared("api.sql", "begin_operation"),
            self._identity()
            | self._kept(answer)
            | {
                "lease": idempotency_lease(),
                "lock": _lock_number(self.request),
                "kept_from": oldest_kept(),
            },
        )
        if not rows:
            raise KeyTaken
        self.resumed = rows[0][0] != self.id
        self.id = rows[0][0]
        self.begun = True
        reach("after_key")

    def finish(self, result: dict[str, Any]) -> None:
        """One statement, in the open last transaction of the write."""
        self.answer = self.render(result)
        execute(prepared("api.sql", "finish_operation"), {"id": self.id} | self._kept(self.answer))
        reach("during_finish")

    def finish_error(self, error: CoreError) -> None:
        """As `finish`, where the write itself ends in a refusal that it commits (a declined card)."""
        self.kept_refusal = error
        execute(prepared("api.sql", "finish_operation"), {"id": self.id} | self._kept(self.refuse(error)))

    def keep_refusal(self, error: Exception) -> None:
        """Remember the refusal of a write that failed or was rolled back, in a transaction of its own."""
        if self.begun and error is not self.kept_refusal:
            execute(_SQL["keep_refusal"], self._identity() | self._kept(self.refuse(error)))

    def release(self) -> None:
        """Forget the key of a request that was at fault itself, in a transaction of its own."""
        if self.begun:
            execute(_SQL["release_operation"], {"id": self.id})

    def end_lease(self) -> None:
        """Where the write has no answer: its retry need not wait. Does what it can, and never raises."""
        if self.begun:
            with suppress(Error):
                execute(_SQL["end_lease"], {"id": self.id, "request_id": self.request.request_id})

    def answer_of_holder(self) -> Answer:
        """What the first request under the key was answered; forbids an open transaction.

        Raises:
            KeyReused: it was another request.
            KeyInUse: it has no answer yet.
        """
        request = self.request
        held = IdempotencyKey.objects.filter(account_id=request.account_id, key=request.key).first()
        if held is None:
            raise KeyInUse(request.key)
        if held.endpoint != request.endpoint or bytes(held.fingerprint) != request.fingerprint:
            raise KeyReused(request.key, first_endpoint=held.endpoint, endpoint=request.endpoint)
        if held.status is None or held.body is None:
            raise KeyInUse(request.key)
        body = bytes(held.body)
        headers = {"Idempotent-Replayed": "true", "Original-Request": held.request_id}
        if held.status >= 500:
            # It will be the same as often as it is asked for.
            headers["Stripe-Should-Retry"] = "false"
        return Answer(held.status, unseal(body.decode()).encode() if held.sealed else body, headers)

    def answer_of_finished(self) -> Answer | None:
        """The answer of this very request, where it was given before; None where it was not."""
        try:
            return self.answer_of_holder()
        except (KeyInUse, KeyReused):
            return None

    def _identity(self) -> dict[str, Any]:
        request = self.request
        return {
            "id": self.id,
            "account_id": request.account_id,
            "key": request.key,
            "endpoint": request.endpoint,
            "fingerprint": request.fingerprint,
            "request_id": request.request_id,
        }

    def _kept(self, answer: Answer | None) -> dict[str, Any]:
        if answer is None:
            return {"status": None, "body": None, "sealed": False}
        sealed = self.secret and answer.status < 400
        body = seal(answer.body.decode()).encode() if sealed else answer.body
        return {"status": answer.status, "body": body, "sealed": sealed}


def perform(operation: IdempotentOperation, run: Callable[[], dict[str, Any]]) -> Answer:
    """Run a write under its key, or give the answer that it had before. Forbids an open transaction.

    `run` calls `operation.begin` first in its first transaction. Its refusals, and faults of ours, are answers too:
    they are kept where the operation had begun, and raised. Faults of the request itself give the key back.
    """
    try:
        result = run()
    except KeyTaken:
        return operation.answer_of_holder()
    except _NEVER_KEPT:
        if not operation.begun and (answer := operation.answer_of_finished()) is not None:
            return answer
        operation.release()
        raise
    except (CoreError, DispatcherError) as error:
        operation.keep_refusal(error)
        raise
    except Exception as error:
        if database_failed(error):
            # It was away: nobody has an answer to keep, and the retry may well succeed.
            operation.end_lease()
            raise
        # A fault of ours too: once a write has begun, its first answer is its only one.
        with suppress(Error):
            operation.keep_refusal(error)
        raise
    reach("after_write")
    return operation.answer or operation.render(result)


def in_one_transaction(
    operation: IdempotentOperation, run: Callable[[], dict[str, Any]]
) -> Callable[[], dict[str, Any]]:
    """`run` with the beginning and the end of its operation, all in the transaction that `run` joins."""

    def run_within() -> dict[str, Any]:
        with transaction.atomic(durable=True):
            operation.begin()
            result = run()
            operation.finish(result)
        return result

    return run_within


def in_steps(
    operation: IdempotentOperation, run: Callable[[], dict[str, Any]]
) -> Callable[[], dict[str, Any]]:
    """`run` between the beginning and the end of its operation, for services that may be repeated.

    Three transactions: `run` has its own. A process that dies between the last two leaves a write
    without an answer, and the retry that takes it up runs it again.
    """

    def run_between() -> dict[str, Any]:
        with transaction.atomic(durable=True):
            operation.begin()
        result = run()
        operation.finish(result)
        return result

    return run_between


def checked_key(text: str) -> str:
    """Raises InvalidKey."""
    if not 0 < len(text) <= MAX_KEY_LENGTH or not text.isascii() or not text.isprintable():
        raise InvalidKey
    return text


def fingerprint_of(parameters: Mapping[str, Any]) -> bytes:
    """Equal for equal parameters, whatever their order and encoding."""
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).digest()


def oldest_kept() -> uuid.UUID:
    """The bound in time below which keys are forgotten."""
    return floor_uuid(timezone.now() - idempotency_retention())


def forget_operations(*, limit: int) -> int:
    """Delete up to `limit` keys past their retention, in a transaction of its own; gives how many."""
    return execute(_SQL["forget_operations"], {"kept_from": oldest_kept(), "limit": limit})


def _lock_number(request: Request) -> int:
    """The advisory lock of a key: 64 bits, so that two keys share one about never."""
    digest = hashlib.blake2b(
        request.account_id.bytes + request.key.encode(), digest_size=8, person=b"api.idempotency"
    )
    return int.from_bytes(digest.digest(), "big", signed=True)

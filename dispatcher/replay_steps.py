"""Steps of a replay: each makes one chunk of its deliveries, in a transaction of its own.

Dispatchers carry replays forward, one step a cycle, whichever comes first. A step begins where the last one that was
committed ended, so a crash between two loses and repeats nothing. Deliveries are made a few seconds before they are
due and not earlier: a replay that is paused or cancelled leaves no more than that behind.

Order of locks: the replay's row first, and never waited for while another lock is held; then the endpoint, its new
deliveries, its lane.
"""

import math
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.db import Error, transaction
from django.db.models.functions import Now

from dispatcher.connection import is_transient
from dispatcher.deliveries import database_now
from dispatcher.errors import EndpointNotFound, ReplayRefused
from dispatcher.models import Replay, ReplayState
from dispatcher.replay_search import Search, make_chunk, replayable
from outbox.database import connection_is_lost, first_line

CHUNK = 500
# A step makes what is due within so long, and the next one is taken when half of that is left.
AHEAD = timedelta(seconds=10)
# Whoever makes a replay by hand has so long for a chunk before dispatchers go on with it.
BY_HAND_FOR = timedelta(seconds=30)
_AGAIN_AFTER = timedelta(seconds=2)


class StepLog(Protocol):
    """Where a step that failed by itself is told of."""

    def poisoned(self, part: str, error: Exception, subject: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step did."""

    made: int = 0
    over: bool = False  # nothing is left
    first_due_at: datetime | None = None
    last_due_at: datetime | None = None


def carry_a_replay(log: StepLog) -> bool:
    """Take the next step of a replay that is due for one; False where none is. Requires that no transaction is open.

    A replay whose endpoint is disabled or deleted, or that PostgreSQL refuses, fails with that reason.

    Raises:
        django.db.Error: the connection is lost.
    """
    replay_id: uuid.UUID | None = None
    try:
        with transaction.atomic(durable=True):
            replay = (
                Replay.objects.select_for_update(skip_locked=True)
                .filter(state=ReplayState.RUNNING, next_step_at__lte=Now())
                .order_by("next_step_at")
                .first()
            )
            if replay is None:
                return False
            replay_id = replay.id
            _step(replay, size=_size(replay.rate), paced=True)
    except (EndpointNotFound, ReplayRefused) as error:
        assert replay_id is not None
        _fail(replay_id, error.reason if isinstance(error, ReplayRefused) else str(error))
    except Error as error:
        if connection_is_lost(error) or replay_id is None:
            raise
        log.poisoned("carry forward", error, f"replay {replay_id}")
        if is_transient(error):
            Replay.objects.filter(id=replay_id).update(next_step_at=database_now() + _AGAIN_AFTER)
        else:
            _fail(replay_id, first_line(error))
    return True


def step_by_hand(replay_id: uuid.UUID, *, size: int) -> Step:
    """Make the next chunk now, however long before it is due; a transaction of its own.

    Raises:
        EndpointNotFound, ReplayRefused: the replay failed, as of `carry_a_replay`; or it does not run any more.
    """
    try:
        with transaction.atomic(durable=True):
            replay = Replay.objects.select_for_update().get(id=replay_id)
            if replay.state != ReplayState.RUNNING:
                raise ReplayRefused(
                    field="endpoint", reason=f"the replay {replay.public_id} was {replay.state}"
                )
            return _step(replay, size=size, paced=False)
    except (EndpointNotFound, ReplayRefused) as error:
        _fail(replay_id, error.reason if isinstance(error, ReplayRefused) else str(error))
        raise


def _step(replay: Replay, *, size: int, paced: bool) -> Step:
    """Requires a transaction that holds the replay's row lock."""
    endpoint = replayable(replay.owner, replay.endpoint_id, lock=True)
    search = Search(endpoint=endpoint, only=replay.kind, since=replay.since, until=replay.until)
    last, found = search.window(replay.cursor or search.beginning, size=size)
    now = database_now()
    if last is None:
        Replay.objects.filter(id=replay.id).update(
            state=ReplayState.FINISHED, finished_at=now, next_step_at=None
        )
        return Step(over=True)
    replay.cursor = last
    replay.next_step_at = now if paced else now + BY_HAND_FOR
    step = Step()
    if found:
        gap = timedelta(seconds=1 / replay.rate)
        first, end = make_chunk(endpoint, found, gap=gap, behind=replay.last_due_at)
        step = Step(made=len(found), first_due_at=first, last_due_at=end)
        replay.made += len(found)
        replay.first_due_at = replay.first_due_at or first
        replay.last_due_at = end
        if paced:
            replay.next_step_at = max(now, end - AHEAD / 2)
    replay.save(update_fields=["cursor", "made", "first_due_at", "last_due_at", "next_step_at"])
    return step


def _size(rate: float) -> int:
    return max(1, min(CHUNK, math.ceil(rate * AHEAD.total_seconds())))


def _fail(replay_id: uuid.UUID, reason: str) -> None:
    """One statement of its own; what is no longer running stays as it is."""
    Replay.objects.filter(id=replay_id, state=ReplayState.RUNNING).update(
        state=ReplayState.FAILED, reason=reason, finished_at=Now(), next_step_at=None
    )

"""Replays as rows: count, start, watch, pause, resume, cancel. Dispatchers carry them forward (replay_steps.py)."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from dispatcher.config import dispatcher_settings
from dispatcher.deliveries import database_now
from dispatcher.endpoints import get_endpoint
from dispatcher.errors import ReplayNotFound, ReplayRefused, ReplayStateRefused
from dispatcher.models import Replay, ReplayState
from dispatcher.replay_search import Search, check_arguments, replayable
from outbox.identifiers import encode_id, moment_of, new_uuid

# No count goes further, in deliveries found or in events looked at.
COUNT_CAP = 1_000_000
MISSED_CAP = 10_000
MAX_LISTED = 100
# A count that somebody confirmed still holds where it changed by no more than a tenth, or by a handful.
_ROUGHLY, _HANDFUL = 0.1, 10
# Events that each statement of a count looks at: a few for what is soon told, then as many as take a second or two.
_COUNTED_AT_ONCE = (5_000, 245_000, 250_000, 250_000, 250_000)
_OPEN = (ReplayState.RUNNING, ReplayState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How much there is, as far as it was counted."""

    found: int
    more: bool  # it was counted no further, and there may be more

    def __str__(self) -> str:
        return f"{self.found:,} or more" if self.more else f"{self.found:,}"

    @property
    def nothing(self) -> bool:
        return not (self.found or self.more)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRun:
    """A replay as it stands."""

    id: uuid.UUID
    owner: str
    endpoint_id: uuid.UUID
    only: str  # failed, missing
    since: datetime
    until: datetime  # exclusive
    rate: float  # deliveries a second
    counted: Counted | None  # before it began; None where nobody counted
    made: int  # deliveries so far
    covered: float  # the share of its time that was looked through
    state: str  # running, paused, finished, cancelled, failed
    reason: str | None  # why it failed
    created_by: str
    created_at: datetime
    first_due_at: datetime | None
    last_due_at: datetime | None  # of what it made so far; what is due earlier may be under way still
    finished_at: datetime | None

    @property
    def public_id(self) -> str:
        return encode_id("rpl", self.id)

    @property
    def percent(self) -> float:
        """How much of what was counted is made, or of its time looked through where it was not counted to the end.

        100 where it is finished, whatever was counted.
        """
        if self.state == ReplayState.FINISHED:
            return 100.0
        if self.counted is None or self.counted.more or not self.counted.found:
            return min(99.0, 100 * self.covered)
        return min(99.0, 100 * self.made / self.counted.found)

    @property
    def running(self) -> bool:
        return self.state == ReplayState.RUNNING

    @property
    def over(self) -> bool:
        return self.state not in _OPEN


def count_replay(
    *,
    owner: str,
    endpoint_id: uuid.UUID,
    since: datetime,
    until: datetime | None = None,
    only: str = "failed",
    cap: int = COUNT_CAP,
) -> Counted:
    """How many deliveries a replay would make; counted up to `cap`, of a million events at most.

    Nine statements at most, each of which reads in proportion to the events that it looks at.

    Raises:
        EndpointNotFound, ReplayRefused: as of `start_replay`.
    """
    check_arguments(since=since, until=until, only=only, rate=1.0)
    endpoint = replayable(owner, endpoint_id)
    return _count(Search(endpoint=endpoint, only=only, since=since, until=until or database_now()), cap)


def count_missed(*, owner: str, endpoint_id: uuid.UUID, since: datetime, cap: int = MISSED_CAP) -> Counted:
    """How many events the endpoint was not sent since then, as of `count_replay`; it may be disabled still.

    Raises:
        EndpointNotFound: as get_endpoint.
    """
    endpoint = get_endpoint(owner=owner, endpoint_id=endpoint_id)
    return _count(Search(endpoint=endpoint, only="missing", since=since, until=database_now()), cap)


def start_replay(
    *,
    owner: str,
    endpoint_id: uuid.UUID,
    since: datetime,
    until: datetime | None = None,
    only: str = "failed",
    rate: float = 20.0,
    created_by: str,
    confirmed_count: int | None = None,
    on_write: Callable[[ReplayRun], None] | None = None,
) -> ReplayRun:
    """Begin a replay that dispatchers carry forward. Counts first; requires that no transaction is open.

    Args:
        since, until, only, rate: as of replay_deliveries.
        created_by: who asked for it, to be shown.
        confirmed_count: what somebody was told that it comes to. It has to be given above
            `DISPATCHER["REPLAY_LIMIT"]`, and wherever it is given it must hold still: what is counted now may
            differ by a tenth, or by ten.
        on_write: runs in the transaction that begins it, with the replay.

    Raises:
        EndpointNotFound: as get_endpoint.
        ReplayRefused: the endpoint is disabled or deleted, or has a replay under way; an argument is out of range;
            `confirmed_count` is missing or does not hold; or there is nothing to replay.
    """
    check_arguments(since=since, until=until, only=only, rate=rate)
    search = Search(
        endpoint=replayable(owner, endpoint_id), only=only, since=since, until=until or database_now()
    )
    counted = _count(search, COUNT_CAP)
    _check_count(counted, confirmed_count, only)
    with transaction.atomic(durable=True):
        # Under the endpoint's lock: of two that were asked for at once the second finds the first.
        replayable(owner, endpoint_id, lock=True)
        _refuse_a_second(endpoint_id)
        replay_id = _insert(search, rate=rate, created_by=created_by, counted=counted, wait=timedelta())
        run = get_replay(replay_id=replay_id)
        if on_write is not None:
            on_write(run)
    return run


def get_replay(*, replay_id: uuid.UUID, owner: str | None = None) -> ReplayRun:
    """Raises ReplayNotFound, in the same words for another owner's as for one that never was."""
    rows = Replay.objects.filter(id=replay_id)
    replay = (rows if owner is None else rows.filter(owner=owner)).first()
    if replay is None:
        raise ReplayNotFound(replay_id)
    return _run(replay)


def list_replays(
    *,
    owner: str | None = None,
    endpoint_id: uuid.UUID | None = None,
    state: str | None = None,
    limit: int = 50,
    before: uuid.UUID | None = None,
) -> Sequence[ReplayRun]:
    """Newest first; `before` is the last id of the page before. At most 100."""
    rows = Replay.objects.order_by("-id")
    if owner is not None:
        rows = rows.filter(owner=owner)
    if endpoint_id is not None:
        rows = rows.filter(endpoint_id=endpoint_id)
    if state is not None:
        rows = rows.filter(state=state)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return [_run(replay) for replay in rows[: min(limit, MAX_LISTED)]]


def pause_replay(*, replay_id: uuid.UUID, owner: str | None = None) -> ReplayRun:
    """Make no more deliveries for now; those of the next seconds are made already. Changes nothing where it is paused.

    Raises:
        ReplayNotFound: as get_replay.
        ReplayStateRefused: it is over.
    """
    return _change(replay_id, owner, {ReplayState.RUNNING: ReplayState.PAUSED})


def resume_replay(*, replay_id: uuid.UUID, owner: str | None = None) -> ReplayRun:
    """Go on where it stopped; one that failed goes on, too, once what failed it is mended.

    Raises:
        ReplayNotFound, ReplayStateRefused: as of pause_replay.
        ReplayRefused: it failed, and another one was begun since, or its endpoint is disabled or deleted.
    """
    return _change(
        replay_id, owner, {ReplayState.PAUSED: ReplayState.RUNNING, ReplayState.FAILED: ReplayState.RUNNING}
    )


def cancel_replay(*, replay_id: uuid.UUID, owner: str | None = None) -> ReplayRun:
    """Make no more deliveries, for good; what it made stays. Errors as of pause_replay."""
    return _change(
        replay_id,
        owner,
        {ReplayState.RUNNING: ReplayState.CANCELLED, ReplayState.PAUSED: ReplayState.CANCELLED},
    )


def begin_run(*, search: Search, rate: float, created_by: str) -> uuid.UUID:
    """The row of a replay that the caller makes by hand (replays.py); dispatchers go on with it where he does not."""
    return _insert(search, rate=rate, created_by=created_by, counted=None, wait=timedelta(seconds=30))


def _insert(
    search: Search, *, rate: float, created_by: str, counted: Counted | None, wait: timedelta
) -> uuid.UUID:
    now = database_now()
    replay = Replay(
        id=new_uuid(),
        owner=search.endpoint.owner,
        endpoint_id=search.endpoint.id,
        kind=search.only,
        since=search.since,
        until=search.until,
        rate=rate,
        counted=None if counted is None else counted.found,
        counted_more=counted is not None and counted.more,
        state=ReplayState.RUNNING,
        created_by=created_by,
        created_at=now,
        next_step_at=now + wait,
    )
    replay.save(force_insert=True)
    return replay.id


def _count(search: Search, cap: int) -> Counted:
    found, after = 0, search.beginning
    for size in _COUNTED_AT_ONCE:
        last, here = search.count(after, size=size)
        if last is None:
            return Counted(found=found, more=False)
        found, after = found + here, last
        if found > cap:
            return Counted(found=cap, more=True)
    last, _ = search.count(after, size=1)
    return Counted(found=found, more=last is not None)


def _refuse_a_second(endpoint_id: uuid.UUID) -> None:
    other = Replay.objects.filter(endpoint_id=endpoint_id, state__in=_OPEN).order_by("-id").first()
    if other is not None:
        raise ReplayRefused(
            field="endpoint",
            reason=f"has a replay that is {other.state} ({other.public_id}); cancel it first, or wait for its end",
        )


def _check_count(counted: Counted, confirmed: int | None, only: str) -> None:
    limit = dispatcher_settings().replay_limit
    if counted.nothing:
        raise ReplayRefused(field="since", reason=f"nothing {only} was found in that time")
    if confirmed is None:
        if counted.found > limit or counted.more:
            raise ReplayRefused(
                field="confirmed_count",
                reason=f"{counted} are more than the limit of {limit:,}; confirm the count to replay them all the same",
            )
        return
    if abs(confirmed - counted.found) > max(_HANDFUL, _ROUGHLY * counted.found):
        raise ReplayRefused(
            field="confirmed_count",
            reason=f"{confirmed:,} were confirmed, and now there are {counted}; look again, and confirm that",
        )


def _change(replay_id: uuid.UUID, owner: str | None, changes: dict[ReplayState, ReplayState]) -> ReplayRun:
    """The state after one of those given; in a transaction that waits for a step under way, for milliseconds."""
    with transaction.atomic():
        rows = Replay.objects.select_for_update().filter(id=replay_id)
        replay = (rows if owner is None else rows.filter(owner=owner)).first()
        if replay is None:
            raise ReplayNotFound(replay_id)
        if replay.state in changes.values() and replay.state not in changes:
            return _run(replay)
        if replay.state not in changes:
            raise ReplayStateRefused(replay_id, replay.state)
        if replay.state == ReplayState.FAILED:
            # As where one begins: of two that would go to the endpoint at once the second finds the first.
            replayable(replay.owner, replay.endpoint_id, lock=True)
            _refuse_a_second(replay.endpoint_id)
        now = database_now()
        replay.state = changes[ReplayState(replay.state)]
        replay.next_step_at = now if replay.state == ReplayState.RUNNING else None
        replay.finished_at = now if replay.state == ReplayState.CANCELLED else None
        replay.reason = None
        replay.save(update_fields=["state", "next_step_at", "finished_at", "reason"])
    return _run(replay)


def _run(replay: Replay) -> ReplayRun:
    return ReplayRun(
        id=replay.id,
        owner=replay.owner,
        endpoint_id=replay.endpoint_id,
        only=replay.kind,
        since=replay.since,
        until=replay.until,
        rate=replay.rate,
        counted=None if replay.counted is None else Counted(found=replay.counted, more=replay.counted_more),
        made=replay.made,
        covered=_covered(replay),
        state=replay.state,
        reason=replay.reason,
        created_by=replay.created_by,
        created_at=replay.created_at,
        first_due_at=replay.first_due_at,
        last_due_at=replay.last_due_at,
        finished_at=replay.finished_at,
    )


def _covered(replay: Replay) -> float:
    if replay.cursor is None:
        return 0.0
    share: float = (moment_of(replay.cursor) - replay.since) / (replay.until - replay.since)
    return max(0.0, min(1.0, share))

"""Replays: an operator's resend of what an endpoint failed to take, or was never sent.

A replay makes deliveries by hand, each due a little after the one before: the schedule paces them. It is a row
(dispatcher/replay_runs.py), so that dispatchers go on with what its maker left, and a page can watch and stop it.
"""

import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from datetime import datetime

from dispatcher.deliveries import database_now
from dispatcher.replay_runs import begin_run, cancel_replay
from dispatcher.replay_search import KINDS, MAX_RATE, Search, check_arguments, replayable
from dispatcher.replay_steps import Step, step_by_hand

__all__ = ["CHUNK", "KINDS", "MAX_RATE", "Replayed", "replay_deliveries"]

CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay has found and made so far."""

    found: int = 0  # deliveries to make
    made: int = 0  # fewer only in a dry run, where none is
    first_due_at: datetime | None = None
    last_due_at: datetime | None = None


def replay_deliveries(
    *,
    owner: str,
    endpoint_id: uuid.UUID,
    since: datetime,
    until: datetime | None = None,
    only: str = "failed",
    rate: float = 20.0,
    dry_run: bool = False,
    progress: Callable[[Replayed], None] | None = None,
    created_by: str = "",
) -> Replayed:
    """Send an endpoint again what it failed to take, or for the first time what it was never sent.

    One transaction for every 500 deliveries; requires that none is open. What was made stays where a later
    chunk fails, and a second replay goes on with the rest; so do dispatchers, where the caller died, after half a
    minute. KeyboardInterrupt cancels the rest.

    Args:
        since: of events recorded from then on; `until` (default: now) is exclusive.
        only: "failed" are events whose newest delivery was dead-lettered, or cancelled because the endpoint
            was disabled; "missing" are subscribed events without a delivery, or skipped for that reason.
        rate: deliveries a second. A replay begins behind what an earlier one still has before it.
        dry_run: only count.
        progress: called after every chunk.
        created_by: who is to be shown as its maker.

    Raises:
        EndpointNotFound: as get_endpoint.
        ReplayRefused: the endpoint is disabled or deleted, now or before a later chunk; or an argument is out of
            range; or somebody cancelled or paused it meanwhile.
    """
    check_arguments(since=since, until=until, only=only, rate=rate)
    endpoint = replayable(owner, endpoint_id)
    search = Search(endpoint=endpoint, only=only, since=since, until=until or database_now())
    done = Replayed()
    steps = _count(search) if dry_run else _make(search, rate, created_by)
    for done in steps:
        try:
            if progress is not None:
                progress(done)
        except KeyboardInterrupt as interrupt:
            # Wherever it comes: somebody does not want the rest.
            steps.throw(interrupt)
    return done


def _count(search: Search) -> Generator[Replayed, None, None]:
    done = Replayed()
    for found in search.counts(size=CHUNK):
        done = replace(done, found=done.found + found)
        yield done


def _make(search: Search, rate: float, created_by: str) -> Generator[Replayed, None, None]:
    replay_id = begin_run(search=search, rate=rate, created_by=created_by)
    done = Replayed()
    try:
        while True:
            step = step_by_hand(replay_id, size=CHUNK)
            if step.made:
                done = _added(done, step)
            if step.over:
                return
            yield done
    except KeyboardInterrupt:
        cancel_replay(replay_id=replay_id)
        raise


def _added(done: Replayed, step: Step) -> Replayed:
    return Replayed(
        found=done.found + step.made,
        made=done.made + step.made,
        first_due_at=done.first_due_at or step.first_due_at,
        last_due_at=step.last_due_at,
    )

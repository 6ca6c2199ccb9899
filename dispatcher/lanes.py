"""Lanes: an endpoint's place in line. Every transaction touches all the lanes it must in one pass."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dispatcher.config import dispatcher_settings
from dispatcher.failures import counts_against_endpoint
from dispatcher.heads import promote_heads
from dispatcher.outcomes import Outcome
from dispatcher.protection import MARKS
from outbox.database import execute, fetch_all
from outbox.sql import prepared


@dataclass(slots=True)
class LaneTouch:
    """What a transaction owes one lane."""

    unleased: int = 0  # leased rows that it unleased or removed
    wake_at: datetime | None = None  # when the earliest of its new work is due
    whatever_holds_at: datetime | None = None  # the same for what no hold delays
    hold_for: timedelta | None = None  # how long automatic deliveries must wait
    succeeded: bool = False  # whether an automatic attempt did
    failures: int = 0  # that count against the endpoint, after the last success
    last_failure_began: float | None = None  # when the latest of these was sent, Unix seconds
    order_keys: set[str] = field(default_factory=set)  # whose head ended, or behind whose head one was put

    def wake(self, moment: datetime, *, ignore_hold: bool = False) -> None:
        if ignore_hold:
            self.whatever_holds_at = (
                moment if self.whatever_holds_at is None else min(self.whatever_holds_at, moment)
            )
        else:
            self.wake_at = moment if self.wake_at is None else min(self.wake_at, moment)

    def hold(self, duration: timedelta) -> None:
        self.hold_for = duration if self.hold_for is None else max(self.hold_for, duration)

    def judge(self, outcome: Outcome, *, began: float) -> None:
        """Reckon with an automatic attempt that stands; in the order in which attempts are recorded."""
        if outcome.succeeded:
            self.succeeded, self.failures, self.last_failure_began = True, 0, None
        elif outcome.failure_code is not None and counts_against_endpoint(outcome.failure_code):
            self.failures += 1
            self.last_failure_began = max(began, self.last_failure_began or began)


class LaneTouches(dict[uuid.UUID, LaneTouch]):
    """The lanes of a transaction, by endpoint."""

    def __missing__(self, endpoint_id: uuid.UUID) -> LaneTouch:
        touch = self[endpoint_id] = LaneTouch()
        return touch


def touch_lanes(touches: LaneTouches) -> list[uuid.UUID]:
    """Apply what a transaction owes its lanes; requires that transaction, after its deliveries and before its claims.

    Lanes are locked in order of endpoint id, so that transactions that touch the same lanes cannot deadlock.
    Then the heads of the order keys that were touched are made due. Gives the endpoints that have failed for so
    long that somebody must be told (dispatcher/disabling.py).
    """
    if not touches:
        return []
    endpoint_ids = sorted(touches)
    ordered = [touches[endpoint_id] for endpoint_id in endpoint_ids]
    columns: dict[str, list[Any]] = {
        "endpoint_ids": endpoint_ids,
        "unleased": [touch.unleased for touch in ordered],
        "wake_at": [touch.wake_at for touch in ordered],
        "whatever_holds_at": [touch.whatever_holds_at for touch in ordered],
        "hold_for": [touch.hold_for for touch in ordered],
        "succeeded": [touch.succeeded for touch in ordered],
    }
    alarming = _judged(columns, ordered)
    promote_heads(
        (endpoint_id, key) for endpoint_id in endpoint_ids for key in touches[endpoint_id].order_keys
    )
    return alarming


def _judged(columns: dict[str, list[Any]], touches: Sequence[LaneTouch]) -> list[uuid.UUID]:
    """Where nothing failed, nothing needs to be judged: the cheaper statement will do."""
    if not any(touch.failures for touch in touches):
        execute(prepared("dispatcher.sql", "touch_lanes"), columns)
        return []
    protection = dispatcher_settings().protection
    span = protection.disable_after
    rows = fetch_all(
        prepared("dispatcher.sql", "judge_lanes"),
        {
            **columns,
            "failures": [touch.failures for touch in touches],
            "last_failure_began": [touch.last_failure_began for touch in touches],
            "circuit_threshold": protection.circuit_threshold,
            "pause": protection.circuit_pause.total_seconds(),
            "pause_cap": protection.circuit_pause_cap.total_seconds(),
            "marks": list(MARKS),
            "disable_after": None if span is None else span.total_seconds(),
        },
    )
    return [endpoint_id for (endpoint_id,) in rows]


def wake_lanes(endpoint_ids: Iterable[uuid.UUID], moment: datetime, *, ignore_hold: bool = False) -> None:
    """Have these lanes looked at from `moment` on; requires a transaction.

    What waits for the end of a hold waits on, unless `ignore_hold`.
    """
    touches = LaneTouches()
    for endpoint_id in endpoint_ids:
        touches[endpoint_id].wake(moment, ignore_hold=ignore_hold)
    touch_lanes(touches)

"""Lanes: an endpoint's place in line. Every transaction touches all the lanes it must in one pass."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatcher.heads import promote_heads
from outbox.database import execute
from outbox.sql import statements

_SQL = statements("dispatcher.sql")


@dataclass(slots=True)
class LaneTouch:
    """What a transaction owes one lane."""

    unleased: int = 0  # leased rows that it unleased or removed
    wake_at: datetime | None = None  # when the earliest of its new work is due
    whatever_holds_at: datetime | None = None  # the same for what no hold delays
    hold_for: timedelta | None = None  # how long automatic deliveries must wait
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


class LaneTouches(dict[uuid.UUID, LaneTouch]):
    """The lanes of a transaction, by endpoint."""

    def __missing__(self, endpoint_id: uuid.UUID) -> LaneTouch:
        touch = self[endpoint_id] = LaneTouch()
        return touch


def touch_lanes(touches: LaneTouches) -> None:
    """Apply what a transaction owes its lanes; requires that transaction, after its deliveries and before its claims.

    Lanes are locked in order of endpoint id, so that transactions that touch the same lanes cannot deadlock.
    Then the heads of the order keys that were touched are made due.
    """
    if not touches:
        return
    endpoint_ids = sorted(touches)
    ordered = [touches[endpoint_id] for endpoint_id in endpoint_ids]
    execute(
        _SQL["touch_lanes"],
        {
            "endpoint_ids": endpoint_ids,
            "unleased": [touch.unleased for touch in ordered],
            "wake_at": [touch.wake_at for touch in ordered],
            "whatever_holds_at": [touch.whatever_holds_at for touch in ordered],
            "hold_for": [touch.hold_for for touch in ordered],
        },
    )
    promote_heads(
        (endpoint_id, key) for endpoint_id in endpoint_ids for key in touches[endpoint_id].order_keys
    )


def wake_lanes(endpoint_ids: Iterable[uuid.UUID], moment: datetime, *, ignore_hold: bool = False) -> None:
    """Have these lanes looked at from `moment` on; requires a transaction.

    What waits for the end of a hold waits on, unless `ignore_hold`.
    """
    touches = LaneTouches()
    for endpoint_id in endpoint_ids:
        touches[endpoint_id].wake(moment, ignore_hold=ignore_hold)
    touch_lanes(touches)

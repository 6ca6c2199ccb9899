"""The past that pages are measured on: a month of attempts, made by the database itself."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from outbox.sql import statements

DAYS = 30
# The first owner has very many endpoints, the others what merchants have.
OWNERS, ENDPOINTS, MOST_ENDPOINTS = 51, 12, 5_000
# Attempts that come of an event, as bench/sql/past_functions.sql has it.
ATTEMPTS_AN_EVENT = 2.33
MINUTES_KEPT = timedelta(days=7)
_STEPS = 60  # of each table
_SQL = statements("bench.sql")
_TABLES = (
    "outbox_event",
    "dispatcher_finished_delivery",
    "dispatcher_attempt",
    "dispatcher_rollup",
    "dispatcher_delivery",
    "api_request_log",
    "core_payment_intent",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    account_id: uuid.UUID
    owner: str


class Past:
    """A month that ends now, with about so many attempts in it; `cursor` is one in autocommit mode."""

    def __init__(self, cursor: Any, *, attempts: int, say: Callable[[str], None]) -> None:
        self._cursor = cursor
        self.attempts = attempts
        self.say = say

    def write(self, owners: list[Owner], *, secret: str, api_version: str) -> dict[str, int]:
        """All of it, and how many rows each table has then."""
        from dispatcher.tallies import DURATION_BOUNDS, WAIT_BOUNDS

        now = datetime.now(tz=UTC)
        begin = now - timedelta(days=DAYS)
        events = int(self.attempts / ATTEMPTS_AN_EVENT)
        # The last event is a few minutes old, so that its last attempt has been, too.
        span = {
            "began": int(begin.timestamp() * 1000),
            "step": (now - begin - timedelta(minutes=5)) / timedelta(milliseconds=1) / events,
        }
        self._run("past_functions")
        for number, one in enumerate(owners):
            count = ENDPOINTS if number else MOST_ENDPOINTS
            shown = {"owner_no": number, "owner": one.owner, "count": count}
            self._cursor.execute("INSERT INTO bench_owner VALUES (%(owner_no)s, %(owner)s, %(count)s)", shown)
            self._run("past_endpoints", **shown, **span, secret=secret, api_version=api_version)
        self._cursor.execute("ANALYZE bench_endpoint; ANALYZE bench_owner")
        for table in ("events", "deliveries", "attempts"):
            for first, last in _parts(events):
                self._run(f"past_{table}", first=first, last=last, **span)
        self._run("past_backlog", first=events - events // 100, last=events - 1, **span)
        accounts = [str(one.account_id) for one in owners]
        for table, count in (("requests", self.attempts // 10), ("payments", self.attempts // 20)):
            step = span["step"] * events / count
            self._run(
                f"past_{table}",
                count=count, began=span["began"], step=step, accounts=accounts, api_version=api_version,
            )  # fmt: skip
        bounds = {"durations": list(DURATION_BOUNDS), "waits": list(WAIT_BOUNDS)}
        for seconds, since in ((60, now - MINUTES_KEPT), (3600, begin)):
            self._run("past_rollups", seconds=seconds, since=since, until=now, **bounds)
        self.say("vacuum, analyze")
        self._cursor.execute("VACUUM ANALYZE")
        return {table: self._count(table) for table in _TABLES}

    def _run(self, statement: str, **parameters: Any) -> None:
        began = datetime.now(tz=UTC)
        self._cursor.execute(_SQL[statement], parameters)
        seconds = (datetime.now(tz=UTC) - began).total_seconds()
        if seconds > 1:
            self.say(f"{statement}: {max(self._cursor.rowcount, 0):,} rows in {seconds:.1f} s")

    def _count(self, table: str) -> int:
        self._cursor.execute(f"SELECT count(*) FROM {table}")
        ((count,),) = self._cursor.fetchall()
        return int(count)


def _parts(events: int) -> Iterator[tuple[int, int]]:
    """Event numbers, first and last, in steps that each end soon."""
    size = max(1, -(-events // _STEPS))
    for first in range(0, events, size):
        yield first, min(first + size, events) - 1

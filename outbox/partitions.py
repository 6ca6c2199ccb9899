"""Partitions by time: made ahead, and dropped whole when their retention is over.

A table is partitioned by its UUIDv7 key, so a range of keys is a range of time and dropping history costs
nothing. Each app tells its tables by `partitioned_tables` on its AppConfig, and what it still needs by
`needs_rows_before(table, bound)`: no partition is dropped while live work refers to it.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from itertools import islice

from django.apps import apps
from django.db import DatabaseError, transaction

from outbox.crash_points import reach
from outbox.database import fetch_all, is_connected
from outbox.identifiers import floor_uuid, moment_of
from outbox.sql import statements

_SQL = statements("outbox.sql")
_LEAST = uuid.UUID(int=0)


class Period(Enum):
    """How long a time one partition spans, in the format of its name."""

    DAY = "%Y%m%d"
    MONTH = "%Y%m"

    def beginning(self, day: date) -> date:
        return day if self is Period.DAY else day.replace(day=1)

    def after(self, beginning: date) -> date:
        longest = timedelta(days=1 if self is Period.DAY else 31)
        return self.beginning(beginning + longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionedTable:
    """A table that its app wants kept up."""

    name: str
    period: Period
    retention: timedelta  # rows are kept at least so long, and at most a period longer

    def partition(self, beginning: date) -> str:
        return f"{self.name}_{beginning.strftime(self.period.value)}"

    def beginning_of(self, partition: str) -> date:
        stamp = partition.removeprefix(f"{self.name}_")
        return datetime.strptime(stamp, self.period.value).replace(tzinfo=UTC).date()


@dataclass(slots=True)
class Maintained:
    """What one maintenance did."""

    made: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # past their retention, but live work needs them
    failed: list[tuple[str, str]] = field(default_factory=list)  # (partition, why); the next run tries again
    strays: list["Strays"] = field(default_factory=list)  # what no maintenance can move
    elsewhere: bool = False  # another process was at it


@dataclass(frozen=True, slots=True, kw_only=True)
class Strays:
    """Rows that a default partition still holds after a maintenance."""

    table: str
    held: int  # counted up to STRAYS_COUNTED
    oldest: uuid.UUID

    def sentence(self) -> str:
        """What is wrong and how to mend it.

        Partitions are made for every period that strays belong to, but none for a time that is further
        ahead than any maintenance makes them: an id from there was not made by a clock that is right.
        """
        count = f"{self.held} or more rows" if self.held >= STRAYS_COUNTED else f"{self.held} row(s)"
        return (
            f"{self.table}_default holds {count}, the first with the id {self.oldest}. Ids begin with their "
            "moment: where that lies in the future, set the clock that made them right; the rows move when "
            "their time has come. Where it has come already, run maintain_partitions again."
        )


# A week without maintenance fills no default partition.
PERIODS_AHEAD = {Period.DAY: 7, Period.MONTH: 1}
# The rows of a default partition are counted no further.
STRAYS_COUNTED = 10_000
# Partitions made for strays by one run, of each table: a clock gone wild does not keep it busy for long.
_PERIODS_OF_STRAYS = 100


def maintain_partitions(*, today: date | None = None) -> Maintained:
    """Make what is due and drop what is over; each partition in a transaction of its own.

    A partition that was not made in time (no maintenance ran for a week) is made too, and the rows that went
    into the default partition meanwhile move over.

    Gives way after half a second where a lock is held: what failed is tried again by the next run.

    Raises:
        DatabaseError: the connection is lost.
    """
    today = today or datetime.now(tz=UTC).date()
    done = Maintained()
    for table in partitioned_tables():
        ahead = list(islice(_periods_from(table.period, today), 1 + PERIODS_AHEAD[table.period]))
        for beginning in ahead:
            _make(table, beginning, done)
        _make_for_strays(table, floor_uuid(_midnight(table.period.after(ahead[-1]))), done)
        for partition in partitions_of(table):
            over = table.period.after(table.beginning_of(partition))
            if over <= today - table.retention:
                _drop(table, partition, floor_uuid(_midnight(over)), done)
        held, oldest = _strays(table, done)
        if oldest is not None and not done.elsewhere:
            done.strays.append(Strays(table=table.name, held=held, oldest=oldest))
    return done


def partitioned_tables() -> list[PartitionedTable]:
    """The tables of all installed apps."""
    found: list[PartitionedTable] = []
    for config in apps.get_app_configs():
        found += getattr(config, "partitioned_tables", list)()
    return found


def partitions_of(table: PartitionedTable) -> list[str]:
    """Names of a table's partitions, oldest first; the default one is left out."""
    return [name for (name,) in fetch_all(_SQL["partitions_of"], {"table": table.name})]


def _make(table: PartitionedTable, beginning: date, done: Maintained) -> None:
    partition = table.partition(beginning)
    bounds = {
        "low": floor_uuid(_midnight(beginning)),
        "high": floor_uuid(_midnight(table.period.after(beginning))),
    }
    try:
        with transaction.atomic():
            if not _begin(done):
                return
            made = fetch_all(_SQL["make_partition"], {"table": table.name, "partition": partition, **bounds})
            reach("during_maintenance")
        if made[0][0]:
            done.made.append(partition)
    except DatabaseError as error:
        _note(partition, error, done)


def _make_for_strays(table: PartitionedTable, horizon: uuid.UUID, done: Maintained) -> None:
    """Make the partitions that rows of the default one belong to, up to the horizon."""
    since = _LEAST
    for _ in range(_PERIODS_OF_STRAYS):
        _, oldest = _strays(table, done, since)
        if oldest is None or oldest >= horizon or done.elsewhere:
            return
        beginning = table.period.beginning(moment_of(oldest).date())
        _make(table, beginning, done)
        since = floor_uuid(_midnight(table.period.after(beginning)))


def _strays(
    table: PartitionedTable, done: Maintained, since: uuid.UUID = _LEAST
) -> tuple[int, uuid.UUID | None]:
    """How many rows the default partition holds, and the least id of them from `since` on."""
    try:
        with transaction.atomic():
            ((held, oldest),) = fetch_all(
                _SQL["strays"], {"table": table.name, "since": since, "most": STRAYS_COUNTED}
            )
    except DatabaseError as error:
        _note(f"{table.name}_default", error, done)
        return 0, None
    return held, oldest


def _drop(table: PartitionedTable, partition: str, bound: uuid.UUID, done: Maintained) -> None:
    try:
        with transaction.atomic():
            if not _begin(done):
                return
            if _is_needed(table.name, bound):
                done.kept.append(partition)
                return
            fetch_all(_SQL["drop_partition"], {"table": table.name, "partition": partition})
            reach("during_drop")
        done.dropped.append(partition)
    except DatabaseError as error:
        _note(partition, error, done)


def _note(partition: str, error: DatabaseError, done: Maintained) -> None:
    if not is_connected():
        raise error
    done.failed.append((partition, str(error).strip().splitlines()[0]))


def _begin(done: Maintained) -> bool:
    mine: bool = fetch_all(_SQL["begin_maintenance"], {})[0][0]
    done.elsewhere |= not mine
    return mine


def _is_needed(table: str, bound: uuid.UUID) -> bool:
    return any(
        config.needs_rows_before(table, bound)
        for config in apps.get_app_configs()
        if hasattr(config, "needs_rows_before")
    )


def _periods_from(period: Period, day: date) -> Iterator[date]:
    beginning = period.beginning(day)
    while True:
        yield beginning
        beginning = period.after(beginning)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)

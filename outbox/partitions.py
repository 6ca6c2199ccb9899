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

from outbox.database import fetch_all, is_connected
from outbox.identifiers import floor_uuid
from outbox.sql import statements

_SQL = statements("outbox.sql")


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
    elsewhere: bool = False  # another process was at it


# A week without maintenance fills no default partition.
PERIODS_AHEAD = {Period.DAY: 7, Period.MONTH: 1}


def maintain_partitions(*, today: date | None = None) -> Maintained:
    """Make what is due and drop what is over; each partition in a transaction of its own.

    Gives way after half a second where a lock is held: what failed is tried again by the next run.

    Raises:
        DatabaseError: the connection is lost.
    """
    today = today or datetime.now(tz=UTC).date()
    done = Maintained()
    for table in partitioned_tables():
        for beginning in islice(_periods_from(table.period, today), 1 + PERIODS_AHEAD[table.period]):
            _make(table, beginning, done)
        for partition in partitions_of(table):
            over = table.period.after(table.beginning_of(partition))
            if over <= today - table.retention:
                _drop(table, partition, floor_uuid(_midnight(over)), done)
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
        if made[0][0]:
            done.made.append(partition)
    except DatabaseError as error:
        if not is_connected():
            raise
        done.failed.append((partition, str(error).strip().splitlines()[0]))


def _drop(table: PartitionedTable, partition: str, bound: uuid.UUID, done: Maintained) -> None:
    try:
        with transaction.atomic():
            if not _begin(done):
                return
            if _is_needed(table.name, bound):
                done.kept.append(partition)
                return
            fetch_all(_SQL["drop_partition"], {"table": table.name, "partition": partition})
        done.dropped.append(partition)
    except DatabaseError as error:
        if not is_connected():
            raise
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

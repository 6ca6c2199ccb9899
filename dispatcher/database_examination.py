"""What `webhooks doctor` looks at in PostgreSQL: each look tells what it found."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import DEFAULT_DB_ALIAS
from django.db import connections as django_connections  # noqa: TID251 - migrations are asked of a connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.text import capfirst

from dispatcher.deliveries import database_now
from dispatcher.findings import CATALOGUE
from outbox.database import fetch_all
from outbox.findings import Look, Seen, seen_wrong, size_text, span_text
from outbox.partitions import PERIODS_AHEAD, partitioned_tables, partitions_of
from outbox.sql import statements

_SQL = statements("dispatcher.sql")
_OLDEST_VERSION, _NEWEST_TESTED = 14, 18
_CLOCK_WARNS, _CLOCK_FAILS = timedelta(seconds=2), timedelta(minutes=1)
_DEAD_ROWS, _DEAD_RATIO = 50_000, 2
_OPEN_FOR_LONG = timedelta(minutes=5)
_MOST_CONNECTIONS = 0.8
_IDS_WARN = 1_000_000_000  # five times what autovacuum lets stand, half of what there are
_HELD_WAL = 1024**3  # bytes
# Parts of the disk, or of a disk that would be large enough: a tenth of 10 TB is nothing to be warned of.
_DISK_WARNS, _DISK_FAILS, _DISK_ENOUGH = 0.1, 0.02, 100 * 1024**3


def _wrong(id: str, sentence: str) -> Seen:
    return seen_wrong(CATALOGUE, id, sentence)


def server() -> Iterator[Seen]:
    """Version, durability, vacuum, transaction ids and connections. One statement."""
    (row,) = fetch_all(_SQL["examine_server"], {})
    (
        number,
        version,
        in_recovery,
        read_only,
        fsync,
        full_pages,
        commits,
        vacuums,
        wal_level,
        most,
        used,
        ids_used,
    ) = row
    major = number // 10_000
    if major < _OLDEST_VERSION:
        yield _wrong("database.E001", f"PostgreSQL {version} is older than {_OLDEST_VERSION}.")
    elif major > _NEWEST_TESTED:
        yield _wrong(
            "database.W001",
            f"PostgreSQL {version} is newer than {_NEWEST_TESTED}, the newest that is tested.",
        )
    else:
        yield Seen(f"PostgreSQL {version}")
    if in_recovery or read_only:
        yield _wrong("database.E003", "The server takes no writes: it is a standby, or read-only.")
    off = [
        name
        for name, on in (
            ("fsync", fsync),
            ("full_page_writes", full_pages),
            ("synchronous_commit", commits != "off"),
        )
        if not on
    ]
    if off:
        verb = "is" if len(off) == 1 else "are"
        yield _wrong("database.E004", f"{' and '.join(off)} {verb} off: what was committed may be lost.")
    else:
        yield Seen("what is committed survives a crash: fsync, full_page_writes, synchronous_commit")
    if not vacuums:
        yield _wrong("database.W002", "autovacuum or track_counts is off.")
    if wal_level == "minimal":
        yield _wrong("database.W009", "wal_level is minimal.")
    if ids_used > _IDS_WARN:
        yield _wrong(
            "database.W013",
            f"The oldest rows of this database are {ids_used:,} transactions old; at 2,147,483,648 it takes no "
            "more writes.",
        )
    told = f"{used} of {most} connections in use"
    yield _wrong("database.W008", f"{told}.") if used > most * _MOST_CONNECTIONS else Seen(told)


def migrations() -> Iterator[Seen]:
    executor = MigrationExecutor(django_connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        named = ", ".join(f"{step.app_label}.{step.name}" for step, _ in plan[:3])
        more = f" and {len(plan) - 3} more" if len(plan) > 3 else ""
        yield _wrong("database.E002", f"Not applied: {named}{more}.")
    else:
        yield Seen("all migrations are applied")


def clocks() -> Iterator[Seen]:
    """This machine's clock against the database's: the middle of a statement's way there and back."""
    before = datetime.now(UTC)
    there = database_now()
    after = datetime.now(UTC)
    # A slow link makes the middle uncertain by half the way.
    uncertain = (after - before) / 2
    skew = abs(there - (before + uncertain)) - uncertain
    skew = max(skew, timedelta())
    told = f"this machine's clock is {skew.total_seconds():.1f} s apart from the database's"
    if skew >= _CLOCK_FAILS:
        yield _wrong("database.E005", f"{capfirst(told)}.")
    elif skew >= _CLOCK_WARNS:
        yield _wrong("database.W007", f"{capfirst(told)}.")
    else:
        yield Seen(told)


def tables() -> Iterator[Seen]:
    """Dead rows, what keeps them, and where nobody clears them away. Four statements."""
    rows = fetch_all(_SQL["examine_tables"], {"least": _DEAD_ROWS, "ratio": _DEAD_RATIO})
    for name, live, dead, size, vacuumed in rows:
        when = "never vacuumed" if vacuumed is None else f"vacuumed at {vacuumed:%Y-%m-%d %H:%M} UTC"
        yield _wrong(
            "database.W003",
            f"{name} has {dead:,} dead rows beside {live:,} live ones ({size / 1024**2:,.0f} MiB), {when}.",
        )
    if not rows:
        yield Seen("no table has far more dead rows than live ones")
    unattended = [name for (name,) in fetch_all(_SQL["examine_vacuum"], {})]
    if unattended:
        yield _wrong("database.W012", f"autovacuum_enabled is off for {', '.join(unattended)}.")
    yield from _open_transactions()


def _open_transactions() -> Iterator[Seen]:
    for pid, name, state, span in fetch_all(_SQL["examine_transactions"], {"while": _OPEN_FOR_LONG}):
        who = f" ({name})" if name else ""
        yield _wrong(
            "database.W004", f"Process {pid}{who} has a transaction open for {span_text(span)}, {state}."
        )
    for name, span in fetch_all(_SQL["examine_prepared"], {"while": _OPEN_FOR_LONG}):
        yield _wrong(
            "database.W015", f"The prepared transaction {name!r} has been left for {span_text(span)}."
        )


def storage() -> Iterator[Seen]:
    """How much there is, what keeps WAL from being removed, and the disk. Three statements, four at most.

    PostgreSQL tells nobody how full its disk is: that is seen where it runs on this machine, and nowhere else.
    """
    (row,) = fetch_all(_SQL["examine_storage"], {})
    size, lists_wal, archive_fails_since, directory, is_here = row
    if lists_wal:
        ((wal,),) = fetch_all(_SQL["examine_wal"], {})
        yield Seen(f"{size_text(size)} in this database, {size_text(wal)} of WAL")
    else:
        yield Seen(f"{size_text(size)} in this database (how much WAL there is, only pg_monitor is told)")
    yield from _slots()
    if archive_fails_since is not None:
        yield _wrong(
            "database.W011",
            f"The last file of WAL could not be archived, at {archive_fails_since:%Y-%m-%d %H:%M} UTC.",
        )
    yield from _disk(directory, is_here=is_here)


def _slots() -> Iterator[Seen]:
    for name, active, held in fetch_all(_SQL["examine_slots"], {}):
        told = f"the replication slot {name} holds back {size_text(held)} of WAL"
        reader = "its reader is behind" if active else "nobody reads it"
        if held >= _HELD_WAL:
            yield _wrong("database.W010", f"{capfirst(told)}, and {reader}.")
        else:
            yield Seen(told if active else f"{told}; {reader} now")


def _disk(directory: str | None, *, is_here: bool) -> Iterator[Seen]:
    if directory is None:
        yield Seen("where the server keeps its data, only pg_monitor is told: watch its disk there")
        return
    try:
        disk = shutil.disk_usage(directory) if is_here else None
    except OSError:
        disk = None
    if disk is None:
        yield Seen("the server runs elsewhere, so its disk cannot be seen from here: watch it there")
        return
    told = f"{size_text(disk.free)} of {size_text(disk.total)} are free on the disk of {directory}"
    measure = min(disk.total, _DISK_ENOUGH)
    if disk.free < measure * _DISK_FAILS:
        yield _wrong("database.E006", f"{told}.")
    elif disk.free < measure * _DISK_WARNS:
        yield _wrong("database.W014", f"{told}.")
    else:
        yield Seen(told)


def partitions() -> Iterator[Seen]:
    """Made ahead, and nothing in the default ones."""
    today = datetime.now(UTC).date()
    for table in partitioned_tables():
        wanted = table.period.after(table.period.beginning(today))
        beginnings = {table.beginning_of(name) for name in partitions_of(table)}
        if wanted not in beginnings:
            yield _wrong(
                "database.W005",
                f"{table.name} has no partition for what comes after this {table.period.name.lower()}: "
                f"{wanted:%Y-%m-%d}.",
            )
        else:
            ahead = sum(beginning > today for beginning in beginnings)
            yield Seen(f"{table.name}: {ahead} of {PERIODS_AHEAD[table.period]} partitions ahead")


DATABASE_LOOKS: dict[str, Look] = {
    "server": server,
    "migrations": migrations,
    "clocks": clocks,
    "storage": storage,
    "tables": tables,
    "partitions": partitions,
}
"""Each by the name that it is shown under; the server first, since the others need it."""

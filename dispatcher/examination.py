"""What `webhooks doctor` looks at in the database, the broker and the network: each look tells what it found."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.db import DEFAULT_DB_ALIAS, Error
from django.db import connections as django_connections  # noqa: TID251 - migrations are asked of a connection
from django.db.migrations.executor import MigrationExecutor

from dispatcher.brokers import broker_warnings, build_broker, close_broker, reach_broker, shown
from dispatcher.config import dispatcher_settings
from dispatcher.deliveries import database_now
from dispatcher.errors import BrokerOutOfReach, BrokerUnusable, SecretUndecryptable
from dispatcher.findings import CATALOGUE
from dispatcher.models import Endpoint, EndpointStatus
from dispatcher.processes import Liveness, known_processes
from dispatcher.sealing import unseal
from dispatcher.standing import Standing, read_standing
from outbox.database import fetch_all
from outbox.findings import Finding, finding
from outbox.partitions import PERIODS_AHEAD, partitioned_tables, partitions_of
from outbox.sql import statements

_SQL = statements("dispatcher.sql")
_OLDEST_VERSION, _NEWEST_TESTED = 14, 18
_CLOCK_WARNS, _CLOCK_FAILS = timedelta(seconds=2), timedelta(minutes=1)
_DEAD_ROWS, _DEAD_RATIO = 50_000, 2
_OPEN_FOR_LONG = timedelta(minutes=5)
_MOST_CONNECTIONS = 0.8
_LATE = timedelta(minutes=1)
_ENDPOINTS = 200  # whose secrets are opened
_HOSTS = 20  # that are resolved
_SLOW_NAME, _LONGEST_LOOKUP = 1.0, 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found: that it is well, with the figures, or what is wrong."""

    told: str
    finding: Finding | None = None


Look = Callable[[], Iterator[Seen]]


def _wrong(id: str, sentence: str) -> Seen:
    return Seen(sentence, finding(CATALOGUE, id, sentence))


def server() -> Iterator[Seen]:
    """Version, durability, vacuum and connections. One statement."""
    (row,) = fetch_all(_SQL["examine_server"], {})
    number, version, in_recovery, read_only, fsync, full_pages, commits, vacuums, most, used, size = row
    major = number // 10_000
    if major < _OLDEST_VERSION:
        yield _wrong("database.E001", f"PostgreSQL {version} is older than {_OLDEST_VERSION}.")
    elif major > _NEWEST_TESTED:
        yield _wrong(
            "database.W001",
            f"PostgreSQL {version} is newer than {_NEWEST_TESTED}, the newest that is tested.",
        )
    else:
        yield Seen(f"PostgreSQL {version}, {size / 1024**2:,.0f} MiB in this database")
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
        yield _wrong("database.E005", f"{told[0].upper()}{told[1:]}.")
    elif skew >= _CLOCK_WARNS:
        yield _wrong("database.W007", f"{told[0].upper()}{told[1:]}.")
    else:
        yield Seen(told)


def tables() -> Iterator[Seen]:
    """Dead rows, and what keeps them. Two statements."""
    rows = fetch_all(_SQL["examine_tables"], {"least": _DEAD_ROWS, "ratio": _DEAD_RATIO})
    for name, live, dead, size, vacuumed in rows:
        when = "never vacuumed" if vacuumed is None else f"vacuumed at {vacuumed:%Y-%m-%d %H:%M} UTC"
        yield _wrong(
            "database.W003",
            f"{name} has {dead:,} dead rows beside {live:,} live ones ({size / 1024**2:,.0f} MiB), {when}.",
        )
    if not rows:
        yield Seen("no table has far more dead rows than live ones")
    for pid, name, state, span in fetch_all(_SQL["examine_transactions"], {"while": _OPEN_FOR_LONG}):
        who = f" ({name})" if name else ""
        yield _wrong(
            "database.W004", f"Process {pid}{who} has a transaction open for {_minutes(span)}, {state}."
        )


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


def deliveries() -> Iterator[Seen]:
    """Who delivers, and whether that is enough."""
    standing = read_standing()
    for table, held in standing.strays.items():
        if held:
            yield _wrong("database.W006", f"{table}_default holds {held:,} rows.")
    if standing.paused:
        yield _wrong("dispatcher.W006", "Deliveries are paused.")
    processes = known_processes()
    alive = [one for one in processes if one.liveness is Liveness.ALIVE and one.kind == "dispatcher"]
    for one in processes:
        if one.liveness in (Liveness.GONE, Liveness.LATE) and one.leases:
            yield _wrong(
                "dispatcher.W007",
                f"The {one.kind} {one.host}:{one.pid} was seen {_minutes(one.seen_ago)} ago and holds "
                f"{one.leases} leases.",
            )
    if alive:
        yield Seen(f"{len(alive)} dispatcher{'' if len(alive) == 1 else 's'} alive")
    yield from _lateness(standing, anybody=bool(alive))


def _lateness(standing: Standing, *, anybody: bool) -> Iterator[Seen]:
    oldest = timedelta(seconds=standing.oldest_permitted)
    waiting = standing.due + standing.pending_fan_out
    if waiting and not anybody:
        yield _wrong(
            "dispatcher.E004", f"No dispatcher is running, and {waiting:,} deliveries or events wait."
        )
    elif oldest > _LATE and not standing.paused:
        yield _wrong(
            "dispatcher.W008", f"The oldest delivery that may be sent is due for {_minutes(oldest)}."
        )
    else:
        yield Seen(f"{standing.due:,} due, {standing.scheduled:,} scheduled, {standing.leased:,} leased")


def secrets() -> Iterator[Seen]:
    """Whether the newest endpoints' secrets can be opened with the keys of this process."""
    rows = list(Endpoint.objects.filter(deleted_at=None).order_by("-id")[:_ENDPOINTS])
    lost = []
    for row in rows:
        try:
            unseal(row.secret)
        except SecretUndecryptable:
            lost.append(row.public_id)
    if lost:
        yield _wrong(
            "dispatcher.E003",
            f"The secrets of {len(lost)} of the newest {len(rows)} endpoints cannot be read: {lost[0]}, …",
        )
    elif rows:
        newest = "endpoint" if len(rows) == 1 else f"{len(rows)} endpoints"
        yield Seen(f"the secrets of the newest {newest} can be read")


def broker() -> Iterator[Seen]:
    """Whether it can be reached, where one is set."""
    url = dispatcher_settings().broker_url
    if not url:
        yield Seen("no broker is set; dispatchers deliver by themselves")
        return
    try:
        built = build_broker(url)
        try:
            reach_broker(built)
            yield Seen(f"{shown(url)} answers")
            for warning in broker_warnings(built):
                yield _wrong("dispatcher.E005", f"{warning}.")
        finally:
            with contextlib.suppress(Exception):  # it was never open
                close_broker(built)
    except (BrokerOutOfReach, BrokerUnusable) as error:
        yield _wrong("dispatcher.E005", f"{shown(url)}: {error}")


def names() -> Iterator[Seen]:
    """Hosts of the newest enabled endpoints, resolved all at once, none waited for longer than five seconds."""
    rows = Endpoint.objects.filter(deleted_at=None, status=EndpointStatus.ENABLED).order_by("-id")
    hosts = list(
        dict.fromkeys(urlsplit(url).hostname or "" for url in rows.values_list("url", flat=True)[:_HOSTS])
    )
    if not hosts:
        return
    answers: dict[str, tuple[float, str | None]] = {}
    # Daemons: a resolver that hangs does not hold up the end of the process.
    lookups = [
        threading.Thread(target=lambda host=host: answers.update({host: _resolve(host)}), daemon=True)
        for host in hosts
    ]
    deadline = time.monotonic() + _LONGEST_LOOKUP
    for lookup in lookups:
        lookup.start()
    for lookup in lookups:
        lookup.join(timeout=max(0.0, deadline - time.monotonic()))
    never = (_LONGEST_LOOKUP, f"took longer than {_LONGEST_LOOKUP:g} s")
    bad = {}
    for host in hosts:
        seconds, problem = answers.get(host, never)
        if problem is not None or seconds > _SLOW_NAME:
            bad[host] = problem or f"took {seconds:.1f} s"
    for host, problem in bad.items():
        yield _wrong("dispatcher.W009", f"The host name {host} {problem}.")
    if not bad:
        yield Seen(f"{len(hosts)} host name{'' if len(hosts) == 1 else 's'} of endpoints resolved")


def _resolve(host: str) -> tuple[float, str | None]:
    began = time.monotonic()
    try:
        socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return 0.0, f"cannot be resolved ({getattr(error, 'strerror', None) or error})"
    return time.monotonic() - began, None


def _minutes(span: timedelta) -> str:
    minutes = span.total_seconds() / 60
    return (
        f"{minutes / 60:.1f} h"
        if minutes >= 120
        else f"{minutes:.0f} min"
        if minutes >= 2
        else f"{minutes * 60:.0f} s"
    )


LOOKS: dict[str, Look] = {
    "server": server,
    "migrations": migrations,
    "clocks": clocks,
    "tables": tables,
    "partitions": partitions,
    "deliveries": deliveries,
    "secrets": secrets,
    "broker": broker,
    "names": names,
}
"""Each by the name that it is shown under; the server first, since the others need it."""

NEED_NO_TABLES = frozenset({"server", "migrations", "clocks", "tables", "broker"})


def look(name: str) -> Iterator[Seen]:
    """One of LOOKS. A look whose statement the server refuses tells that, and the others go on.

    Raises:
        django.db.Error: the connection is lost.
    """
    from dispatcher.connection import connection_is_lost, schema_is_missing

    try:
        yield from LOOKS[name]()
    except Error as error:
        if connection_is_lost(error):
            raise
        if schema_is_missing(error):
            return  # migrations tell of it
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        yield Seen(f"cannot be looked at: {reason}")

"""What `webhooks doctor` looks at beside the database: deliveries, secrets, the broker, the network."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import Error

from dispatcher.brokers import broker_warnings, build_broker, close_broker, reach_broker, shown
from dispatcher.config import dispatcher_settings
from dispatcher.database_examination import DATABASE_LOOKS
from dispatcher.errors import BrokerOutOfReach, BrokerUnusable, SecretUndecryptable
from dispatcher.findings import CATALOGUE
from dispatcher.models import Endpoint, EndpointStatus
from dispatcher.processes import Liveness, known_processes
from dispatcher.sealing import unseal
from dispatcher.standing import Standing, read_standing
from outbox.database import connection_is_lost, first_line, schema_is_missing
from outbox.findings import Look, Seen, seen_wrong, span_text

_LATE = timedelta(minutes=1)
_ENDPOINTS = 200  # whose secrets are opened
_HOSTS = 20  # that are resolved
_SLOW_NAME, _LONGEST_LOOKUP = 1.0, 5.0  # seconds


def _wrong(id: str, sentence: str) -> Seen:
    return seen_wrong(CATALOGUE, id, sentence)


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
                f"The {one.kind} {one.host}:{one.pid} was seen {span_text(one.seen_ago)} ago and holds "
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
            "dispatcher.W008", f"The oldest delivery that may be sent is due for {span_text(oldest)}."
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


LOOKS: dict[str, Look] = {
    **DATABASE_LOOKS,
    "deliveries": deliveries,
    "secrets": secrets,
    "broker": broker,
    "names": names,
}
"""Each by the name that it is shown under; the server first, since the others need it."""


def look(one: Look) -> Iterator[Seen]:
    """A look whose statement the server refuses tells that, and the others go on.

    Raises:
        django.db.Error: the connection is lost.
    """
    try:
        yield from one()
    except Error as error:
        if connection_is_lost(error):
            raise
        if schema_is_missing(error):
            return  # migrations tell of it
        reason = first_line(error)
        yield Seen(f"cannot be looked at: {reason}")

"""The broker between dispatchers and workers: RabbitMQ or Redis, from its URL.

It carries hints and owns nothing: PostgreSQL has the schedule, the leases and the retries. So none of
dramatiq's middleware that retries, delays, ages or interrupts is used, and a broker may lose everything.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from dispatcher.errors import BrokerOutOfReach, BrokerUnusable

if TYPE_CHECKING:
    from dramatiq import Broker, Middleware

RABBITMQ_SCHEMES = ("amqp", "amqps")
REDIS_SCHEMES = ("redis", "rediss")
_INSTALL = "install the package with its extra: ministripe-outbox[dramatiq]"
# A broker that does not answer is out of reach within seconds: until then nothing is handed out.
_RABBITMQ_OPTIONS = {
    "connection_attempts": "1",
    "socket_timeout": "5",
    "stack_timeout": "5",
    "blocked_connection_timeout": "5",  # RabbitMQ stops reading when it is short of memory or disk
    "heartbeat": "60",
}
_REDIS_OPTIONS = {"socket_timeout": "5", "socket_connect_timeout": "5", "health_check_interval": "30"}


def broker_url_problem(url: str) -> str | None:
    """What is wrong with a broker's URL, without its password; None where it can be tried."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "has a malformed host or port (a password's special characters are written as %..)"
    if parts.scheme not in RABBITMQ_SCHEMES + REDIS_SCHEMES:
        return (
            "must begin with amqp:// or amqps:// (RabbitMQ), or with redis:// or rediss:// (Redis), "
            f"not with {parts.scheme + '://' if parts.scheme else 'something else'}"
        )
    if not host:
        return f"names no host: {parts.scheme}://host:port is the least"
    if parts.scheme in REDIS_SCHEMES and not re.fullmatch(r"/?|/\d+", parts.path):
        return f"must end in the number of a database, {parts.scheme}://host:port/0"
    return None


def shown(url: str) -> str:
    """A broker's URL without what is secret in it."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def build_broker(url: str, *, middleware: "Sequence[Middleware]" = ()) -> "Broker":
    """The broker of a URL. No connection is opened.

    Raises:
        BrokerUnusable: the URL names none, or its client library is not installed.
    """
    if problem := broker_url_problem(url):
        raise BrokerUnusable(f"the broker's URL {problem}")
    # What pika says in its log, with tracebacks, its callers get as exceptions too.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    try:
        if urlsplit(url).scheme in RABBITMQ_SCHEMES:
            return _rabbitmq(url, list(middleware))
        return _redis(url, list(middleware))
    except ImportError as error:
        raise BrokerUnusable(f"{error.name or error} is not installed; {_INSTALL}") from error


@contextmanager
def broker_errors() -> Iterator[None]:
    """Within, whatever a broker's client raises because the broker is away becomes BrokerOutOfReach."""
    try:
        yield
    except Exception as error:
        if not _is_of_broker(error):
            raise
        raise BrokerOutOfReach(_reason(error)) from error


def reach_broker(broker: "Broker") -> None:
    """Connect, for this thread.

    Raises:
        BrokerOutOfReach: it cannot be reached, or refuses.
    """
    with broker_errors():
        if hasattr(broker, "client"):
            broker.client.ping()
        else:
            channel: Any = broker.channel  # type: ignore[attr-defined]
            assert channel.is_open


def stay_connected(broker: "Broker") -> None:
    """Answer heartbeats of RabbitMQ on this thread's connection; what is lost is found again by the next send."""
    connection = getattr(getattr(broker, "state", None), "connection", None)
    if connection is None:
        return
    try:
        connection.process_data_events(time_limit=0)
    except Exception as error:
        if not _is_of_broker(error):
            raise
        del broker.connection  # type: ignore[attr-defined]


def close_broker(broker: "Broker") -> None:
    """Close every connection of this process to it."""
    broker.close()
    if hasattr(broker, "client"):
        broker.client.close()


def broker_warnings(broker: "Broker") -> list[str]:
    """What a Redis is set to that loses hints; nothing where it does not tell. Lost hints cost a lease each."""
    if not hasattr(broker, "client"):
        return []
    try:
        found: dict[str, str] = broker.client.config_get("appendonly", "maxmemory-policy")
    except Exception as error:
        if not _is_of_broker(error):
            raise
        return []  # managed servers hide their configuration
    warnings = []
    if found.get("appendonly") == "no":
        warnings.append(
            "Redis keeps no append-only file (appendonly no): its restart loses what is handed out"
        )
    if found.get("maxmemory-policy", "noeviction") != "noeviction":
        warnings.append(
            f"Redis may evict what is handed out (maxmemory-policy {found['maxmemory-policy']}): "
            "set it to noeviction"
        )
    return warnings


def _rabbitmq(url: str, middleware: "list[Middleware]") -> "Broker":
    from dramatiq.brokers.rabbitmq import RabbitmqBroker

    return RabbitmqBroker(
        url=_with_options(url, _RABBITMQ_OPTIONS), confirm_delivery=True, middleware=middleware
    )


def _redis(url: str, middleware: "list[Middleware]") -> "Broker":
    from dramatiq.brokers.redis import RedisBroker

    return RedisBroker(  # type: ignore[no-untyped-call]
        url=_with_options(url, _REDIS_OPTIONS), middleware=middleware
    )


def _with_options(url: str, options: dict[str, str]) -> str:
    """Both client libraries read options from the URL; those that it names itself stay."""
    parts = urlsplit(url)
    return parts._replace(query=urlencode(options | dict(parse_qsl(parts.query)))).geturl()


def _is_of_broker(error: BaseException) -> bool:
    """By module, since only the client library of the broker in use has to be installed."""
    kinds = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, OSError) or not kinds.isdisjoint({"pika", "redis", "dramatiq"})


def _reason(error: BaseException) -> str:
    """The innermost words: pika wraps a refused connection four times, and its outermost text is empty."""
    text = str(error) or repr(error)
    found = re.findall(r"\b(\w*(?:Error|gaierror|timeout|Closed\w*))\((?:-?\d+, )?'?([^'()]+)'?", text)
    if found:
        return str(found[-1][1]).strip().rstrip(".")
    return text.strip().splitlines()[0].rstrip(".")

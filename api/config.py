"""The edge's settings, defined in core/settings.py."""

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

from django.conf import settings


def max_body_bytes() -> int:
    """The largest request body, in bytes."""
    return settings.MAX_BODY_BYTES


def rate_limit() -> float:
    """Requests a second of one account; 0 is no limit."""
    return settings.API_RATE_LIMIT


def address_rate_limit() -> float:
    """Requests a second from one address; 0 is no limit."""
    return settings.API_RATE_LIMIT_PER_ADDRESS


def failed_keys_per_minute() -> int:
    """Refused keys a minute from one address; 0 is no limit."""
    return settings.API_FAILED_KEYS_PER_MINUTE


def trusted_proxies() -> Sequence[IPv4Network | IPv6Network]:
    """Networks of the proxies whose X-Forwarded-For counts."""
    networks: Sequence[IPv4Network | IPv6Network] = settings.TRUSTED_PROXIES
    return networks


def idempotency_lease() -> timedelta:
    """How long a write that never came back keeps its key to itself; afterwards a retry resumes it."""
    lease: timedelta = settings.IDEMPOTENCY["LEASE"]
    return lease


def request_log_retention() -> timedelta:
    """How long requests stay in the log."""
    retention: timedelta = settings.REQUEST_LOG["RETENTION"]
    return retention


def audit_retention() -> timedelta:
    """How long it is known who changed what by hand."""
    retention: timedelta = settings.AUDIT_LOG["RETENTION"]
    return retention


def cli_relay_url() -> str:
    """Where the Stripe CLI opens its WebSocket: at `run_cli_relay`, or at what stands before it."""
    return str(settings.CLI_RELAY["URL"])


def cli_session_lifetime() -> timedelta:
    """How long a session of the CLI outlives its last sign of life."""
    lifetime: timedelta = settings.CLI_RELAY["SESSION_LIFETIME"]
    return lifetime


def idempotency_retention() -> timedelta:
    """How long an answer is replayed; afterwards the key is a new one."""
    retention: timedelta = settings.IDEMPOTENCY["RETENTION"]
    return retention


def metrics_ports() -> range:
    """Ports of which each worker takes one to serve its metrics on; empty where they are not asked for."""
    first, _, last = str(settings.API_METRICS["PORTS"]).partition("-")
    return range(int(first), int(last or first) + 1) if first else range(0)


def metrics_host() -> str:
    """The address to serve them on."""
    return str(settings.API_METRICS["HOST"])


def login_attempts_per_minute() -> int:
    """How often a minute one name may try to log in; from one address four times as often. 0 is no limit."""
    return settings.LOGIN_ATTEMPTS_PER_MINUTE


def operations_session() -> timedelta:
    """How long somebody stays logged in at most."""
    span: timedelta = settings.OPERATIONS_SESSION["LONGEST"]
    return span


def operations_session_idle() -> timedelta:
    """How long somebody stays logged in without opening a page."""
    span: timedelta = settings.OPERATIONS_SESSION["IDLE"]
    return span


def logs_requests() -> bool:
    """Whether each request is a line of the process's log too, beside its row in the request log."""
    return settings.API_LOG_REQUESTS

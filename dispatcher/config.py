"""The dispatcher's settings: what each means, its default and the reason for it.

    DISPATCHER = {"LEASE": timedelta(seconds=30), …}

Every key is optional. Django's checks and `run_dispatcher` report all problems at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cached_property
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from dispatcher.addresses import AddressPolicy
from dispatcher.brokers import broker_url_problem
from dispatcher.errors import ConfigurationError
from dispatcher.protection import Protection
from dispatcher.retry import DEFAULT_SCHEDULE, RetryPolicy
from dispatcher.urls import ANY_PORT, DEFAULT_PORTS, UrlRules
from outbox.facts import EventFacts

RenderEvent = Callable[[EventFacts, str], bytes]

# What a send may need beyond its own deadline: reading the clock, the socket, a scheduler's hiccup.
SEND_MARGIN = timedelta(seconds=0.5)
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=1), timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class DispatcherSettings:
    """One process's view of the DISPATCHER setting."""

    # Renders an event's body for an endpoint's API version: a pure function, since every attempt of a
    # delivery must send the same bytes.
    render_event: str = "dispatcher.rendering.render_event"
    # Fernet keys for signing secrets at rest, newest first: the first encrypts, each decrypts.
    secret_keys: list[str] = field(default_factory=list)
    # A receiver that has not answered in 15 s is not waiting for work, it is stuck; Stripe gives about as long.
    attempt_timeout: timedelta = timedelta(seconds=15)
    # Three SYNs (1 s, 2 s apart) fit, a black hole does not hold a slot for the whole deadline.
    connect_timeout: timedelta = timedelta(seconds=5)
    # Twice the deadline: a send claimed in time also ends in time, and what a dead process held is
    # claimable half a minute later.
    lease: timedelta = timedelta(seconds=30)
    # Sends at once in a process. Well below the 1,024 descriptors that many systems give a process.
    concurrency: int = 256
    # Leased deliveries of one endpoint over all dispatchers: four slow endpoints cannot fill a process.
    max_in_flight: int = 64
    # As Stripe has it; an owner with more wants one receiver that routes.
    max_endpoints_per_owner: int = 16
    # 13 attempts over three days; an empty list is this default.
    retry_schedule: list[timedelta] = field(default_factory=list)
    # Each wait is drawn from ±10 %, so that what failed together does not come back together.
    retry_jitter: float = 0.1
    # Failed attempts in a row after which an endpoint's deliveries pause. A receiver that fails one in two gets
    # that far once in a thousand; one that is down does within a second.
    circuit_threshold: int = 10
    # The first pause, doubled by every probe that fails: as long as a restart takes, then a look every five
    # minutes, which a receiver that comes back hardly waits for and one that is down hardly notices.
    circuit_pause: timedelta = timedelta(seconds=5)
    circuit_pause_cap: timedelta = timedelta(minutes=5)
    # An endpoint that has failed for so long, and not once succeeded, is disabled: longer than a long weekend.
    # None is never.
    disable_after: timedelta | None = timedelta(days=5)
    # Where `--executor dramatiq` and its workers meet: amqp://… or redis://…
    broker_url: str | None = None
    # Plain http, for receivers on the own machine only.
    allow_http: bool = False
    # CIDRs that deliveries may reach although they are not public, and that they never may.
    allow_addresses: list[str] = field(default_factory=list)
    deny_addresses: list[str] = field(default_factory=list)
    # Ports beside 443 and 8443 (and 80 where http is allowed); "any" is every port.
    extra_ports: list[str] = field(default_factory=list)
    # A file of certificates to trust instead of certifi's.
    ca_bundle: str | None = None
    # Long enough to look into last month's incident; an attempt keeps up to 16 KiB of its response.
    attempt_retention: timedelta = timedelta(days=30)
    # A replay of more deliveries has to be confirmed with its count: a finger that slipped sends a month again.
    replay_limit: int = 100_000
    # Whether the sums that charts are drawn from are kept. It costs a dispatcher a hundredth of its time; without them
    # charts stay empty.
    rollups: bool = True
    # Charts of the last month, with a few days to compare with; minutes are kept for a week of it.
    rollup_retention: timedelta = timedelta(days=35)
    user_agent: str = "MiniStripe/1.0 (webhooks)"

    def problems(self) -> list[str]:
        """Everything that is wrong, each in a sentence that names the setting."""
        found = []
        if self.connect_timeout > self.attempt_timeout:
            found.append("CONNECT_TIMEOUT must not exceed ATTEMPT_TIMEOUT")
        if problem := self.lease_problem(self.lease):
            found.append(f"LEASE {problem}")
        if not 1 <= self.concurrency <= 10_000:
            found.append(f"CONCURRENCY must be between 1 and 10000, not {self.concurrency}")
        if not 1 <= self.max_in_flight <= 10_000:
            found.append(f"MAX_IN_FLIGHT must be between 1 and 10000, not {self.max_in_flight}")
        found += self._protection_problems()
        if self.broker_url and (problem := broker_url_problem(self.broker_url)):
            found.append(f"BROKER_URL {problem}")
        if not 0 <= self.replay_limit <= 1_000_000:
            found.append(f"REPLAY_LIMIT must be between 0 and 1000000, not {self.replay_limit}")
        if self.rollup_retention < timedelta(hours=2):
            found.append(
                f"ROLLUP_RETENTION must be at least two hours, not {_text(self.rollup_retention)}: rollups of hours "
                "are begun within them"
            )
        found += [
            f"EXTRA_PORTS: {port!r} is neither a port nor 'any'"
            for port in self.extra_ports
            if port != "any" and not (port.isdigit() and 0 < int(port) < 65_536)
        ]
        for number, key in enumerate(self.secret_keys):
            try:
                Fernet(key)
            except ValueError:
                found.append(f"SECRET_KEYS[{number}] is not a Fernet key: 32 bytes in url-safe base64")
        for name in ("address_policy", "retry_policy"):
            try:
                getattr(self, name)
            except ValueError as error:
                found.append(f"{name.split('_')[0].upper()}: {error}")
        return found

    def lease_problem(self, lease: timedelta) -> str | None:
        """What is wrong with a lease, or None: a send must not outlive it, and must have time to begin."""
        least = max(2 * self.attempt_timeout, self.attempt_timeout + 2 * SEND_MARGIN)
        if lease >= least:
            return None
        return (
            f"must be at least {_text(least)} (twice the attempt timeout of {_text(self.attempt_timeout)}, "
            f"and {_text(2 * SEND_MARGIN)} more than it), not {_text(lease)}"
        )

    def _protection_problems(self) -> list[str]:
        found = []
        if not 1 <= self.circuit_threshold <= 10_000:
            found.append(f"CIRCUIT_THRESHOLD must be between 1 and 10000, not {self.circuit_threshold}")
        if not _SHORTEST_PAUSE <= self.circuit_pause <= _LONGEST_PAUSE:
            found.append(
                f"CIRCUIT_PAUSE must be between {_text(_SHORTEST_PAUSE)} and {_text(_LONGEST_PAUSE)}, "
                f"not {_text(self.circuit_pause)}"
            )
        if not self.circuit_pause <= self.circuit_pause_cap <= _LONGEST_PAUSE:
            found.append(
                f"CIRCUIT_PAUSE_CAP must be between CIRCUIT_PAUSE ({_text(self.circuit_pause)}) and "
                f"{_text(_LONGEST_PAUSE)}, not {_text(self.circuit_pause_cap)}"
            )
        if self.disable_after is not None and self.disable_after <= timedelta():
            found.append(
                f"DISABLE_AFTER must be longer than 0 s, or None for never, not {_text(self.disable_after)}"
            )
        return found

    @cached_property
    def protection(self) -> Protection:
        return Protection(
            circuit_threshold=self.circuit_threshold,
            circuit_pause=self.circuit_pause,
            circuit_pause_cap=self.circuit_pause_cap,
            disable_after=self.disable_after,
        )

    @cached_property
    def address_policy(self) -> AddressPolicy:
        return AddressPolicy(allow=self.allow_addresses, deny=self.deny_addresses)

    @cached_property
    def url_rules(self) -> UrlRules:
        ports = DEFAULT_PORTS | ({80} if self.allow_http else set())
        if "any" in self.extra_ports:
            ports |= ANY_PORT
        else:
            ports |= {int(port) for port in self.extra_ports}
        return UrlRules(allow_http=self.allow_http, ports=frozenset(ports))

    @cached_property
    def retry_policy(self) -> RetryPolicy:
        return RetryPolicy(schedule=tuple(self.retry_schedule) or DEFAULT_SCHEDULE, jitter=self.retry_jitter)

    @cached_property
    def renderer(self) -> RenderEvent:
        renderer: RenderEvent = import_string(self.render_event)
        return renderer


_cache: list[DispatcherSettings] = []


def dispatcher_settings() -> DispatcherSettings:
    """The settings, read and validated once.

    Raises:
        ConfigurationError: a key is unknown or a value is out of range; every problem is listed.
    """
    if not _cache:
        given = dict(getattr(settings, "DISPATCHER", {}))
        known = {item.name.upper(): item.name for item in fields(DispatcherSettings)}
        if unknown := sorted(set(given) - set(known)):
            raise ConfigurationError([f"unknown setting DISPATCHER[{name!r}]" for name in unknown])
        loaded = DispatcherSettings(**{known[key]: value for key, value in given.items()})
        if problems := loaded.problems():
            raise ConfigurationError(problems)
        _cache.append(loaded)
    return _cache[0]


def fallback_secret() -> str:
    """Django's own secret, from which a key is derived where SECRET_KEYS is empty (`check --deploy` warns)."""
    return str(settings.SECRET_KEY)


def _forget(*, setting: str, **_: Any) -> None:
    if setting in {"DISPATCHER", "SECRET_KEY"}:
        _cache.clear()


setting_changed.connect(_forget)


def _text(value: timedelta) -> str:
    return f"{value.total_seconds():g} s"

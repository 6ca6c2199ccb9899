"""System checks of the dispatcher's settings: `manage.py check` tells what `run_dispatcher` would refuse, and what it
would regret. The words are the catalogue's, as `webhooks doctor` has them.
"""

import resource
import ssl
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register

from dispatcher.config import DispatcherSettings, dispatcher_settings
from dispatcher.errors import ConfigurationError
from dispatcher.findings import CATALOGUE
from outbox.findings import Finding, finding

# Beside its sends a process has connections to PostgreSQL and a broker, its log, epoll and wake-up pipes; a worker's
# threads have connections of their own.
_DESCRIPTORS_BESIDE_SENDS = 64
_OUTAGE = timedelta(hours=1)

Judge = Callable[[DispatcherSettings], Iterator[Finding]]


@register("dispatcher")
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every problem of the DISPATCHER setting."""
    del app_configs, kwargs
    try:
        dispatcher_settings()
    except ConfigurationError as error:
        return [finding(CATALOGUE, "dispatcher.E001", problem).message() for problem in error.problems]
    return []


@register("dispatcher", deploy=True)
def check_relations(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Settings that are right by themselves, and beside each other or on this machine would not serve; told by
    `manage.py check --deploy`: a demo's schedule is short on purpose.
    """
    del app_configs, kwargs
    if check_settings(None):
        return []
    settings = dispatcher_settings()
    return [found.message() for judge in _JUDGES for found in judge(settings)]


@register("dispatcher", deploy=True)
def check_secret_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Signing secrets that have no keys of their own; told by `manage.py check --deploy`."""
    del app_configs, kwargs
    if check_settings(None) or dispatcher_settings().secret_keys:
        return []
    sentence = (
        "Signing secrets are encrypted with a key made from SECRET_KEY: changing SECRET_KEY loses them."
    )
    return [finding(CATALOGUE, "dispatcher.W001", sentence).message()]


def _certificates(settings: DispatcherSettings) -> Iterator[Finding]:
    path = settings.ca_bundle
    if path is None:
        return
    try:
        Path(path).read_bytes()
        ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or error
        yield finding(CATALOGUE, "dispatcher.E002", f"CA_BUNDLE {path!r} cannot be read: {reason}.")


def _descriptors(settings: DispatcherSettings) -> Iterator[Finding]:
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.concurrency + _DESCRIPTORS_BESIDE_SENDS
    if allowed != resource.RLIM_INFINITY and allowed < needed:
        yield finding(
            CATALOGUE,
            "dispatcher.W002",
            f"CONCURRENCY of {settings.concurrency} needs about {needed} open files; this process may have {allowed}.",
        )


def _schedule(settings: DispatcherSettings) -> Iterator[Finding]:
    span = sum(settings.retry_policy.schedule, timedelta())
    if span < _OUTAGE:
        yield finding(
            CATALOGUE,
            "dispatcher.W003",
            f"RETRY_SCHEDULE is over after {_text(span)}: a receiver that is down for an hour loses what it is sent.",
        )
    if settings.disable_after is not None and settings.disable_after < span:
        yield finding(
            CATALOGUE,
            "dispatcher.W004",
            f"DISABLE_AFTER of {_text(settings.disable_after)} comes before RETRY_SCHEDULE is over "
            f"({_text(span)}): the "
            "last attempts are never made.",
        )
    if settings.attempt_retention < span:
        yield finding(
            CATALOGUE,
            "dispatcher.W005",
            f"ATTEMPT_RETENTION of {_text(settings.attempt_retention)} is shorter than RETRY_SCHEDULE ({_text(span)}).",
        )


_JUDGES: tuple[Judge, ...] = (_certificates, _descriptors, _schedule)


def _text(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return (
        f"{hours / 24:.1f} days"
        if hours >= 48
        else f"{hours:.1f} h"
        if hours >= 1
        else f"{hours * 60:.1f} min"
    )

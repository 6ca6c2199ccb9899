"""System checks of the payments room: settings that parse, and yet would not serve."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register

from core.config import api_key_hash_key, secret_key, session_timeouts
from core.findings import CATALOGUE
from outbox.findings import Finding, finding

_LEAST_KEY_BYTES = 32


@register("core")
def check_hash_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A short key could be searched for, offline, by whoever copies the table of hashes."""
    del app_configs, kwargs
    if len(api_key_hash_key()) >= _LEAST_KEY_BYTES:
        return []
    sentence = f"API_KEY_HASH_KEY has fewer than {_LEAST_KEY_BYTES} bytes."
    return [finding(CATALOGUE, "core.E001", sentence).message()]


@register("core", deploy=True)
def check_relations(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Settings that are right by themselves, and not beside each other; told by `manage.py check --deploy`."""
    del app_configs, kwargs
    return [found.message() for found in _relations()]


def _relations() -> Iterator[Finding]:
    timeouts = session_timeouts()
    statement, lock = timeouts.get("statement_timeout", 0), timeouts.get("lock_timeout", 0)
    if statement and (lock >= statement or not lock):
        yield finding(
            CATALOGUE,
            "core.W001",
            f"LOCK_TIMEOUT_MS ({lock}) is not below STATEMENT_TIMEOUT_MS ({statement}).",
        )
    if secret_key() == api_key_hash_key():
        yield finding(CATALOGUE, "core.W002", "SECRET_KEY and API_KEY_HASH_KEY are the same.")

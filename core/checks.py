"""System checks of the payments room: settings that parse, and yet would not serve."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from core.config import api_key_hash_key

_LEAST_KEY_BYTES = 32


@register("core")
def check_hash_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A short key could be searched for, offline, by whoever copies the table of hashes."""
    del app_configs, kwargs
    if len(api_key_hash_key()) >= _LEAST_KEY_BYTES:
        return []
    return [
        Error(
            f"API_KEY_HASH_KEY has fewer than {_LEAST_KEY_BYTES} bytes.",
            hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            id="core.E001",
        )
    ]

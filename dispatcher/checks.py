"""System checks of the dispatcher's settings: `manage.py check` tells what `run_dispatcher` would refuse."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as SystemWarning

from dispatcher.config import dispatcher_settings
from dispatcher.errors import ConfigurationError


@register("dispatcher")
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every problem of the DISPATCHER setting, and signing secrets that have no keys of their own."""
    del app_configs, kwargs
    try:
        settings = dispatcher_settings()
    except ConfigurationError as error:
        return [
            Error(problem, hint="Mend the DISPATCHER setting.", id="dispatcher.E001")
            for problem in error.problems
        ]
    if settings.secret_keys:
        return []
    return [
        SystemWarning(
            "Signing secrets are encrypted with a key made from SECRET_KEY: changing SECRET_KEY loses them.",
            hint="Set DISPATCHER['SECRET_KEYS'] to a list of Fernet keys.",
            id="dispatcher.W001",
        )
    ]
